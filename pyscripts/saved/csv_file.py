"""CSV files: RFC 4180 in UTF-8 with a byte order mark for spreadsheets; no cell can begin a formula."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pyscripts.json_numbers import number
from pyscripts.metrics import METRICS
from pyscripts.run import Reading, build

BYTE_ORDER_MARK = "\ufeff"  # without it, spreadsheets take UTF-8 for another encoding
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # OWASP, CSV injection


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Rows of cells as CSV, numbers as Python writes them, None as an empty cell. A text that a spreadsheet would take
    for a formula gets an apostrophe before it."""
    text = io.StringIO()
    csv.writer(text).writerows([_harmless(cell) for cell in row] for row in rows)
    return BYTE_ORDER_MARK + text.getvalue()


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def tokens_csv(reading: Reading, vocabulary: Sequence[str], manifest: Mapping[str, Any]) -> str:
    """One row for each token read: its text, id, bytes and every metric that is one number, the most likely token and
    its probability; then, the same in each row, the model and how the text was read."""
    run, tokens, scored = build(reading, vocabulary, manifest), reading.tokens, reading.scored()
    metrics = [each for each in METRICS.values() if each.axes == ("token",)]
    about = {
        "model": run["model"]["id"], "weights": run["model"]["weights"], "revision": run["model"]["revision"],
        "model sha256": run["model"]["sha256"], "prefix": (run["prefix"] or {}).get("text"),
        "interventions": json.dumps(run["interventions"], ensure_ascii=False) if run["interventions"] else None,
        "made by": run.get("made_by"),
    }
    titles = ["index", "token", "id", "bytes", *(each.heading for each in metrics), "most likely token",
              "its probability", *about]
    columns = [each.cells(scored) for each in metrics]
    statistics = scored.statistics
    rows: list[list[Any]] = [titles]
    for i in range(reading.trace.shown):
        best: list[Any] = [None, None]  # of a first token without a prefix
        if statistics.rank[i]:
            best = [vocabulary[int(statistics.top_ids[i, 0])], number(np.exp(statistics.top_logprobs[i, 0]))]
        rows.append([i, tokens.texts[i], tokens.ids[i], tokens.hex[i], *(column[i] for column in columns), *best,
                     *about.values()])
    return csv_text(rows)
