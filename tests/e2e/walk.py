"""A walk over the real page: does what users do, checks after every step what must always be true. Chromium."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import BrowserContext, Page
from tokenizers import Tokenizer  # type: ignore[import-untyped]

from tests.e2e.reference import ReferenceModel

PROBE = (Path(__file__).parent / "walk_probe.js").read_text(encoding="utf-8")
ROOM = 255  # shown tokens the tiny models read: their context less the prefix token
IDLE = 60_000  # ms; loading everything again on a busy machine
STOP = 15_000  # ms; the point is that a run ends at all, without reading on
PHASES = {"booting", "ready", "running", "error"}
TOLERANCE = 2e-4  # nats


def plain(text: str) -> str:
    """The text as a textarea has it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class World:
    """What all walks share: one browser context, the models and what transformers says of them."""

    def __init__(self, context: BrowserContext, site: str, models: Path, checkpoints: Path) -> None:
        self.context = context
        self.site = site
        self.checkpoints = checkpoints
        self.names = {
            json.loads(path.read_text())["sha256"]: path.parent.name for path in models.glob("*/manifest.json")
        }
        self.tokenizer = Tokenizer.from_file(str(checkpoints / "tiny-gpt2" / "tokenizer.json"))
        self.errors: list[str] = []
        self.steps = 0
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("request", lambda request: self.note(request.url))
        self.known: dict[tuple, np.ndarray] = {}

    def note(self, url: str) -> None:
        if not url.startswith((self.site, "data:", "blob:", "about:")):
            self.errors.append(f"request to {url}")

    @cached_property
    def references(self) -> dict[str, ReferenceModel]:
        return {name: ReferenceModel(self.checkpoints / name) for name in self.names.values()}

    def logprobs(self, model: str, prefix: int | None, ids: list[int]) -> np.ndarray:
        """[token] log-probability of every shown token; NaN for the first where nothing stands in front."""
        key = (model, prefix, *ids)
        if key not in self.known:
            front = [] if prefix is None else [prefix]
            found = self.references[model].read([*front, *ids]).token_logprob()
            self.known[key] = found if front else np.array([np.nan, *found])
        return self.known[key]

    def cut(self, text: str) -> list[int]:
        """Token ids of a text as both tiny models cut it, as many as they read."""
        return self.tokenizer.encode(text, add_special_tokens=False).ids[:ROOM]


class Walk:
    """
    One visit. `text` is what must be in the box, `writer` a run that may still put its own text there. Once nothing is
    under way, `wanted` are the ids that must be shown, all of them or (`whole` False) the first of them, and (`live`)
    only where the machine is fast enough to read while one types; `wanted_text` is the text that must be shown, and
    `wanted_pin` the token that must be pinned.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.page: Page = world.context.new_page()
        self.page.goto(f"{world.site}examples.json")
        self.page.evaluate("localStorage.clear()")
        self.text = ""
        self.writer: int | None = None
        self.pinned: int | None = None
        self.may_pin: set[int | None] = set()
        self.drops = 0
        self.broken = False  # whether something was taken away that a run may have needed
        self.offline = False
        self.forget_wishes()

    def forget_wishes(self) -> None:
        self.wanted: list[int] | None = None
        self.whole = True
        self.live = False
        self.wanted_text: str | None = None
        self.wanted_pin: int | None = None

    def close(self) -> None:
        self.world.context.set_offline(False)
        self.page.close()

    def enter(self, hash: str = "") -> None:
        """Opens the page and puts the probe in."""
        self.page.goto(f"{self.world.site}{hash}")
        self.begin()

    def begin(self) -> None:
        now = self.page.evaluate(PROBE)
        self.text, self.writer, self.drops = now["text"], None, 0

    def accept(self) -> None:
        """Takes the text that the page begins with."""
        self.page.evaluate("async () => { while (!walk.state.text.value) await walk.pause(20); }")
        self.text = self.page.evaluate("walk.state.text.value")

    # What is done

    def act(self, action: str, arg: Any = None) -> tuple[dict, Any, dict]:
        """Does something in one turn of the page: what was before, what it answered, what is after."""
        before, answer, after = self.page.evaluate(
            f"""async (arg) => {{
              const before = walk.look();
              const answer = await ({action})(arg);
              return [before, answer ?? null, walk.look()];
            }}""",
            arg,
        )
        self.check(before)
        return before, answer, after

    def ask(self, action: str, arg: Any = None) -> tuple[dict, Any, dict, int | None]:
        """Does something that may start a run; also that run's id. The box then holds what it held just before."""
        before, answer, after = self.act(action, arg)
        started = after["underWay"] if after["underWay"] != before["underWay"] else None
        if started is not None:
            self.text, self.writer = before["text"], None
            self.forget_wishes()
        return before, answer, after, started

    def holds(self, text: str) -> None:
        """From now on the box holds this, whatever is under way."""
        self.text, self.writer = text, None
        self.forget_wishes()

    # What must be true

    def check(self, now: dict) -> None:
        """What is true at every moment."""
        assert not self.world.errors, self.world.errors
        assert plain(now["box"]) == plain(now["text"])
        at_writer = self.writer is not None and self.writer in now["writers"]
        assert now["text"] == self.text or at_writer, ("the box holds", now["text"], "not", self.text, self.writer)
        assert now["phase"] in PHASES and now["told"] == now["phase"]
        assert now["phase"] != "error" or self.broken, now["notice"]
        assert now["phase"] != "running" or now["underWay"] is not None
        assert now["phase"] != "ready" or (now["underWay"] is None and not now["loads"])
        assert now["stop"] == (now["underWay"] is not None)
        assert now["panels"] == ["tokens-lens" if now["lens"] == "tokens" else now["lens"]]
        run = now["run"]
        if run:
            assert run["count"] <= len(run["ids"])
            assert run["model"] in self.world.names
            assert run["done"] or now["underWay"] is not None, "a run that nobody runs is not done"
            assert not run["done"] or run["id"] != now["underWay"], "a run under way is done"
        assert not now["jumps"], ("a pinned token was not kept", now["jumps"])
        allowed = {self.pinned} | self.may_pin | ({None} if now["drops"] > self.drops else set())
        assert now["pinned"] in allowed, ("pinned", now["pinned"], "not in", allowed)
        self.pinned, self.drops = now["pinned"], now["drops"]

    def settle(self) -> dict:
        """Waits until nothing is under way, then checks everything."""
        now = self.page.evaluate("(patience) => walk.idle(patience)", IDLE)
        assert "stuck" not in now, {key: now[key] for key in ("phase", "notice", "underWay", "loads", "outcomes")}
        self.check(now)
        final = now["finals"].get(str(self.writer))
        if final is not None and (now["run"]["total"] == len(now["run"]["ids"]) or now["run"]["id"] != self.writer):
            assert now["text"] == final, ("the box holds", now["text"], "not what was generated", final)
        elif self.writer is not None:
            assert now["text"] == self.text, "a text longer than the context was cut"
        self.text, self.writer = now["text"], None
        self.may_pin = {now["tokenToPin"]} - {None}  # of a link to a text that still waits to be read
        self.check_outcomes(now)
        if now["phase"] == "ready":
            kinds = [worker.url for worker in self.page.workers]
            assert any("inference.worker" in url for url in kinds) and any("analysis.worker" in url for url in kinds)
            self.broken = self.offline
        if now["run"]:
            self.check_tokens(now, now["run"])
            self.check_numbers(now["run"])
        self.forget_wishes()
        return now

    def check_tokens(self, now: dict, run: dict) -> None:
        """The tokens that are drawn are the run's, the run's are those of its text, and of what was asked for."""
        self.check_drawn(now, run)
        if "\ufffd" not in run["text"]:
            assert self.decoded(run["ids"]) == run["text"]
        if self.wanted is not None and not (self.live and now["slow"]):
            shown = run["ids"] if self.whole else run["ids"][: len(self.wanted)]
            assert shown == self.wanted, ("shown", run["text"], "not", self.decoded(self.wanted))
        if self.wanted_text is not None:
            assert run["text"] == self.wanted_text
        if self.wanted_pin is not None and self.wanted_pin < run["count"]:
            assert now["pinned"] == self.wanted_pin

    def check_drawn(self, now: dict, run: dict) -> None:
        """
        What is drawn is the text in the box, whatever has been read of it: all tokens of its run, else those before the
        one that what was typed begins in or after.
        """
        count = len(now["elements"])
        assert now["elements"] == list(range(count))
        assert now["selected"] == ([] if now["pinned"] is None or now["pinned"] >= count else [now["pinned"]])
        text = plain(now["text"])
        assert plain(now["drawn"]) == text, ("drawn", now["drawn"], "not", now["text"], "of", run["text"])
        if text == plain(run["text"]) or (run["total"] > len(run["ids"]) and now["text"].startswith(run["text"])):
            assert count == len(run["ids"])
        else:
            same = next((i for i, (a, b) in enumerate(zip(now["text"], run["text"], strict=False)) if a != b), None)
            kept, more = self.decoded(run["ids"][:count]), self.decoded(run["ids"][: count + 1])
            if same is None:  # one goes on from the other
                same = min(len(now["text"]), len(run["text"]))
            assert len(kept) <= same
            assert len(more) >= same or more.endswith("\ufffd"), (now["text"], run["text"], kept)

    def decoded(self, ids: list[int]) -> str:
        text: str = self.world.tokenizer.decode(ids, skip_special_tokens=False)
        return text

    def check_numbers(self, run: dict) -> None:
        """Every number that is shown equals transformers' for exactly these ids under the run's own model."""
        ids = run["ids"][: run["count"]]
        if not ids:
            return
        expected = self.world.logprobs(self.world.names[run["model"]], run["prefix"], ids)
        np.testing.assert_allclose(run["logprob"], expected, atol=TOLERANCE, rtol=0, err_msg=run["text"])

    def check_outcomes(self, now: dict) -> None:
        """What calls of the scripting interface came to: a run of what was asked, or one of the sentences for that."""
        for outcome in now["outcomes"]:
            if error := outcome.get("error"):
                assert any(each in error for each in SENTENCES) or self.broken, outcome
            elif outcome["name"] == "analyze":
                assert outcome["args"][0].startswith(outcome["text"]), outcome
            elif outcome["name"] == "generate":
                assert outcome["text"].startswith(outcome["args"][0]) or "\ufffd" in outcome["text"], outcome
        self.page.evaluate("walk.forget()")


SENTENCES = (
    "This run was replaced by a newer one.",
    "Stopped before there was a result.",
    "Another model was chosen.",
    "There is no text to read",
    "The prompt fills the whole context",
)
