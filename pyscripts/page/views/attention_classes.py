"""How attention differs across word classes: entropy, distance and sink, by layer or by the heads of one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.colour import scales
from pyscripts.json_numbers import number
from pyscripts.metrics import words
from pyscripts.metrics.means import known_mean
from pyscripts.page.views import attention_source
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import Table, view

QUANTITIES = {  # title, palette
    "entropy": ("Normalised entropy", "focus"),
    "sink": ("On the first position", "magnitude"),
    "distance": ("Mean distance (tokens)", "magnitude"),
}


def classes_table(_: Context, answer: dict[str, Any]) -> Table:
    if "missing" in answer:
        return {"columns": [], "rows": []}
    width, what = answer["columns"], "layer" if answer["layer"] is None else "head"
    rows = [
        [row["title"], row["count"], *map(number, answer["values"][i * width : (i + 1) * width])]
        for i, row in enumerate(answer["rows"])
    ]
    return {"columns": ["class", "tokens", *(f"{answer['title']}, {what} {i}" for i in range(width))], "rows": rows}


@view("attention_classes", classes_table)
def attention_classes(context: Context, quantity: str, layer: int | None = None) -> dict[str, Any]:
    """Means of a quantity over the tokens of each word class, the most frequent first: values and levels [class ·
    layer], means over heads, or [class · head] of one layer; NaN and -1 if no token has a number."""
    if quantity not in QUANTITIES:
        raise ValueError(f"There is no quantity {quantity!r}. Choose one of {', '.join(QUANTITIES)}.")
    trace, tokens = context.reading.trace, context.reading.tokens
    if layer is not None:
        trace.shape.check_head(layer, 0)
    by_head = numbers(context, quantity)
    if by_head is None:
        return attention_source.needs(attention_source.SURVEY)
    columns = known_mean(by_head, axis=1) if layer is None else by_head[layer]  # [layer or head, token]
    code = words.looks_like_code(tokens.text)
    classes = np.array(words.classify(tokens.data, tokens.spans[: trace.shown], code))
    counted = sorted(((int((classes == name).sum()), name) for name in words.CLASSES), key=lambda pair: -pair[0])
    rows = [(name, count) for count, name in counted if count]
    values = np.array([known_mean(columns[:, classes == name]) for name, _ in rows]).reshape(len(rows), -1)
    known = values[~np.isnan(values)]
    scale = scales.Scale(0, float(known.max(initial=0)) or 1) if quantity == "distance" else scales.Scale(0, 1)
    title, palette = QUANTITIES[quantity]
    return {
        "title": title,
        "layer": layer,
        "rows": [{"title": words.CLASSES[name], "count": count} for name, count in rows],
        "columns": values.shape[1],
        "palette": palette,
        "stops": scale.stops(),
        "values": values.ravel(),
        "levels": scale.levels(values).astype(np.int16).ravel(),
    }


def numbers(context: Context, quantity: str) -> NDArray[np.float64] | None:
    """[layer, head, token] of one of QUANTITIES; None if the text must be read again for it."""
    trace = context.reading.trace
    if quantity == "entropy":
        return trace.attention_entropy(normalised=True)
    if quantity == "sink":
        return trace.sink_mass()
    survey = attention_source.survey(context)
    return None if survey is None else survey.distance[:, :, trace.first :]
