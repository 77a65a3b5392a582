"""What the page needs to show a stored run before Python has loaded; runs at build time."""

from dataclasses import asdict
from typing import Any

import numpy as np

from pyscripts import run
from pyscripts.colour.colourings import COLOURINGS
from pyscripts.json_numbers import numbers
from pyscripts.page.arrays import token_columns
from pyscripts.page.views.context import Context
from pyscripts.page.views.whole_text import findings, strip

TOP_K = 10
VERSION = 2  # of what `preview` returns; a page of another version leaves out the findings until it has read the text


def preview(context: Context) -> dict[str, Any]:
    """Every number and colour that the tokens lens shows of a run, as JSON.

    columns: name → [token], and top_ids and top_probabilities flat [token × top_k]; vocabulary: text of every id in
    top_ids; colours: colouring id → Colours; colourings: the menu; summary, strip and findings as in the page.
    """
    reading = context.reading
    trace, tokens = reading.trace, reading.tokens
    columns = token_columns(reading)
    top = {name: columns[name][:, :TOP_K] for name in ("top_ids", "top_probabilities")}  # [token, k]
    return {
        "version": VERSION,
        "tokens": {**tokens.to_json(), "total": trace.shown},
        "columns": {name: numbers(column) for name, column in columns.items() if column.ndim == 1}
        | {name: numbers(array.ravel()) for name, array in top.items()},
        "top_k": top["top_ids"].shape[1],
        "vocabulary": {str(id): context.vocabulary[id] for id in np.unique(top["top_ids"]).tolist()},
        "colours": {id: asdict(entry.function(trace.statistics())) for id, entry in COLOURINGS.items()},
        "colourings": [{"id": c.id, "title": c.title, "description": c.description} for c in COLOURINGS.values()],
        "summary": run.summary(reading, context.model),
        "strip": {
            name: numbers(line) if isinstance(line, np.ndarray) else line for name, line in strip(context).items()
        },
        "findings": findings(context),
    }
