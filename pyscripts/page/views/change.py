"""What interventions change: the reading under them against the same text as the unchanged model reads it."""

from typing import Any

import numpy as np

from pyscripts import run
from pyscripts.colour import scales
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import Table, view

LARGEST = 8  # tokens named as the most changed


def change_table(context: Context, answer: dict[str, Any]) -> Table:
    texts = context.reading.tokens.texts
    values = answer["deltas"].tolist() if "deltas" in answer else []
    rows = [[t, texts[t], run.number(value)] for t, value in enumerate(values)]
    return {"columns": ["index", "token", "change of log-probability, nats"], "rows": rows}


@view("change", change_table)
def change(context: Context) -> dict[str, Any]:
    """The reading under interventions against the untouched one: `deltas` [token] of log-probabilities in nats, the
    most changed tokens; the mean log-probability `before` and `after`, and their difference, `mean`; `shades` for the
    text. missing: the unchanged model has not read all of it."""
    trace = context.reading.trace
    logprob = trace.statistics().logprob
    if not context.reading.interventions:
        return {"tokens": 0, "missing": None}
    before = np.array(context.beside.untouched[: trace.first + trace.shown - 1])
    start = 1 - trace.first  # without a prefix the first token has no log-probability
    values = np.full(trace.shown, np.nan)
    known = min(len(before), trace.shown - start)
    values[start : start + known] = logprob[start : start + known] - before[:known]
    missing = None if known == trace.shown - start else {"kind": "untouched"}
    scale = scales.symmetric(values)
    order = np.argsort(-np.abs(np.nan_to_num(values)), kind="stable")[:LARGEST]
    texts = context.reading.tokens.texts
    return {
        "tokens": trace.shown, "missing": missing, "most": scale.high, "palette": "signed",
        "mean": run.number(float(np.nanmean(values))) if known else None,
        "before": run.number(float(np.mean(before[:known]))) if known else None,
        "after": run.number(float(np.mean(logprob[start : start + known]))) if known else None,
        "largest": [{"token": t, "text": texts[t], "value": float(values[t])} for t in order.tolist()
                    if not np.isnan(values[t])],
        "deltas": values, "shades": scale.levels(values).astype(np.int16),
    }

