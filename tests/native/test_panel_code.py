"""The Python of every panel, filled in as the page fills it in, gives what the panel's own view answers.

Texts, tokens, heads and settings are drawn anew for each run; a test that fails prints its seed.
"""

import secrets
from typing import Any

import numpy as np
import pytest

from pyscripts.decoding.fill_in import FillIn
from pyscripts.native import Model
from tests.native.panel_page import CHECKS, PANELS, QUANTITIES, SHADES, Page, close, of


@of("inspector")
def inspector(page: Page) -> None:
    found, answer = page.code("inspector", {"token": page.token}), page.view("choice", token=page.token)
    close([found["probability"], found["entropy"], found["surprisal"], found["rank"]],
          [answer["probability"], answer["entropy"], -answer["logprob"], answer["rank"]], 1e-12)
    above = sum(row["raw"] for row in page.view("choice", token=page.token, count=50)["rows"]
                if row["rank"] and row["rank"] < answer["rank"])
    assert found["mass_above"] == pytest.approx(above, abs=1e-6) or answer["rank"] > 50


@of("remarks")
def remarks(page: Page) -> None:
    found, answer = page.code("remarks", {}), page.view("findings")
    assert found["most surprising"] == [each["text"] for each in answer["surprises"]]
    assert found["less surprising than expected"] == [each["text"] for each in answer["less_surprising"]]
    close(found["surprisal (nats)"], [each["surprisal_nats"] for each in answer["surprises"]], 1e-12)


@of("next")
def what_comes_next(page: Page) -> None:
    found, answer = page.code("next", {}), page.view("next")
    assert found["token"] == [row["text"] for row in answer["rows"]] and len(found["token"]) == 10
    close(found["probability"], [row["probability"] for row in answer["rows"]], 1e-12)


@of("copies")
def copies(page: Page) -> None:
    found, answer = page.code("copies", {}), page.view("findings")
    assert answer["copies"] and found["passage"] == [each["text"] for each in answer["copies"]]
    close(found["first (nats)"], [each["first_nats"] for each in answer["copies"]], 1e-12)
    close(found["again (nats)"], [each["later_nats"] for each in answer["copies"]], 1e-12)


@of("fill-in")
def fill_in(page: Page) -> None:
    ids, at = page.run.ids.tolist(), page.token
    left, right, front = ids[:at], ids[at + 1 :], page.run.position_ids[: page.run.position(0)].tolist()
    candidates = [[ids[at]], [page.target, page.versus], [page.versus]]
    fill = FillIn(page.last(front + left), candidates, right[:32])
    for i, sequence in enumerate(fill.sequences()):
        logits = np.concatenate(list(page.model.logits(front + left + sequence)))
        fill.score(i, logits[None, len(front + left) :])
    ranked = {tuple(each.ids): each for each in fill.ranking()}
    found = page.code("fill-in", {"left": left, "right": right, "candidates": candidates})
    close(found["left context only"], [ranked[tuple(each)].probability for each in candidates])
    close(found["both sides"], [ranked[tuple(each)].share for each in candidates])
    texts = page.code("fill-in", {"left": "The fox", "right": "", "candidates": [" dog"]})
    whole, begin = page.model.read("The fox dog", keep=()), len(page.model.read("The fox", keep=()).ids)
    assert texts["left context only"][0] == pytest.approx(np.exp(whole.logprob[begin:].sum()), rel=1e-4)


@of("compare")
def compared(page: Page) -> None:
    close(page.code("compare", {"other": page.a.text}), page.view("comparison")["b_change"])


@of("choice")
def choice(page: Page) -> None:
    options = {"maxTokens": 7, "temperature": 0.7, "topP": 0.9, "topK": 40, "repetitionPenalty": 1.3, "seed": 3,
               "literal": False, "stop": ["x"]}
    page.inspect(page.run.predicting(page.token))
    answer = page.view("choice", token=page.token, count=50, options=options)
    found = page.code("choice", {"token": page.token, "count": 10, "options": options})
    rows = sorted((row for row in answer["rows"] if row["rank"] and row["rank"] <= 10), key=lambda row: row["rank"])
    assert found["token"] == [row["text"] for row in rows]
    close(found["before"], [row["raw"] for row in rows])
    close(found["after the filters"], [row["sampled"] for row in rows])
    how: dict[str, Any] = {"temperature": 0.9, "frequency_penalty": 0.5, "seed": 4}
    written = page.model.generate(page.run.ids[:6].tolist(), max_tokens=5, **how)
    page.run, token = written, len(written.ids) - 2
    answer, found = page.view("choice", token=token, count=50), page.code("choice", {"token": token, "options": {}})
    rows = sorted((row for row in answer["rows"] if row["rank"] and row["rank"] <= 10), key=lambda row: row["rank"])
    close(found["after the filters"], [row["sampled"] for row in rows], 1e-12)


@of("layers")
def layers(page: Page) -> None:
    found, answer = page.code("layers", {"token": page.token}), page.view("layers", token=page.token)
    for ours, theirs in [("hidden state", "hidden_norm"), ("change", "change_norm"), ("attention", "attention_norm"),
                         ("MLP", "mlp_norm")]:
        close(found[ours], [row[theirs] for row in answer["rows"]])
    assert found["after"] == [row["name"] for row in answer["rows"]]


@of("focus")
def focus(page: Page) -> None:
    answer = page.view("focus", token=page.token)
    close(page.code("focus", {"token": page.token}).ravel(), answer["normalised"], 1e-9)


@of("lens")
def lens(page: Page) -> None:
    for args in ({"token": page.token, "this_token": this} for this in (True, False)):
        page.inspect(page.run.position(page.token) - args["this_token"])
        found, rows = page.code("lens", args), page.view("lens", **args)["layers"]
        assert found["prediction"] == [row["top"][0]["text"] for row in rows]
        assert found["after"] == [row["name"] for row in rows]
        close(found["its probability"], [row["top"][0]["probability"] for row in rows])
        close(found["rank of the actual token"], [row["rank"] or 0 for row in rows])
        close(found["KL (nats)"], [row["divergence"] for row in rows])


@of("dimensions")
def dimensions(page: Page) -> None:
    how = {"token": page.token, "layer": page.layer + 1}
    found, answer = page.code("dimensions", how), page.view("dimensions", **how)
    assert found["dimension"].tolist() == [each["index"] for each in answer["top"]]
    assert found["peaks at"] == [each["where"][0]["text"] for each in answer["top"]]
    close(found["value"], [each["value"] for each in answer["top"]], 1e-9)


@of("layer_map")
def layer_map(page: Page) -> None:
    for name in QUANTITIES:
        close(page.code("layer_map", {"name": name}).ravel(), page.view("layer_map", name=name)["values"])


@of("word_classes")
def word_classes(page: Page) -> None:
    found, answer = page.code("word_classes", {}), page.view("word_classes")
    assert found["class"] == [row["title"] for row in answer["rows"]]
    assert found["tokens"] == [row["count"] for row in answer["rows"]]
    columns = np.array([found[f"layer {i}"] for i in range(answer["layers"])]).T
    close(columns, [row["relative_activity"] for row in answer["rows"]])


@of("looks_at")
def looks_at(page: Page) -> None:
    for direction, heads, by, sink in [("to", None, "mean", True), ("from", None, "max", False),
                                       ("to", [[page.layer, page.head], [0, 1]], "max", False)]:
        how = {"token": page.token, "direction": direction, "heads": heads, "by": by, "sink": sink}
        close(page.code("looks_at", how), page.view("looks_at", **how)["weights"], 1e-6)


@of("head_grid")
def head_grid(page: Page) -> None:
    for shade in SHADES:
        how = {"shade": shade, "token": page.token if shade == "received" else None, "ordered": False}
        close(page.code("head_grid", how).ravel(), page.view("head_grid", **how)["values"], 1e-6)


@of("head")
def one_head(page: Page) -> None:
    for sink, mass in ((True, 1), (False, 1), (True, 0.7)):
        how = {"layer": page.layer, "head": page.head, "sink": sink, "mass": mass}
        close(page.code("head", {**how, "log": False}).ravel(), page.view("head", **how)["values"], 1e-7)


@of("induction")
def induction(page: Page) -> None:
    page.token = next(t for t in range(len(page.run.ids)) if page.run.ids[t] in page.run.ids[:t])
    found, answer = page.code("induction", {"token": page.token}), page.view("induction", token=page.token)
    assert answer["heads"]
    close([found[each["layer"], each["head"]] for each in answer["heads"]], [each["here"] for each in answer["heads"]])


@of("model_heads")
def model_heads(page: Page) -> None:
    for name in ("induction", "duplicate_token"):
        close(page.code("model_heads", {"name": name}).ravel(), page.view("model_heads", name=name)["values"], 1e-12)


@of("attention_classes")
def attention_classes(page: Page) -> None:
    for quantity, layer in (("entropy", None), ("sink", page.layer), ("distance", None)):
        how = {"quantity": quantity, "layer": layer}
        found, answer = page.code("attention_classes", how), page.view("attention_classes", **how)
        assert found["class"] == [row["title"] for row in answer["rows"]]
        assert list(found["tokens"]) == [row["count"] for row in answer["rows"]]
        columns = np.array([found[str(i)] for i in range(answer["columns"])], float).T
        close(columns.ravel(), answer["values"], 1e-5)


def why_settings(page: Page, **others: Any) -> list[dict[str, Any]]:
    own = {"token": page.token, "target": None, "versus": None}
    return [own | others, own | {"target": page.target, "versus": page.versus} | others]


@of("why_question")
def why_question(page: Page) -> None:
    found, answer = page.code("why_question", {"token": page.token}), page.view("why", token=page.token)
    assert found["alternative"] == [each["text"] for each in answer["alternatives"]]
    close(found["log-probability (nats)"], [each["logprob"] for each in answer["alternatives"]], 1e-12)


@of("why_adds")
def why_adds(page: Page) -> None:
    for how in [*why_settings(page), *why_settings(page, target="ow", versus=page.versus)[:1]]:
        close(page.code("why_adds", how).ravel(), page.view("why_adds", **how)["values"])


@of("why_looks")
def why_looks(page: Page) -> None:
    for weighted in (False, True):
        how = {"token": page.token, "weighted": weighted}
        found, answer = page.code("why_looks", how), page.view("why_looks", **how)
        first = page.run.reading.trace.first
        close(found[: page.token], answer["sources"][first:], 1e-5)
        assert np.isnan(found[page.token :]).all()


@of("why_tokens")
def why_tokens(page: Page) -> None:
    for how, both in zip(why_settings(page), (False, True), strict=True):
        answer = page.view("why_tokens", **how, both=both)
        found = page.code("why_tokens", {**how, "both": both})
        first = page.run.reading.trace.first
        close(found[: page.token - 1], answer["deltas"][first:][: page.token - 1])


@of("why_heads")
def why_heads(page: Page) -> None:
    for how, more in zip(why_settings(page) * 2, [
        {}, {"both": True}, {"whole_text": True, "mean": True}, {"mean": True},
    ], strict=True):
        settings = {"both": False, "whole_text": False, "mean": False, **how, **more}
        close(page.code("why_heads", settings).ravel(), page.view("why_heads", **settings)["deltas"])


@of("why_context")
def why_context(page: Page) -> None:
    for how in why_settings(page):
        found, answer = page.code("why_context", how), page.view("why_context", **how)
        assert found["tokens of context"] == answer["lengths"]
        close(found["log-probability (nats)"], answer["logprobs"])


@of("why_agreement")
def why_agreement(page: Page) -> None:
    for how in why_settings(page)[:1]:
        found, answer = page.code("why_agreement", how), page.view("why_agreement", **how)
        close([found["spans agree"], found["heads agree"]], [answer["spans_agree"], answer["heads_agree"]], 0.05)


@of("change")
def change(page: Page) -> None:
    if page.run.interventions:
        close(page.code("change", {}), page.view("change")["deltas"])
    else:
        close(page.code("change", {}), np.zeros(len(page.run.ids)))


@of("patch")
def patch(page: Page) -> None:
    of_a, of_b = len(page.a.ids), len(page.run.ids)
    count = min(of_a, of_b) - 2
    pairs = [[int(each) for each in pair] for pair in zip(page.generator.permutation(of_a)[:count],
                                                          page.generator.permutation(of_b)[:count], strict=True)]
    residual = {"heads": False, "token": None}
    for how in ({"target": None, "versus": None, "align": "end", **residual},
                {"target": page.target, "versus": page.versus, "align": pairs, **residual},
                {"target": page.target, "versus": None, "align": "both", "heads": True, "token": None},
                {"target": None, "versus": None, "align": pairs, "heads": True, "token": pairs[0][1]}):
        answer = page.view("patch", **how, sweep=True)
        assert answer["why_not"] is None
        named = {"target": answer["target"]["id"], "versus": (answer["versus"] or {}).get("id")}
        found = page.code("patch", {**how, **named, "sweep": True, "other": page.a.text})
        close(found.ravel(), answer["deltas"])


@of("steer")
def steer(page: Page) -> None:
    for mean in (False, True):
        answer = page.view("steering", layer=page.layer, mean=mean)
        settings = {"layer": page.layer, "mean": mean, "other": page.a.text}
        close(page.code("steer", settings), answer["vector"])


@pytest.mark.parametrize("panel", sorted(path.stem for path in PANELS.glob("*.py")))
def test_the_code_gives_what_the_panel_shows(model: Model, panel: str) -> None:
    seed = secrets.randbelow(10**6)
    print(f"seed {seed}")
    page = Page(model, np.random.default_rng(seed))
    CHECKS[panel](page)


@pytest.mark.parametrize("panel", ["change", "choice", "layers", "lens", "why_adds", "why_looks", "why_tokens"])
def test_the_code_reads_under_the_run_s_own_conditions(model: Model, panel: str) -> None:
    """With a head off and a link cut, and without a prefix token."""
    seed = secrets.randbelow(10**6)
    print(f"seed {seed}")
    off = {"heads": [{"layer": 0, "head": 1, "scale": 0}], "cut": [{"query": None, "keys": [2]}]}
    CHECKS[panel](Page(model, np.random.default_rng(seed), interventions=off, prefix=False))


def test_every_code_is_checked_and_fits_the_editor() -> None:
    assert {path.stem for path in PANELS.glob("*")} == set(CHECKS)
    for path in [*PANELS.glob("*.py"), *PANELS.with_name("examples").glob("*.py")]:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("# ") and max(map(len, lines)) <= 80 and len(lines) < 50, path.name
