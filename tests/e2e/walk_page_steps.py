"""What users do with the page around the text on a walk: lenses, models, links, reloads, a dead worker, no network."""

from __future__ import annotations

from urllib.parse import urlencode

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from playwright.sync_api import Worker

from tests.e2e.walk import STOP
from tests.e2e.walk_text_steps import TextSteps, places, texts, wait

LOST = 35_000  # ms; a worker that dies while it starts is noticed when its first answer is overdue
MODELS = ["tiny-gpt2", "tiny-llama"]
lenses = st.sampled_from(["tokens", "layers", "attention"])
WRONG = [
    ("generate", "a", {"top_k": 1}, "there is no option top_k"),
    ("generate", "a", {"temperature": None}, "temperature must be"),
    ("generate", "a", {"maxTokens": 1.5}, "maxTokens must be"),
    ("generate", [1.5], {}, "is not a token id"),
    ("analyze", 5, {}, "text must be a string"),
    ("analyze", "a", {"topK": -1}, "topK must be"),
]


class PageSteps(TextSteps):
    """What takes seconds is done a few times a walk only."""

    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        self.left = {"kill": 1, "reload": 1, "offline": 1}
        self.links = 0  # entries of this page in the history

    @rule(ms=st.sampled_from([60, 250]))
    def pause(self, ms: int) -> None:
        """Waits while something may be under way."""
        self.walk.page.evaluate("walk.pause", ms)
        self.step(False)

    @rule(which=st.integers(0, len(WRONG) - 1))
    def wrong_options(self, which: int) -> None:
        """A wrong call is refused by name, and nothing changes."""
        name, text, options, sentence = WRONG[which]
        before, answer, after = self.walk.act(
            """([name, text, options]) => {
              if (options.temperature === null) options.temperature = NaN;
              return tokenlight[name](text, options).then(() => 'no error', (error) => error.message);
            }""",
            [name, text, options],
        )
        assert sentence in answer
        assert after["underWay"] in (before["underWay"], None)
        self.step(False)

    @rule(lens=lenses)
    def open_lens(self, lens: str) -> None:
        *_, after = self.walk.act("(lens) => walk.press(`#tab-${lens}`)", lens)
        assert after["lens"] == lens
        self.step(False)

    @rule(back=st.booleans())
    def stepper(self, back: bool) -> None:
        """‹ or ›, which pin the token before or after."""
        *_, after = self.walk.act(
            """(back) => walk.press(`#stepper button[aria-label^="${back ? 'Previous' : 'Next'}"]`)""", back
        )
        self.walk.pinned = after["pinned"]
        self.step(False)

    @rule(n=places)
    def colouring(self, n: int) -> None:
        self.walk.act(
            """(n) => {
              const options = [...(document.querySelector('#colouring')?.options ?? [])];
              return options.length && // the attention lens has colours of its own
                walk.choose('#colouring', options[n % options.length].value);
            }""",
            n,
        )
        self.step(False)

    @rule(on=st.booleans())
    def live(self, on: bool) -> None:
        self.walk.act("(on) => walk.choose('#live', on)", on)
        self.step(False)

    @rule(words=st.sampled_from(["", "house, light of the morning"]), stop=st.booleans())
    def rank(self, words: str, stop: bool) -> None:
        """Ranks candidates for the selected tokens or for ___; its Stop ends it."""
        self.walk.act(
            """async ([words, stop]) => {
              const field = document.querySelector('#words');
              if (!field) return;
              field.value = words;
              field.dispatchEvent(new Event('input', { bubbles: true }));
              if (!walk.press('#rank')) return;
              await walk.pause(20);
              if (stop) walk.press('#stop-ranking');
            }""",
            [words, stop],
        )
        if stop:
            self.walk.forget_wishes()
            assert self.walk.page.evaluate(
                """async (ms) => {
                  for (const end = performance.now() + ms; performance.now() < end; await walk.pause(20))
                    if (!document.querySelector('#stop-ranking')) return true;
                  return false;
                }""",
                STOP,
            ), "the ranking was not stopped"
        self.step(False)

    @rule(model=st.sampled_from(MODELS), script=st.booleans(), wait=wait)
    def switch(self, model: str, script: bool, wait: bool) -> None:
        """Another model, or the same one again, by the picker or by a script; the text stays."""
        self.walk.forget_wishes()
        self.walk.act(
            "([model, script]) => (script ? walk.call('load', model) : walk.choose('#model', model)) ?? null",
            [model, script],
        )
        if wait:
            now = self.walk.settle()
            if not self.walk.broken:
                assert self.world.names[now["model"]] == model
                assert not now["run"] or now["run"]["stored"] or now["run"]["model"] == now["model"]
        self.step(wait)

    def workers(self, part: str) -> list[Worker]:
        return [worker for worker in self.walk.page.workers if f"{part}.worker" in worker.url]

    @precondition(lambda self: self.left["kill"] > 0)
    @rule(part=st.sampled_from(["inference", "analysis"]), wait=wait)
    def kill(self, part: str, wait: bool) -> None:
        """A worker dies; the page notices, says so and starts it again."""
        self.left["kill"] -= 1
        self.walk.broken = True
        self.walk.forget_wishes()
        workers = self.workers(part)
        if workers:
            workers[-1].evaluate("() => void setTimeout(() => self.close(), 20)")
            noticed = self.walk.page.evaluate(
                """async (ms) => {
                  for (const end = performance.now() + ms; performance.now() < end; await walk.pause(10))
                    if (walk.look().notice?.includes('stopped working')) return true;
                  return walk.look().phase === 'error';
                }""",
                LOST,
            )
            replaced = workers[-1] not in self.workers(part)[-1:]  # a switch under way had already ended it
            assert noticed or replaced, "nobody noticed that a worker died"
        self.step(wait)

    @precondition(lambda self: self.left["offline"] > 0 or self.walk.offline)
    @rule(wait=wait)
    def network(self, wait: bool) -> None:
        """Takes the network away, or gives it back; what could not be loaded without is loaded then."""
        self.walk.offline = not self.walk.offline
        self.walk.page.context.set_offline(self.walk.offline)
        if self.walk.offline:
            self.left["offline"] -= 1
            self.walk.broken = True
        elif self.walk.settle()["phase"] == "error":
            self.walk.act("() => walk.press('#retry') || walk.call('load', 'tiny-gpt2')")
            assert self.walk.settle()["phase"] == "ready"
        self.step(wait)

    @rule(
        text=st.none() | texts,
        lens=st.none() | lenses,
        token=st.none() | st.integers(0, 12),
        model=st.none() | st.sampled_from(MODELS),
        wait=wait,
    )
    def link(self, text: str | None, lens: str | None, token: int | None, model: str | None, wait: bool) -> None:
        """A link to this page is pasted into the address bar."""
        asked = {"text": text, "lens": lens, "token": token, "model": model, "n": self.links}
        self.links += 1
        self.walk.may_pin |= {token}
        before, _, after = self.walk.act(
            """async (hash) => {
              const done = new Promise((resolve) => addEventListener('hashchange', resolve, { once: true }));
              location.hash = hash;
              await Promise.race([done, walk.pause(2000)]);
            }""",
            urlencode({name: value for name, value in asked.items() if value is not None}),
        )
        if text is not None and text != before["text"]:
            self.walk.holds(text)
            self.kept(before["text"])
            if not self.walk.broken:
                self.walk.wanted = self.world.cut(text) or None
                self.walk.wanted_pin = token
        else:
            self.walk.forget_wishes()
        assert lens is None or after["lens"] == lens
        self.step(wait)

    @precondition(lambda self: self.links > 0)
    @rule(wait=wait)
    def back(self, wait: bool) -> None:
        """Back; the text is one that has been there, and the one that was left is not lost."""
        self.links -= 1
        before, (known, token), after = self.walk.act(
            """async () => {
              const known = walk.look(true).versions;
              const done = new Promise((resolve) => addEventListener('popstate', resolve, { once: true }));
              history.back();
              await Promise.race([done, walk.pause(2000)]);
              const left = new URLSearchParams(location.hash.slice(1));
              return [[...known, left.get('text')], left.get('token')];
            }"""
        )
        self.walk.may_pin |= {None if token is None else int(token)}
        if after["text"] != before["text"]:
            assert after["text"] in known
            self.walk.holds(after["text"])
            self.kept(before["text"])
        self.walk.forget_wishes()
        self.step(wait)

    @precondition(lambda self: self.left["reload"] > 0 and not self.walk.offline)
    @rule(wait=wait)
    def reload(self, wait: bool) -> None:
        """The text survives, and is read again if it was read."""
        self.left["reload"] -= 1
        before = self.walk.settle() if self.walk.writer is not None else self.walk.page.evaluate("walk.look(true)")
        self.walk.check(before)
        self.walk.page.reload()
        self.walk.pinned, self.walk.may_pin = None, {before["pinned"], before["tokenToPin"]}
        self.walk.begin()
        self.walk.forget_wishes()
        assert self.walk.text == before["text"]
        self.walk.page.evaluate("tokenlight.ready")
        run = before["run"]
        stopped = run and run["done"] and run["count"] < len(run["ids"])
        if wait and before["text"] and run and run["text"] == before["text"] and not stopped:
            self.walk.wanted = before["written"] or self.world.cut(before["text"])
        self.step(wait)
