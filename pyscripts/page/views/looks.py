"""What each token looks at, and what looks at it: one head, several combined, or all of them, over the shown text."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.colour import scales
from pyscripts.json_numbers import number
from pyscripts.metrics import patterns
from pyscripts.page.views import attention_source
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import Table, view

LISTED = 10  # tokens named for the chosen one
DIRECTIONS = ("to", "from")


def combined(
    context: Context, heads: list[list[int]] | None, by: str, sink: bool
) -> NDArray[np.float32] | dict[str, Any]:
    """[query, key] of the chosen heads (None: all), as patterns.visible shows it, not to be changed: the next view may
    show the same. A dict if something is missing."""
    if heads is not None and len(heads) == 1:
        by = "mean"  # the same as the maximum of one, so that all views of a head share its matrix
    key = (None if heads is None else tuple(map(tuple, heads)), by, sink, context.reading.trace.length)
    if context.recomputed.shown is not None and context.recomputed.shown[0] == key:
        return context.recomputed.shown[1]
    if heads is None:
        survey = attention_source.survey(context)
        if survey is None:
            return attention_source.needs(attention_source.SURVEY)
        patterns.check_combination(by)
        whole = survey.mean if by == "mean" else survey.most
    else:
        chosen = [(layer, head) for layer, head in heads]
        if layers := attention_source.missing(context, chosen):
            return attention_source.needs(layers)
        whole = patterns.combined(attention_source.matrices(context, chosen), by)
    shown = patterns.visible(whole, sink=sink)
    context.recomputed.shown = key, shown
    return shown


@view("looks")
def looks(
    context: Context, direction: str, heads: list[list[int]] | None, by: str = "mean", sink: bool = True
) -> dict[str, Any]:
    """For every shown token (row), how the others are shaded: `levels` [token, token], colour steps from 0 to the row's
    largest weight (`most` [token]), -1: no shade. `direction`: by what it looks at (`to`) or what looks at it (`from`).

    values [token, token]: the weights, query · key; NaN where nothing is shown. The prefix token is left out, since it
    is not in the text. Without the sink, rows are divided by what is left.
    """
    check(direction)
    whole = combined(context, heads, by, sink)
    if isinstance(whole, dict):
        return whole
    first = context.reading.trace.first
    values = whole[first:, first:]  # [token, token]
    levels, most = scales.row_levels(values if direction == "to" else values.T)
    return {
        "tokens": values.shape[0],
        "direction": direction,
        "palette": "magnitude",
        "values": values.ravel(),
        "levels": levels.ravel(),
        "most": most,
    }


def check(direction: str) -> None:
    if direction not in DIRECTIONS:
        raise ValueError(f"The direction is 'to' or 'from', not {direction!r}.")


def looks_at_table(context: Context, answer: dict[str, Any]) -> Table:
    """Every token that has a weight, in the order of the text."""
    texts = context.reading.tokens.texts
    weights = enumerate(answer["weights"].tolist()) if "weights" in answer else ()
    rows: list[list[Any]] = [[token, texts[token], number(weight)] for token, weight in weights]
    if answer.get("prefix") is not None:
        rows.insert(0, [-1, context.position_names()[0], answer["prefix"]])
    return {"columns": ["index", "token", "weight"], "rows": [row for row in rows if row[2] is not None]}


@view("looks_at", looks_at_table)
def looks_at(
    context: Context, token: int, direction: str, heads: list[list[int]] | None, by: str = "mean", sink: bool = True
) -> dict[str, Any]:
    """What a shown token looks at (`to`) or what looks at it (`from`): weights [token], NaN where there is none, and
    the LISTED tokens with the largest. `prefix`: the weight on the prefix token, if there is one and it is shown."""
    check(direction)
    position, first = context.position_of(token), context.reading.trace.first
    whole = combined(context, heads, by, sink)
    if isinstance(whole, dict):
        return whole
    row = whole[position] if direction == "to" else whole[:, position]
    weights = row[first:]
    best = patterns.top(weights[None], LISTED)[0]
    texts = context.reading.tokens.texts
    return {
        "token": token,
        "direction": direction,
        "prefix": number(float(row[0])) if first and direction == "to" else None,
        "sum": float(np.nansum(weights, dtype=np.float64)),
        "top": [{"token": t, "text": texts[t], "weight": float(weights[t])} for t in best[best >= 0].tolist()],
        "weights": np.array(weights),
    }
