"""Precompute what the page shows for its example texts, so that one is visible before a model has loaded. Offline.

The finished model folder is read as any user reads one (pyscripts.native), which makes the Run (`tokenlight.run/2`).
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from pyscripts import native
from pyscripts.page import preview
from pyscripts.page.views import Context

TEXTS = Path(__file__).resolve().parent.parent / "site" / "examples.json"
WORDS = (
    "copper window seventeen marble drift cousin velvet harbour quickly onion paper thunder elbow silver question"
    " garden plastic orbit whistle bottom"
)
INDUCTION = {"id": "induction", "title": "Random words, twice", "text": f"{WORDS} {WORDS}"}
LONGEST = 256  # tokens of an example that are kept
TOP_K = 10


def texts() -> list[dict[str, str]]:
    """The page's examples, and one that can only be predicted by copying."""
    examples: list[dict[str, str]] = json.loads(TEXTS.read_text(encoding="utf-8"))
    return [*examples, INDUCTION]


def compute(model: native.Model, text: str) -> dict[str, Any]:
    """One text's Run, with `page`: what the page draws of it."""
    run = model.read(text, max_tokens=LONGEST, top_k=TOP_K)
    page = preview.preview(Context(run.reading, model.manifest, model.vocabulary))
    return {**run.to_json(), "timings": {}, "page": page}  # the same files from every build


def rounded(value: Any) -> Any:
    """Floats to six significant digits, more than the page displays; other values unchanged."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list) else value


def write(directory: Path) -> list[dict[str, Any]]:
    """Write one content-hashed JSON file per example into a finished model folder; returns the manifest's entries."""
    model, entries = native.load(directory), []
    for example in texts():
        data = json.dumps(
            rounded(compute(model, example["text"])), ensure_ascii=False, separators=(",", ":"), allow_nan=False
        ).encode()
        sha256 = hashlib.sha256(data).hexdigest()
        name = f"{sha256[:32]}.json"
        (directory / name).write_bytes(data)
        entry = {"id": example["id"], "title": example["title"], "name": name}
        entries.append({**entry, "bytes": len(data), "sha256": sha256})
    return entries
