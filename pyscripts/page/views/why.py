"""Why this word: what each part added to its logit, what the prediction looks at, and what it needs; for one token."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts import run
from pyscripts.colour import scales
from pyscripts.metrics import attribution
from pyscripts.metrics.likelihood import NO_TARGET
from pyscripts.page.beside import Attributed
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import Table, view
from pyscripts.tokens import target_ids, token_id
from pyscripts.trace import NO_PREDICTION

LISTED = 10


def question(context: Context, token: int, target: int | str | None, versus: int | str | None) -> tuple[int, list[int]]:
    """The position that predicts a shown token, and the ids of the target and, if any, of the other one. ValueError:
    there is none."""
    position = context.position_of(token) - 1
    if position < 0:
        raise ValueError(NO_PREDICTION)
    actual = context.reading.trace.ids[position + 1]
    ids = target_ids(actual if target is None else token_id(target, context.vocabulary),
                     None if versus is None else token_id(versus, context.vocabulary))
    return position, ids


def named(context: Context, ids: list[int]) -> dict[str, Any]:
    """Target and, if any, the other token."""
    each = [{"id": id, "text": context.vocabulary[id]} for id in ids]
    return {"target": each[0], "versus": each[1] if len(each) > 1 else None}


def recorded(context: Context, position: int, ids: list[int]) -> Attributed | dict[str, Any]:
    """What the graph gave out for them, or what must be computed first."""
    attribution.check(context.model)
    kept = context.beside.attributed_at(position, ids)
    return kept or {"missing": {"kind": "attribution", "position": position, "targets": ids}}


@view("why")
def why(
    context: Context, token: int, target: int | str | None = None, versus: int | str | None = None
) -> dict[str, Any]:
    """The question: the target, what it is compared with, the token in the text, and what may be compared with it: the
    likeliest alternatives."""
    position, ids = question(context, token, target, versus)
    statistics = context.reading.trace.statistics()
    top = zip(statistics.top_ids[token].tolist(), statistics.top_logprobs[token].tolist(), strict=True)
    others = [{"id": id, "text": context.vocabulary[id], "logprob": run.number(value)} for id, value in top
              if id != NO_TARGET][:LISTED]
    actual = {"id": context.reading.trace.ids[position + 1], "text": context.reading.tokens.texts[token]}
    return {"token": token, **named(context, ids), "actual": actual, "alternatives": others}


def adds_table(_: Context, answer: dict[str, Any]) -> Table:
    rows = [[part["kind"], part["layer"], part["head"], part["value"]] for part in answer.get("parts", ())]
    return {"columns": ["kind", "layer", "head", "logits"], "rows": rows}


@view("why_adds", adds_table)
def why_adds(
    context: Context, token: int, target: int | str | None = None, versus: int | str | None = None
) -> dict[str, Any]:
    """Direct logit attribution (attribution.attribute): `parts`, whose sum stands beside the logit; a grid of heads and
    MLPs, levels and values [layer, heads + 1], the MLP last; by position what was read from it directly: `sources`
    [position], and of each head [layer, head, position]."""
    position, ids = question(context, token, target, versus)
    one = recorded(context, position, ids)
    if isinstance(one, dict):
        return {**named(context, ids), "token": token, **one}
    split = attribution.attribute(one.recorded, context.model)
    grid = np.concatenate([split.heads, split.mlp[:, None]], axis=1)  # [layer, head + 1]
    scale = scales.symmetric(grid)
    sources = split.sources.sum(axis=(0, 1))
    parts = split.parts(bias=bool(context.model.get("attention_bias")))
    return {
        "token": token,
        **named(context, ids),
        "logit": split.logit,
        "sum": split.total,
        "softcap": context.model.get("logit_softcap"),
        "parts": parts,
        "top": sorted(parts, key=lambda part: -abs(part["value"]))[:LISTED],
        "layers": grid.shape[0],
        "columns": grid.shape[1],
        "palette": "signed",
        "stops": scale.stops(),
        **shading(context, sources),
        "values": grid.ravel(),
        "levels": scale.levels(grid).astype(np.int16).ravel(),
        "sources": sources,
        "by_head": split.sources.astype(np.float32).ravel(),
    }


def shading(context: Context, by_position: NDArray[np.float64], palette: str = "signed") -> dict[str, Any]:
    """How the text is shaded by a number for each position before the token: `shades` [shown token], -1: none; and the
    largest of the shown ones. The prefix token's is given apart."""
    first, shown = context.reading.trace.first, context.reading.trace.shown
    values = np.full(shown, np.nan)
    mine = by_position[first:]
    values[: len(mine)] = mine
    most = float(np.nan_to_num(values).max(initial=0)) or 1
    scale = scales.symmetric(values) if palette == "signed" else scales.Scale(0, most)
    best = np.argsort(-np.abs(np.nan_to_num(values)), kind="stable")[:LISTED]
    texts = context.reading.tokens.texts
    return {
        "shade_palette": palette,
        "most": scale.high,
        "prefix": run.number(by_position[0]) if first and len(by_position) else None,
        "largest": [{"token": t, "text": texts[t], "value": float(values[t])} for t in best.tolist() if values[t]
                    and not np.isnan(values[t])],
        "shades": scale.levels(values).astype(np.int16),
    }


def looks_table(context: Context, answer: dict[str, Any]) -> Table:
    names, first = context.position_names(), context.reading.trace.first
    rows = [[p - first, names[p], run.number(value)]
            for p, value in enumerate(answer["sources"].tolist())] if "sources" in answer else []
    return {"columns": ["index", "token", "weight"], "rows": rows}


@view("why_looks", looks_table)
def why_looks(
    context: Context, token: int, weighted: bool, target: int | str | None = None, versus: int | str | None = None
) -> dict[str, Any]:
    """Attention of the position that predicts the token, mean over all heads: sources [position]. `weighted`: times the
    size of what is moved and its alignment with the layer's output (attribution.contribution_weights), over layers.
    """
    position, ids = question(context, token, target, versus)
    one = recorded(context, position, ids)
    if isinstance(one, dict):
        return {"token": token, **one}
    record = one.recorded
    if weighted:
        shares = attribution.contribution_weights(record.attentions, one.aligned, record.attention_output)
        sources = shares.sum(axis=1).mean(axis=0)
    else:
        sources = record.attentions.mean(axis=(0, 1), dtype=np.float64)
    return {"token": token, "weighted": weighted, "sources": sources,
            **shading(context, sources, "signed" if weighted else "magnitude")}
