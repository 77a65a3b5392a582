"""Opens a Run that was saved as JSON or NPZ, in this version's schema or an earlier one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyscripts.checks import path_of
from pyscripts.json_text import parse_json
from pyscripts.run import SCHEMA
from pyscripts.saved.npz import is_npz, read_npz
from pyscripts.saved.schema import check_run

FIRST = "tokenlight.run/1"


def open_run(path: str | Path) -> dict[str, Any]:
    """The Run of a file, in the shape of this version's schema (run.schema.json).

    Of an NPZ file, that is the Run it holds beside its arrays, which numpy.load opens. A file of tokenlight.run/1 said
    less: what it lacks is null, and `control` is False. Its head_scores, which counted other queries, are left out.
    OSError: the file cannot be read. ValueError: it is no Run, or of a newer version.
    """
    path = path_of("The file", path)
    data = path.read_bytes()
    return read_npz(data, str(path)).run if is_npz(data) else parse_run(data, str(path))


def parse_run(data: bytes, name: str) -> dict[str, Any]:
    """The same of the bytes of a JSON file; `name`: what messages call it."""
    try:
        saved = parse_json(data)
    except ValueError as error:
        raise ValueError(f"{name} cannot be read as JSON ({error}).") from None
    schema = saved.get("schema") if isinstance(saved, dict) else None
    if schema not in (FIRST, SCHEMA):
        said = "is no Run: it names no schema" if schema is None else f"has the schema {schema!s:.60}"
        raise ValueError(f"{name} {said}. This version opens {FIRST} and {SCHEMA}.")
    try:
        run = dict(saved) if schema == SCHEMA else _from_first(saved)
        check_run(run)
        return run
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{name} is not a whole Run ({reason(error)}).") from None


def reason(error: Exception) -> str:
    """What was wrong, for a sentence in parentheses."""
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]}"
    return str(error) if isinstance(error, ValueError) else "a part of it is of the wrong kind"


def _from_first(saved: Mapping[str, Any]) -> dict[str, Any]:
    options = {name: value for name, value in saved["options"].items() if name != "bos"}
    data = saved["text"].encode()
    tokens = [{**token, "hex": data[slice(*token["bytes"])].hex(" ").upper(), "control": False}
              for token in saved["tokens"]]
    summary = {
        **saved["summary"],
        "total_tokens": len(tokens),
        "scored_tokens": sum(token["logprob"] is not None for token in tokens),
        "bits_per_character": None,
        "convention": f"Saved as {FIRST}, which does not say what its perplexity is of.",
    }
    kept = {name: value for name, value in saved.items() if name != "head_scores"}
    return {
        **kept,
        "schema": SCHEMA,
        "model": {**saved["model"], "prefix_reason": None},
        "prefix": None,
        "interventions": {},
        "options": {**options, "prefix": saved["options"]["bos"]},
        "windows": None,
        "tokens": tokens,
        "heads_on_text": None,
        "summary": summary,
    }
