"""Induction: the heads that look from a repeated token to what followed its copies, and the model's head scores."""

from dataclasses import asdict
from typing import Any

import numpy as np

from pyscripts.colour import scales
from pyscripts.json_numbers import number, numbers
from pyscripts.metrics import repeats
from pyscripts.page.views.context import Context
from pyscripts.page.views.head_grid import MODEL, model_scores
from pyscripts.page.views.registry import Table, view

RANKED = 12  # heads listed
OFFERED = 8  # repeated passages offered


def induction_table(_: Context, answer: dict[str, Any]) -> Table:
    """The heads as ranked, then the surprisal by place in the repeated passages."""
    rows: list[list[Any]] = [["head", f"{each['layer']}.{each['head']}", each["here"], each["model"], None, None]
                             for each in answer["heads"]]
    curve = answer["curve"]
    rows += [["place in repeated passages", place, None, None, curve["first"][place], curve["later"][place]]
             for place in range(len(curve["first"]))]
    columns = ["what", "which", "attention here", "score of the model", "first surprisal (nats)",
               "later surprisal (nats)"]
    return {"columns": columns, "rows": rows}


@view("induction", induction_table)
def induction(context: Context, token: int) -> dict[str, Any]:
    """The heads that look most from a shown token to the tokens after its earlier copies.

    heads: RANKED of {layer, head, here, model}: the attention on those tokens, and the score on repeated random tokens
    (None if it was not measured); empty if the token occurs for the first time. chance: what a head that attends
    uniformly would give them. after: the tokens it looks for. passages: repeated ones, to choose a token from. curve:
    mean surprisal (nats) by place in the repeated passages, first and later.
    """
    trace, texts = context.reading.trace, context.reading.tokens.texts
    position = context.position_of(token)
    ids = trace.ids[trace.first : trace.length]
    earlier = [t for t in range(token) if ids[t] == ids[token]]
    here = trace.pattern_masses()["induction"][:, :, token]  # [layer, head]
    scored = (context.model.get("head_scores") or {}).get("induction")
    order = np.argsort(-np.where(np.isnan(here), -1, here), axis=None, kind="stable")[:RANKED]
    places = [divmod(int(at), here.shape[1]) for at in order]
    curve = repeats.second_copy_curve(trace.statistics().surprisal, ids)
    return {
        "token": token,
        "text": texts[token],
        "after": [{"token": t + 1, "text": texts[t + 1]} for t in earlier],
        "chance": len(earlier) / (position + 1),
        "heads": [
            {"layer": layer, "head": head, "here": float(here[layer, head]),
             "model": scored[layer][head] if scored else None}
            for layer, head in places if not np.isnan(here[layer, head])
        ] if earlier else [],
        "passages": [
            {"token": copy.start, "text": context.reading.tokens.passage(copy.start, copy.start + copy.length)}
            for copy in repeats.copies(ids)[:OFFERED]
        ],
        "curve": {name: numbers(line) for name, line in asdict(curve).items()},
    }


def scores_table(_: Context, answer: dict[str, Any]) -> Table:
    columns = answer["columns"]
    rows = [[*divmod(at, columns), number(value)] for at, value in enumerate(answer["values"].tolist())]
    return {"columns": ["layer", "head", answer["title"]], "rows": rows}


@view("model_heads", scores_table, of_likelihoods=True)
def model_heads(context: Context, name: str) -> dict[str, Any]:
    """A score of every head of the model, measured on repeated random tokens: values and levels [layer · head], from 0
    to 1; NaN and -1 where it was not measured. measured: how."""
    if name not in MODEL:
        raise ValueError(f"There is no score {name!r}. Choose one of {', '.join(MODEL)}.")
    values = model_scores(context, name)
    scale = scales.Scale(0, 1)
    return {
        "name": name,
        "title": f"{name.replace('_', ' ')} score",
        "rows": values.shape[0],
        "columns": values.shape[1],
        "measured": (context.model.get("head_scores") or {}).get("measured"),
        "palette": "magnitude",
        "stops": scale.stops(),
        "values": values.ravel(),
        "levels": scale.levels(values).astype(np.int16).ravel(),
    }
