"""The panels of the layers lens, and their tables as CSV."""

from typing import Any

import numpy as np

from pyscripts import wording
from pyscripts.colour import scales
from pyscripts.json_numbers import number
from pyscripts.metrics.means import known_mean
from pyscripts.page.views import activation_tables, inside, layers
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import TABLES, VIEWS, view
from pyscripts.saved.csv_file import csv_text


@view("focus", activation_tables.focus)
def focus(context: Context, token: int) -> dict[str, Any]:
    """How diffuse the attention from a shown token is: entropy in nats, and normalised by ln(visible positions).

    `layers`: means over heads, with the mass on position 0 (the sink) and the entropy without it (None: nothing left).
    entropy, normalised, sink, entropy_without_sink and levels [layer · head]; levels by normalised entropy, orange for
    focused, blue for diffuse. None or NaN if the token can only attend to itself.
    """
    trace = context.reading.trace
    context.position_of(token)
    raw = trace.attention_entropy()[:, :, token]  # [layer, head]
    normalised = trace.attention_entropy(normalised=True)[:, :, token]  # [layer, head]
    by_layer, normalised_by_layer = raw.mean(axis=1), normalised.mean(axis=1)  # [layer]
    visible = trace.visible()[:, token]  # [layer]
    sink = trace.sink_mass()[:, :, token]  # [layer, head]
    without = trace.attention_entropy(sink=False)[:, :, token]  # [layer, head]
    scale = scales.Scale(0, 1)
    levels = scale.levels(normalised_by_layer).tolist()
    overall = float(normalised.mean())
    words = None
    if not np.isnan(overall):
        reach, seen = float(np.exp(raw).mean()), f"{visible.min():,}"
        seen += f" to {visible.max():,}" if visible.max() > visible.min() else ""
        spread = f"on average a head attends to {reach:,.1f} of {seen} visible positions"
        words = f"Attention is {wording.focus(overall)}: {spread}."
    return {
        "token": token,
        "words": words,
        "layers": [
            {"entropy": number(e), "normalised": number(n), "level": level, "visible": int(v),
             "sink": number(s), "entropy_without_sink": number(w)}
            for e, n, level, v, s, w in zip(
                by_layer, normalised_by_layer, levels, visible, known_mean(sink), known_mean(without), strict=True)
        ],
        "rows": raw.shape[0],
        "columns": raw.shape[1],
        "entropy": raw.ravel(),
        "normalised": normalised.ravel(),
        "sink": sink.ravel(),
        "entropy_without_sink": without.ravel(),
        "levels": scale.levels(normalised).astype(np.int16).ravel(),
        "palette": "focus",
        "stops": scale.stops(),
    }


@view("lens", activation_tables.lens)
def lens_layers(context: Context, token: int, topK: int = 5, this_token: bool = False) -> dict[str, Any]:
    """The logit lens of a shown token (see inside.logit_lens) with colour steps by probability, and the layer from
    which the final top prediction stays on top. The position that predicts must have been inspected."""
    answer = inside.logit_lens(context, token, topK, this_token)
    names = layers.layer_names(context.reading.trace)
    scale = scales.Scale(0, 1)
    rows = answer["layers"]
    settled = len(rows) - 1
    while settled and rows[settled - 1]["top"][0]["id"] == rows[-1]["top"][0]["id"]:
        settled -= 1
    for name, row in zip(names, rows, strict=True):
        row["name"] = name
        for top in row["top"]:
            top["level"] = int(scale.levels(top["probability"]))
    return {**answer, "settled": names[settled], "palette": "magnitude", "stops": scale.stops()}


@view("table")
def table(context: Context, view: str, args: dict[str, Any]) -> dict[str, Any]:
    """What a panel shows as {columns, rows} and perhaps {about}, numbers unrounded."""
    if view not in TABLES:
        raise ValueError(f"There is no table {view!r}.")
    return TABLES[view](context, VIEWS[view](context, **args))


@view("csv")
def table_csv(context: Context, view: str, args: dict[str, Any]) -> str:
    """The same as CSV (pyscripts/saved/csv_file.py), with the model and how the text was read, numbers unrounded."""
    made = table(context, view, args)
    columns, rows = made["columns"], made["rows"]
    if "about" in made:
        columns, rows = [*columns, "quantity"], [[*row, made["about"]] for row in rows]
    return csv_text(columns, rows, context.reading, context.model)
