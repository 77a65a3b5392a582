"""A saved run as a reading: what the page needs to show it without the model that made it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pyscripts.decoding.generation import Candidates, GenerationStep
from pyscripts.interventions import as_json
from pyscripts.metrics.word_metrics import begins_word
from pyscripts.model_outputs import ModelShape
from pyscripts.run import Reading
from pyscripts.saved.npz import NpzFile, is_npz, read_npz
from pyscripts.saved.run_file import parse_run, reason
from pyscripts.saved.saved_trace import SavedTrace
from pyscripts.saved.schema import check_numbers, check_run
from pyscripts.tokens import Tokens
from pyscripts.trace import Trace

MOST_IDS = 10_000_000  # no vocabulary is larger


@dataclass(frozen=True)
class OpenedRun:
    """A saved run."""

    reading: Reading
    text: str  # which may go on after the tokens, if its reading was stopped
    manifest: dict[str, Any]  # of a JSON file, only what the Run says of its model
    vocabulary: list[str]  # [id] the texts that the file holds; "" for others
    control: list[int]  # ids of control tokens in the text
    conditions: dict[str, Any]  # RunConditions of protocol.js


def open_reading(data: bytes, name: str) -> OpenedRun:
    """The run of a JSON or NPZ file. ValueError, calling the file `name`: it is no run, or not a whole one."""
    file = read_npz(data, name) if is_npz(data) else parse_run(data, name)
    try:
        return _of_npz(file) if isinstance(file, NpzFile) else _of_json(file)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{name} is not a whole Run ({reason(error)}).") from None


def _of_json(saved: dict[str, Any]) -> OpenedRun:
    rows, model, prefix = saved["tokens"], saved["model"], saved["prefix"]
    tokens = Tokens.of((int(row["id"]) for row in rows), (bytes.fromhex(row["hex"]) for row in rows),
                       (bool(row["control"]) for row in rows), int(saved["summary"]["total_tokens"]))
    if not _begin(tokens, saved["text"]):
        raise ValueError("its tokens are not those of its text")
    trace = SavedTrace(saved)
    texts = {token["id"]: token["text"] for row in rows for token in (row, *row["top"])}
    steps = saved.get("steps") or []
    texts |= {each["id"]: each["text"] for step in steps for each in (step, *step["raw"], *step["sampled"])}
    if prefix is not None:
        texts[prefix["id"]] = prefix["text"]
    reading = _reading(saved, trace, tokens)
    manifest = {**model, "name": str(model["id"]), "layers": trace.shape.layers, "heads": trace.shape.heads,
                "prefix": prefix and {**prefix, "reason": model["prefix_reason"]}, "outputs": {}, "inputs": {}}
    windows = saved["windows"]
    return OpenedRun(reading, saved["text"], manifest, _vocabulary(texts), _control(tokens), {
        "model": str(model["sha256"] or ""), "prefix": prefix and prefix["id"],
        "interventions": as_json(saved["interventions"]), "stride": windows and windows["stride"],
    })


def _of_npz(file: NpzFile) -> OpenedRun:
    saved, manifest = file.run, dict(file.about["manifest"])
    check_run(saved)
    texts = _vocabulary({int(id): text for id, text in file.about["vocabulary"].items()})
    tokens = Tokens.from_json(file.about["tokens"])
    if saved["windows"] is not None or not file.state:  # it has no layers, so that its Run says all
        return _of_json(saved)
    prefix = file.about["prefix"]
    ids = [*([] if prefix is None else [int(prefix)]), *tokens.ids]
    control = _control(tokens)
    texts += [""] * (max(ids) + 1 - len(texts))
    trace = Trace(ids, ModelShape.of(manifest), prefix=prefix is not None, begins_word=begins_word(texts, control),
                  attention_bytes=float("inf"), hidden_bytes=float("inf"))
    for name, array in file.state.items():
        check_numbers(array, name)
    trace.restore(file.state)
    return OpenedRun(_reading(saved, trace, tokens), tokens.text, manifest, texts, control, {
        "model": str(manifest["sha256"]), "prefix": prefix, "interventions": as_json(saved["interventions"]),
        "stride": None,
    })


def _begin(tokens: Tokens, text: str) -> bool:
    """Whether tokens are those of a text or, if it has more, as when its reading was stopped, of its beginning."""
    if len(tokens.ids) < tokens.total:
        return text.startswith(tokens.text.rstrip("\ufffd"))  # the last may end inside a character
    return tokens.text == text


def _reading(saved: dict[str, Any], trace: Trace, tokens: Tokens) -> Reading:
    steps = {}
    for step in saved.get("steps") or []:
        both: dict[str, Any] = {name: Candidates(np.array([each["id"] for each in step[name]], np.int32),
                                                np.array([each["probability"] for each in step[name]], np.float64))
                for name in ("raw", "sampled")}
        plain = {name: value for name, value in step.items() if name not in ("token", "text", *both)}
        steps[int(step["token"]) + trace.first] = GenerationStep(**plain, **both)
    return Reading(trace, tokens, dict(saved["options"]), saved.get("prompt_tokens"), steps,
                   dict(saved["interventions"]), dict(saved["timings"]), saved=saved)


def _vocabulary(texts: Mapping[int, str]) -> list[str]:
    if not all(isinstance(id, int) and 0 <= id < MOST_IDS and isinstance(text, str) for id, text in texts.items()):
        raise ValueError("one of its token ids or their texts is not one")
    known = [""] * (max(texts, default=-1) + 1)
    for id, text in texts.items():
        known[id] = text
    return known


def _control(tokens: Tokens) -> list[int]:
    return sorted({id for id, control in zip(tokens.ids, tokens.control, strict=True) if control})
