"""How diffuse the attention of one token is, layer by layer and head by head."""

from typing import Any

import numpy as np

from pyscripts import wording
from pyscripts.colour import scales
from pyscripts.json_numbers import number
from pyscripts.metrics.means import known_mean
from pyscripts.page.views import activation_tables
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import view


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
