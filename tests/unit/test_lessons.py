"""Lessons: what a file may hold, one sentence for each fault, every lesson of the page, and what its steps wait for."""

from __future__ import annotations

import copy
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.page_texts import NODE

SITE = Path(__file__).resolve().parents[2] / "site"
FOLDER = SITE / "lessons"
INDEX = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
KNOWN = {"lenses": ["tokens", "layers", "attention", "why", "python"], "panels": ["inspector", "remarks", "head_grid"]}
LESSON: dict[str, Any] = {
    "schema": "tokenlight.lesson/1",
    "title": "A title",
    "text": "One dog, two dogs and another dog.",
    "lens": "tokens",
    "lenses": ["tokens", "attention"],
    "panels": ["inspector"],
    "steps": [
        {"do": "Press Run.", "see": "It is read.", "waits": {"for": "read"}},
        {"do": "Pin it.", "waits": {"for": "pinned", "word": "dog", "occurrence": 3}},
        {"do": "Open it.", "text": "Another text.", "waits": {"for": "lens", "lens": "attention"}},
    ],
}
SEEN: dict[str, Any] = {
    "text": LESSON["text"],
    "typed": 0,
    "version": 1,
    "read": True,
    "ids": [1, 2, 3, 4],
    "bytes": [],
    "generated": 0,
    "run": 1,
    "pinned": None,
    "lens": "tokens",
    "colouring": "hue",
    "words": False,
    "head": None,
    "direction": "to",
    "sinkHidden": False,
    "off": [],
    "changed": False,
    "scores": None,
}


DEEP = "<deep>"  # stands for a list that is nested more deeply than json.dumps can write


def call(*calls: list[Any]) -> list[Any]:
    command = [str(NODE), str(Path(__file__).with_name("call_lessons.mjs"))]
    given = json.dumps(calls).replace(json.dumps(DEEP), "[" * 50_000 + "]" * 50_000)
    done = subprocess.run(command, input=given, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def changed(**fields: Any) -> dict[str, Any]:
    """The lesson with some fields changed; `step` changes the first step, and None removes a field."""
    lesson = copy.deepcopy(LESSON)
    for target, changes in ((lesson["steps"][0], fields.pop("step", {})), (lesson, fields)):
        for name, value in changes.items():
            if value is None:
                del target[name]
            else:
                target[name] = value
    return lesson


def test_a_lesson_is_read_as_it_is_written() -> None:
    (found,) = call(["checkedLesson", LESSON, KNOWN])
    assert found == LESSON
    (again,) = call(["checkedLesson", found, KNOWN])
    assert again == found


def waiting(waits: Any) -> dict[str, Any]:
    return changed(step={"waits": waits})


FAULTS: list[tuple[Any, str]] = [
    (None, "The lesson must be an object."),
    ([], "The lesson must be an object."),
    ("text", "The lesson must be an object."),
    ({}, "The lesson has no “schema”."),
    (changed(schema="tokenlight.run/2"), "The lesson's schema is “tokenlight.run/2”: this page reads"),
    (changed(schema=DEEP), "The lesson's schema is “a list”: this page reads"),
    (changed(title=None), "The lesson has no “title”."),
    (changed(title=" "), "The lesson's title must be a text."),
    (changed(title=5), "The lesson's title must be a text."),
    (changed(text="x" * 20_001), "The lesson's text has 20,001 characters: at most 20,000 are possible."),
    (changed(script="alert(1)"), "The lesson has “script”, which this page does not know."),
    (changed(steps=[]), "The lesson has no steps."),
    (changed(steps={}), "The lesson's steps must be a list."),
    (changed(steps=[{}] * 31), "The lesson's steps has 31 entries: at most 30 are possible."),
    (changed(lens="nowhere"), "The lesson's lens is “nowhere”: it must be one of tokens, attention."),
    (changed(lenses=["tokens", "maps"]), "The lesson's lens is “maps”: it must be one of tokens, layers, attention,"),
    (changed(lenses=[]), "The lesson's lenses must name at least one lens."),
    (changed(lenses=["tokens"]), "The lesson's step 3 waits for the lens “attention”, which the lesson does not show."),
    (changed(panels=["all"]), "The lesson's panel is “all”: it must be one of inspector, remarks, head_grid."),
    (changed(step={"do": None}), "The lesson's step 1 has no “do”."),
    (changed(step={"see": ["x"]}), "The lesson's see of step 1 must be a text."),
    (changed(step={"html": "<b>"}), "The lesson's step 1 has “html”, which this page does not know."),
    (waiting("read"), "The lesson's step 1, waits, must be an object."),
    (waiting({}), "The lesson's step 1, waits, has no “for”."),
    (waiting({"for": "constructor"}), "The lesson's step 1 waits for “constructor”. It can wait for read, pinned,"),
    (waiting({"for": "lens"}), "The lesson's step 1, waits, has no “lens”."),
    (waiting({"for": "read", "word": "a"}), "The lesson's step 1, waits, has “word”, which this page does not know."),
    (
        waiting({"for": "pinned", "word": "a", "occurrence": 0}),
        "The lesson's occurrence of step 1 must be a whole number from 1.",
    ),
    (
        waiting({"for": "head", "head": "best"}),
        "The lesson's head of step 1 is “best”: it must be layer.head, such as 5.1, or one of induction,",
    ),
]


def test_a_fault_is_one_sentence() -> None:
    answers = call(*(["checkedLesson", given, KNOWN] for given, _ in FAULTS))
    for (_, sentence), answer in zip(FAULTS, answers, strict=True):
        assert answer.get("error", "nothing").startswith(sentence), (sentence, answer)


def page_ids() -> dict[str, list[str]]:
    """The ids of the page's lenses and panels, from the source of their descriptors."""
    sources = {path: path.read_text(encoding="utf-8") for path in (SITE / "lenses").glob("*/*.js")}
    ids = [re.findall(r"(?:\bid: |const ID = |^  \[)'([a-z_-]+)'", text, re.MULTILINE) for text in sources.values()]
    lenses = [path.parent.name for path in sources if path.name == "index.js"]
    return {"lenses": lenses, "panels": sorted({each for found in ids for each in found} - {""})}


@pytest.mark.parametrize("entry", INDEX, ids=lambda entry: entry["id"])
def test_every_lesson_of_the_page(entry: dict[str, str]) -> None:
    lesson = json.loads((FOLDER / f"{entry['id']}.json").read_text(encoding="utf-8"))
    (found,) = call(["checkedLesson", lesson, page_ids()])
    assert "error" not in found, found
    assert lesson["title"] == entry["title"]
    assert "model" not in lesson, "it works with every model"
    assert 4 <= len(lesson["steps"]) <= 7
    assert all(step.get("see") for step in lesson["steps"]), "every step says what to notice"
    assert lesson["steps"][-1]["waits"]["for"] == "typed", "at the end, a text of the reader's own"
    words = [step[name] for step in lesson["steps"] for name in ("do", "see")]
    kinds = ("model", "induction head", "previous-token head", "duplicate-token head")
    assert all(name in kinds for each in words for name in re.findall(r"\{(.*?)\}", each))
    assert not any(re.search(r"\bhead \d", each) for each in words), "heads are named by what they do"


def test_all_lessons_are_in_the_index() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted(["index", *(entry["id"] for entry in INDEX)])


def met(*steps: tuple[dict[str, Any], dict[str, Any]]) -> list[bool]:
    """For each (waits, changes): whether a step that began with SEEN is done when some of it has changed."""
    return call(*(["isMet", {"do": "", "waits": waits}, {**SEEN, **changes}, SEEN] for waits, changes in steps))


def test_a_pinned_word_is_found_in_any_cut() -> None:
    """“dog”, the second time: at characters 13 to 16, whatever the tokens; é before it takes two bytes."""
    text = "é One dog, two dogs."  # bytes: é 0–2, “dog” 7–10 and 16–19
    waits = {"for": "pinned", "word": "dog", "occurrence": 2}
    whole = [[0, 6], [6, 10], [10, 11], [11, 15], [15, 20], [20, 21]]
    parts = [[0, 2], [2, 10], [10, 15], [15, 17], [17, 18], [18, 21]]
    tokens = call(
        ["tokensOf", {"text": text, "bytes": whole}, "dog", 1],
        ["tokensOf", {"text": text, "bytes": whole}, "dog", 2],
        ["tokensOf", {"text": text, "bytes": parts}, "dog", 2],
        ["tokensOf", {"text": text, "bytes": parts}, "dog", 3],
    )
    assert tokens == [[1], [4], [3, 4, 5], []]
    pinned = [{"text": text, "bytes": parts, "pinned": token} for token in (None, 0, 1, 2, 3, 4, 5)]
    assert met(*((waits, now) for now in pinned)) == [False] * 4 + [True] * 3
    assert met(*(({"for": "pinned"}, now) for now in pinned)) == [False] + [True] * 6
    assert met(*(({**waits, "part": 2}, now) for now in pinned)) == [False] * 5 + [True, False]
    assert met(*(({**waits, "part": 4}, now) for now in pinned[4:])) == [True] * 3, "fewer parts here: any"


def test_heads_are_meant_by_what_they_do() -> None:
    scores = {
        "induction": [[0.1, None], [0.3, 0.9]],
        "previous_token": [[0.8, 0.2], [0.1, 0.1]],
        "duplicate_token": [[0, 0], [0, 0]],
    }
    for kind, name in (("induction", "1.1"), ("previous_token", "0.0"), ("0.1", "0.1")):
        assert call(["headNamed", kind, scores]) == [name]
        opened, off = {"for": "head", "head": kind}, {"for": "off", "head": kind}
        pages: list[dict[str, Any]] = [{"head": name}, {"off": ["1.0", name]}, {"head": "1.0"}, {}, {"off": ["1.0"]}]
        steps = (opened, off, opened, opened, off)
        found = met(*((step, {"scores": scores, **now}) for step, now in zip(steps, pages, strict=True)))
        assert found == [True, True, False, False, False]
    assert call(["headNamed", "induction", None]) == [None]


# What it waits for, the page before it happens, and after.
READING = ("read", "generated", "replaced", "typed")
WAITS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"for": "read"}, {"read": False}, {}),
    ({"for": "lens", "lens": "why"}, {}, {"lens": "why"}),
    ({"for": "colouring", "colouring": "entropy"}, {}, {"colouring": "entropy"}),
    ({"for": "words"}, {}, {"words": True}),
    ({"for": "sink"}, {}, {"sinkHidden": True}),
    ({"for": "looked_at_by"}, {}, {"direction": "from"}),
    ({"for": "generated"}, {"generated": 9}, {"generated": 9, "run": 2}),
    ({"for": "generated"}, {"run": 2}, {"generated": 9, "run": 2}),
    ({"for": "replaced"}, {"ids": [1, 2, 9, 4]}, {"ids": [1, 2, 9, 4], "version": 2}),
    ({"for": "replaced"}, {"version": 2}, {"ids": [1, 9, 9, 4], "version": 3}),
    ({"for": "replaced"}, {"version": 2, "ids": [5, 6, 7, 8]}, {"version": 2, "ids": [1, 2, 3, 9]}),
    ({"for": "replaced"}, {"version": 2, "ids": [1, 2, 9, 4], "typed": 1}, {"version": 2, "ids": [1, 2, 9, 4]}),
    ({"for": "typed"}, {"typed": 1}, {"typed": 1, "text": "Mine."}),
]


def test_what_a_step_waits_for() -> None:
    assert not any(met(*((waits, before) for waits, before, _ in WAITS)))
    assert all(met(*((waits, after) for waits, _, after in WAITS)))
    unread = [(waits, {**after, "read": False}) for waits, _, after in WAITS if waits["for"] in READING]
    assert len(unread) > 4 and not any(met(*unread)), "not before the text is read to its end"
    assert met(({"for": "said"}, {})) == [False], "only the reader says so"


def test_interventions_that_are_to_be_removed_must_have_been_there() -> None:
    step = {"do": "", "waits": {"for": "unchanged"}}
    changed = {**SEEN, "changed": True}
    pages = [(SEEN, changed), (changed, changed), ({**SEEN, "read": False}, changed), (SEEN, SEEN)]
    assert call(*(["isMet", step, now, start] for now, start in pages)) == [True, False, False, False]


def test_a_step_with_a_text_waits_for_it() -> None:
    answers = call(
        ["isMet", {"text": "B", "waits": {"for": "read"}}, {**SEEN, "text": "A"}, {**SEEN, "text": "A"}],
        ["isMet", {"text": "B", "waits": {"for": "read"}}, {**SEEN, "text": "B"}, {**SEEN, "text": "A"}],
        ["isMet", {"text": "B", "waits": {"for": "read"}}, {**SEEN, "text": "B"}, {**SEEN, "text": "B"}],
        ["textAt", {"text": "A", "steps": [{}, {"text": "B"}, {}]}, 0],
        ["textAt", {"text": "A", "steps": [{}, {"text": "B"}, {}]}, 2],
    )
    assert answers == [False, True, True, "A", "B"]
