"""All heads at a glance: reduced patterns, one number for each head, their order, and the heads that stand out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.colour import scales
from pyscripts.json_numbers import number
from pyscripts.metrics import heads
from pyscripts.metrics.means import known_mean
from pyscripts.page.views import attention_source
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import Table, view

MODEL = ("induction", "previous_token", "duplicate_token")  # measured at build, on repeated random tokens
SHADES = {  # what a cell can be shaded by: title, palette
    "induction": ("Induction (the model’s score)", "magnitude"),
    "previous_token": ("Previous token (the model’s score)", "magnitude"),
    "duplicate_token": ("Duplicate token (the model’s score)", "magnitude"),
    "text_induction": ("Induction pattern in this text", "magnitude"),
    "text_previous_token": ("Previous-token pattern in this text", "magnitude"),
    "text_duplicate_token": ("Duplicate-token pattern in this text", "magnitude"),
    "text_first_token": ("On the first position", "magnitude"),
    "entropy": ("Entropy", "focus"),
    "entropy_without_sink": ("Entropy without the sink", "focus"),
    "distance": ("Mean distance", "magnitude"),
    "received": ("On the chosen token", "magnitude"),
}
FAINT = 0.01  # weight at which a reduced pattern begins to show


@view("thumbnails")
def thumbnails(context: Context) -> dict[str, Any]:
    """[layer, head, block, block] colour steps of every pattern, reduced to blocks by their largest weight, on a
    logarithmic scale from FAINT to 1; -1 where no query of the block sees a key of it."""
    survey = attention_source.survey(context)
    if survey is None:
        return attention_source.needs(attention_source.SURVEY)
    layers, count, blocks, _ = survey.maxima.shape
    levels = scales.Scale(FAINT, 1, True).levels(survey.maxima)
    levels[:, :, ~survey.seen_blocks()] = -1
    return {"rows": layers, "columns": count, "blocks": blocks, "palette": "magnitude",
            "levels": levels.astype(np.int16).ravel()}


def grid_table(_: Context, answer: dict[str, Any]) -> Table:
    if "missing" in answer:
        return {"columns": [], "rows": []}
    columns, reasons = answer["columns"], {(label["layer"], label["head"]): label["name"] for label in answer["labels"]}
    rows = []
    for at in answer["order"].tolist():
        layer, head = divmod(at, columns)
        rows.append([layer, head, number(answer["values"][at]), reasons.get((layer, head))])
    return {"columns": ["layer", "head", answer["title"], "type"], "rows": rows}


@view("head_grid", grid_table)
def head_grid(context: Context, shade: str, token: int | None = None, ordered: bool = False) -> dict[str, Any]:
    """One number for every head: values and levels [layer · head], NaN and -1 where there is none.

    order [place]: layer · head of the cells, by the number if `ordered`, else in place. labels: heads that stand out
    by the model's scores, with the reason. options: what cells can be shaded by. group: query heads that share a key.
    """
    if shade not in SHADES:
        raise ValueError(f"There is no shade {shade!r}. Choose one of {', '.join(SHADES)}.")
    values = numbers(context, shade, token)
    if values is None:
        return attention_source.needs(attention_source.SURVEY)
    title, palette = SHADES[shade]
    known = values[~np.isnan(values)]
    share = shade not in ("distance", "received")
    scale = scales.Scale(0, 1 if share else float(known.max(initial=0)) or 1)
    flat = values.ravel()
    by_value = np.argsort(np.where(np.isnan(flat), np.inf, -flat), kind="stable")
    scored = context.model.get("head_scores") or {}
    offered = [name for name in SHADES if name in scored or name not in MODEL]
    return {
        "rows": values.shape[0],
        "columns": values.shape[1],
        "shade": shade,
        "title": title,
        "group": values.shape[1] // int(context.model.get("kv_heads") or values.shape[1]),
        "options": [{"id": name, "title": SHADES[name][0]} for name in offered],
        "labels": labels(context),
        "palette": palette,
        "stops": scale.stops(),
        "values": flat,
        "levels": scale.levels(flat).astype(np.int16),
        "order": (by_value if ordered else np.arange(flat.size)).astype(np.int32),
    }


def numbers(context: Context, shade: str, token: int | None) -> NDArray[np.float64] | None:
    """[layer, head] of one of SHADES; normalised entropies, means over the text. None: needs a survey."""
    trace = context.reading.trace
    if shade in MODEL:
        return model_scores(context, shade)
    if shade.startswith("text_"):
        return np.asarray(getattr(trace.heads_on_text(), shade.removeprefix("text_")), np.float64)
    if shade in ("entropy", "entropy_without_sink"):
        return known_mean(trace.attention_entropy(normalised=True, sink=shade == "entropy"))
    survey = attention_source.survey(context)
    if survey is None:
        return None
    if shade == "distance":
        return np.asarray(survey.distance[:, :, trace.first :].mean(axis=2))
    if token is None:
        raise ValueError("Choose a token to shade heads by their attention to it.")
    return survey.mean_received()[:, :, context.position_of(token)]


def model_scores(context: Context, name: str) -> NDArray[np.float64]:
    """[layer, head] one of MODEL, as the build measured it; NaN if it did not."""
    scored = (context.model.get("head_scores") or {}).get(name)
    shape = context.reading.trace.shape
    return np.full((shape.layers, shape.heads), np.nan) if scored is None else np.array(scored, np.float64)


def labels(context: Context) -> list[dict[str, Any]]:
    """Heads whose score on repeated random tokens is above heads.THRESHOLD: {layer, head, name, score, reason}, the
    highest first."""
    result = []
    for name in MODEL:
        scores = model_scores(context, name)
        for layer, head in np.argwhere(scores > heads.THRESHOLD).tolist():
            result.append({"layer": layer, "head": head, "name": name.replace("_", " "),
                          "score": float(scores[layer, head]), "reason": heads.LABELS[name]})
    return sorted(result, key=lambda label: -label["score"])
