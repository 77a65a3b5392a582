"""What a prediction needs: how log-probabilities change if something is hidden from it or switched off."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts import run
from pyscripts.metrics.attribution import rank_correlation
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import Table, view
from pyscripts.page.views.variants import deltas, spans, to_compute
from pyscripts.page.views.why import named, question, shading


def of_what(ids: list[int], both: bool) -> str:
    """What is counted by the `deltas` of a question about these ids."""
    return "change of the difference of log-probabilities" if both and len(ids) > 1 else "change of log-probability"


def needs_table(context: Context, answer: dict[str, Any]) -> Table:
    rows = [[name, run.number(value)] for name, value in zip(answer["names"], answer["deltas"], strict=True)]
    return {"columns": [answer["by"], f"{answer['of_what']}, nats"], "rows": rows}


@view("why_tokens", needs_table)
def why_tokens(context: Context, token: int, target: int | str | None = None, versus: int | str | None = None,
               both: bool = False) -> dict[str, Any]:
    """Each earlier position hidden from the one that predicts: `deltas` [position] of the target's log-probability, or
    (`both`) of its difference to the other token's. The text is shaded by them."""
    position, ids = question(context, token, target, versus)
    missing = to_compute(context, "tokens", position, ids)
    change = deltas(context, "tokens", position, ids)[:, -1 if both else 0]
    names = context.position_names()[:position]
    return {"token": token, **named(context, ids), "missing": missing, "by": "hidden token",
            "of_what": of_what(ids, both), "names": names, **shading(context, change), "deltas": change}


def context_table(context: Context, answer: dict[str, Any]) -> Table:
    rows = [[length, run.number(value)] for length, value in zip(answer["lengths"], answer["logprobs"], strict=True)]
    return {"columns": ["tokens before it", "log-probability, nats"], "rows": rows}


@view("why_context", context_table)
def why_context(context: Context, token: int, target: int | str | None = None,
                versus: int | str | None = None) -> dict[str, Any]:
    """The target's log-probability after only the last 1, 2, 4 … tokens before it: `logprobs` [step]."""
    position, ids = question(context, token, target, versus)
    missing = to_compute(context, "context", position, ids)
    variants = context.beside.variants["context", position, tuple(ids)]
    first = context.reading.trace.first
    lengths = [len(variant["ids"]) - first for variant in variants.planned]
    return {"token": token, **named(context, ids), "missing": missing, "lengths": lengths,
            "logprobs": variants.logprobs[:, 0]}


@view("why_agreement")
def why_agreement(context: Context, token: int, target: int | str | None = None,
                  versus: int | str | None = None) -> dict[str, Any]:
    """The quick answers beside the slow ones: spans of the text left out altogether against the sum of their tokens'
    quick changes, and the ten strongest heads off in the whole text; rank correlations, once all are known."""
    position, ids = question(context, token, target, versus)
    order = ("tokens", "heads", "spans", "top_heads")
    missing = next((batch for kind in order if (batch := to_compute(context, kind, position, ids))), None)
    if missing:
        return {"token": token, "missing": missing}
    first, shape = context.reading.trace.first, context.reading.trace.shape
    quick = deltas(context, "tokens", position, ids)[:, 0]
    hidden = np.append(quick, 0.0)[first:]  # the position that predicts always sees itself
    passage = context.reading.tokens.passage
    slow = deltas(context, "spans", position, ids)[:, 0]
    rows = [{"text": passage(a, b), "start": a, "stop": b, "quick": float(hidden[a:b].sum()),
             "slow": float(change)} for (a, b), change in zip(spans(position + 1 - first), slow.tolist(), strict=False)]
    variants = context.beside.variants["top_heads", position, tuple(ids)].planned[1:]
    quick_heads = deltas(context, "heads", position, ids)[:, 0].reshape(shape.layers, shape.heads)
    slow_heads = deltas(context, "top_heads", position, ids)[:, 0]
    heads = [{"layer": layer, "head": head, "quick": float(quick_heads[layer, head]), "slow": float(change)}
             for variant, change in zip(variants, slow_heads.tolist(), strict=True) for layer, head in variant["heads"]]
    return {
        "token": token, "missing": None, "spans": rows, "heads": heads,
        "spans_agree": run.number(rank_correlation(*_columns(rows))),
        "heads_agree": run.number(rank_correlation(*_columns(heads))),
    }


def _columns(rows: list[dict[str, Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array([row["quick"] for row in rows]), np.array([row["slow"] for row in rows])
