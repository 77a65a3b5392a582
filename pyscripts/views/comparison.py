"""The kept reading beside the current one; CPython and the analysis worker."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts import colourings, compare, run, text
from pyscripts.views.context import Context

MOST = 12  # tokens listed whose likelihood changed most


def comparison(context: Context) -> dict[str, Any] | None:
    """Both readings with their tokens' change in nats (above 0: likelier here than in the other), its colours, and
    summaries; `largest` lists the current text's tokens that changed most. None where no reading has been kept."""
    kept = context.kept
    if kept is None:
        return None
    trace = context.reading.trace
    now = compare.Kept(str(context.model.get("name", "")), context.reading.tokens, trace.statistics().logprob)
    change = compare.change(now, kept)  # [token]
    order = [i for i in np.argsort(-np.abs(change), kind="stable").tolist() if np.isfinite(change[i])][:MOST]
    texts = now.tokens["texts"]
    return {
        "a": _side(kept, compare.change(kept, now)),
        "b": _side(now, change),
        "largest": [{"token": i, "text": texts[i], "change": float(change[i])} for i in order if change[i]],
    }


def _side(kept: compare.Kept, change: NDArray[np.float64]) -> dict[str, Any]:
    spans = np.asarray(kept.tokens["bytes"][: len(kept.logprob)]).reshape(-1, 2)
    whole = text.summary(kept.logprob, kept.tokens["text"], spans, run.total_tokens(kept.tokens))
    return {
        "model": kept.model,
        "tokens": {**kept.tokens, "total": len(kept.logprob)},
        "change": run.numbers(change),
        "logprob": run.numbers(kept.logprob),
        "colours": asdict(colourings.difference(change)),
        "summary": {name: run.number(value) for name, value in vars(whole).items()},
    }


VIEWS: dict[str, Callable[..., Any]] = {"comparison": comparison}
