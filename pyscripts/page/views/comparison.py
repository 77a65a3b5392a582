"""The pinned reading compared with the current one."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.colour import colourings
from pyscripts.json_numbers import number
from pyscripts.metrics import compare, text
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import view

MOST = 12  # tokens listed whose likelihood changed most
LEAST = 0.01  # nats, of those: a smaller change is shown as 0.00
SCALE = (0.1, 5.0)  # nats, the least and the largest range of the colours, which else is that of the changes


@view("comparison", of_likelihoods=True)
def comparison(context: Context) -> dict[str, Any] | None:
    """Both readings, the pinned one (a) and the current one (b), with colours and summaries.

    a_change, b_change [token]: nats, above 0 if likelier here than in the other reading, NaN without a counterpart;
    a_logprob, b_logprob [token]: nats. compared: the current text's tokens that have a counterpart; `largest` lists
    those that changed most, by `least` nats or more.
    None if no reading is pinned.
    """
    pinned = context.pinned
    if pinned is None:
        return None
    trace = context.reading.trace
    now = compare.Reading(str(context.model.get("name", "")), context.reading.tokens, trace.statistics().logprob)
    change = compare.change(now, pinned)  # [token]
    pinned_change = compare.change(pinned, now)  # [token]
    order = [i for i in np.argsort(-np.abs(change), kind="stable").tolist() if np.isfinite(change[i])][:MOST]
    texts = now.tokens.texts
    sizes = np.abs(np.concatenate([change, pinned_change]))
    most = float(np.clip(sizes[np.isfinite(sizes)].max(initial=0), *SCALE))
    return {
        "a": _side(pinned, pinned_change, most),
        "b": _side(now, change, most),
        "a_change": pinned_change,
        "a_logprob": pinned.logprob,
        "b_change": change,
        "b_logprob": now.logprob,
        "compared": int(np.isfinite(change).sum()),
        "least": LEAST,
        "largest": [{"token": i, "text": texts[i], "change": float(change[i])} for i in order
                    if abs(change[i]) >= LEAST],
    }


def _side(reading: compare.Reading, change: NDArray[np.float64], most: float) -> dict[str, Any]:
    tokens, count = reading.tokens, len(reading.logprob)
    whole = text.summary(reading.logprob, tokens.data, tokens.spans[:count], tokens.total)
    return {
        "model": reading.model,
        "tokens": {**tokens.to_json(), "total": count},
        "colours": asdict(colourings.difference(change, most)),
        "summary": {name: number(value) for name, value in vars(whole).items()},
    }
