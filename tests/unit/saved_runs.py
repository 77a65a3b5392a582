"""Runs of random numbers, part of them generated, for the tests of their files."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np

from pyscripts import run as run_json
from pyscripts.page.session import Session
from pyscripts.run import Reading
from pyscripts.saved import files
from pyscripts.tokens import Tokens
from pyscripts.trace import Trace
from tests.unit.test_page_session import MODEL
from tests.unit.test_trace import SHAPE, outputs
from tests.unit.test_trace import read as read_all

PIECES = [b"<s>", b"=1+1", b" \"a,b\"", b"\n", b" \xf0\x9f", b"\xa6\xa9<b>"]  # two of them share a character
VOCABULARY = [piece.decode(errors="replace") for piece in PIECES]
IDS = [1, 4, 5, 2, 3, 5]
MANIFEST = {**MODEL, "source": "here", "revision": "r1", "weights": "int8", "inputs": {}, "outputs": {},
            "files": [{"path": "x"}]}


def tokens_of(ids: list[int]) -> Tokens:
    return Tokens.of(ids, [PIECES[id] for id in ids], [id == 2 for id in ids])


def saveable(prefix: bool = True, generated: int = 0, stop: int | None = None) -> files.Saveable:
    """A run of random numbers that depend on its tokens, part of it generated. stop: after which position its reading
    was stopped; None: it was not."""
    front = [0] if prefix else []
    given = IDS[: len(IDS) - generated]
    trace = Trace([*front, *given], SHAPE, prefix=prefix, begins_word=np.array([True, False, True, True, False, False]))
    reading = Reading(trace, tokens_of(given), {"topK": 4}, len(given) if generated else None,
                      interventions={"heads": [{"layer": 1, "head": 0, "scale": 0.5}]}, timings={"total": 1.5})
    for _ in range(generated):  # a position is read into the trace once the token drawn after it is known
        pending = outputs(trace.ids, trace.length, len(trace.ids))
        id = reading.draw(pending.logits[-1])
        reading.extend(pending, [(PIECES[id], False)])
    if stop is None:
        read_all(trace, 4)
    else:
        trace.extend(outputs(trace.ids, 0, stop))
    return files.Saveable(reading, VOCABULARY, MANIFEST)


def built(run: files.Saveable) -> dict[str, Any]:
    return run_json.build(run.reading, run.vocabulary, run.manifest)


def opened_views(session: Session, data: bytes, name: str) -> dict[str, Any]:
    """What views show of a file's run."""
    about = json.loads(session.open_saved(SimpleNamespace(to_py=lambda: data), name))
    session.show_saved(1)
    names = ["run", "strip", "findings"]
    if about["why_no_layers"] is None:
        names += ["thumbnails"]
    views = {view: session.view(1, view, "{}") for view in names}
    if about["why_no_layers"] is None:
        for view, args in (("layers", {"token": 2}), ("focus", {"token": 2}), ("layer_map", {"name": "change_norm"}),
                           ("attention", {"layer": 1, "head": 1}), ("choice", {"token": 5})):
            views[view] = session.view(1, view, json.dumps(args))
    return {"about": about, "update": session.update(1), **views}
