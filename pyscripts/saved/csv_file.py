"""CSV files: RFC 4180 in UTF-8 with a byte order mark for spreadsheets; no cell can begin a formula."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pyscripts.json_numbers import number
from pyscripts.metrics import METRICS
from pyscripts.run import MADE_BY, Reading, prefix_of

BYTE_ORDER_MARK = "\ufeff"  # without it, spreadsheets take UTF-8 for another encoding
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # OWASP, CSV injection


def csv_text(
    titles: Sequence[str], rows: Iterable[Sequence[Any]], reading: Reading, manifest: Mapping[str, Any]
) -> str:
    """Rows of cells as CSV (see plain_csv); then, the same in each row, the model and how the text was read."""
    about = _about(reading, manifest)
    return plain_csv([*titles, *about], ([*row, *about.values()] for row in rows))


def plain_csv(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows of cells as CSV, numbers as Python writes them, None as an empty cell. A text that a spreadsheet would take
    for a formula gets an apostrophe before it."""
    text = io.StringIO()
    csv.writer(text).writerows([_harmless(cell) for cell in row] for row in ([*titles], *rows))
    return BYTE_ORDER_MARK + text.getvalue()


def _about(reading: Reading, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Columns that name the model, the prefix token, the interventions and the version of a reading."""
    saved, changes = reading.saved, reading.interventions
    model, prefix = (manifest, prefix_of(reading, manifest)) if saved is None else (saved["model"], saved["prefix"])
    return {
        "model": model.get("id"), "weights": model.get("weights"), "revision": model.get("revision"),
        "model sha256": model.get("sha256"), "prefix": (prefix or {}).get("text"),
        "interventions": json.dumps(changes, ensure_ascii=False) if changes else None,
        "made by": MADE_BY if saved is None else saved.get("made_by"),
    }


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def tokens_csv(reading: Reading, vocabulary: Sequence[str], manifest: Mapping[str, Any]) -> str:
    """One row for each token read: its text, id, bytes and every metric that is one number, the most likely token and
    its probability."""
    tokens, scored = reading.tokens, reading.scored()
    metrics = [each for each in METRICS.values() if each.axes == ("token",)]
    titles = ["index", "token", "id", "bytes", *(each.heading for each in metrics), "most likely token",
              "its probability"]
    columns = [each.cells(scored) for each in metrics]
    statistics = scored.statistics
    rows: list[list[Any]] = []
    for i in range(reading.trace.shown):
        best = statistics.best(i)
        named = (None, None) if best is None else (vocabulary[best[0]], number(np.exp(best[1])))
        rows.append([i, tokens.texts[i], tokens.ids[i], tokens.hex[i], *(column[i] for column in columns), *named])
    return csv_text(titles, rows, reading, manifest)
