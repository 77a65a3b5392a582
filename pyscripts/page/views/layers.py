"""What each layer does to one token and to the whole text: norms, changes, dimensions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.colour import scales
from pyscripts.json_numbers import number, numbers
from pyscripts.metrics import lens, word_table, words
from pyscripts.page.views import activation_tables
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import view
from pyscripts.trace import Trace

QUANTITIES = ("hidden_norm", "change_norm", "attention_norm", "mlp_norm")
LENS = ("lens_rank", "lens_logprob", "lens_divergence")  # of the prediction after each token, by the logit lens
RAISED = 3  # layers listed for each word class
PLACES = 4  # tokens listed for each dimension


def quantity(trace: Trace, name: str) -> NDArray[np.float64]:
    """[layer+1, token] one of QUANTITIES, embeddings first; NaN if a layer has none or the graph lacks it.

    ValueError for any other name.
    """
    if name not in QUANTITIES:
        raise ValueError(f"There is no quantity {name!r}. Choose one of {', '.join(QUANTITIES)}.")
    if name == "hidden_norm":
        return trace.hidden_norm()
    empty = np.full((trace.shape.layers + 1, trace.shown), np.nan)
    if name in (given := trace.contributions()):
        empty[1:] = given[name]
    return empty


def layer_names(trace: Trace) -> list[str]:
    """[layer+1] of hidden states: the embeddings, then the state after each layer."""
    return ["embeddings", *(f"layer {layer}" for layer in range(trace.shape.layers))]


@view("layers", activation_tables.layers)
def layers(context: Context, token: int) -> dict[str, Any]:
    """One row for the embeddings and each layer: L2 norms at a shown token, and the cosine of each input and output.

    The last hidden_norm is after the final norm, as transformers returns it.
    """
    trace = context.reading.trace
    context.position_of(token)
    columns = {name: quantity(trace, name)[:, token] for name in QUANTITIES}
    cosine = trace.contributions().get("change_cosine")
    rows = []
    for i, name in enumerate(layer_names(trace)):
        row: dict[str, Any] = {"name": name}
        row.update({key: number(column[i]) for key, column in columns.items()})
        row["change_cosine"] = number(cosine[i - 1, token]) if cosine is not None and i else None
        rows.append(row)
    change = columns["change_norm"]
    busiest = int(np.nanargmax(change)) if not np.isnan(change).all() else None
    return {"token": token, "rows": rows, "busiest": None if busiest is None else rows[busiest]["name"]}


@view("layer_map", activation_tables.layer_map)
def layer_map(context: Context, name: str) -> dict[str, Any]:
    """A quantity of every layer (rows, embeddings first) and shown token (columns): values and colour steps,
    [layer · token]. name: one of QUANTITIES, or of LENS; then `missing` says what must be computed first."""
    trace, missing = context.reading.trace, None
    if name in LENS:
        values, missing = _lens_over_text(context, name.removeprefix("lens_"))
        scale = _lens_scale(name, values)
    else:
        values = quantity(trace, name)  # [layer+1, token]
        scale = scales.logarithmic(values)
    first = 0 if name in ("hidden_norm", *LENS) else 1
    return {
        "missing": missing,
        "quantity": name,
        "names": layer_names(trace)[first:],
        "columns": trace.shown,
        "values": values[first:].ravel(),
        "levels": scale.levels(values[first:]).astype(np.int16).ravel(),
        "palette": "magnitude",
        "stops": scale.stops(),
    }


def _lens_scale(name: str, values: NDArray[np.float64]) -> scales.Scale:
    """Ranks in equal ratios, the others linear; the embeddings' divergence is so large that it would set the scale."""
    if name == "lens_rank":
        return scales.logarithmic(values)
    known = values[1:][np.isfinite(values[1:])]
    if name == "lens_logprob":
        return scales.Scale(float(known.min(initial=0)), 0)
    return scales.Scale(0, float(known.max(initial=0)))


@view("dimensions", activation_tables.dimensions)
def dimensions(context: Context, token: int, layer: int, count: int = 6) -> dict[str, Any]:
    """A hidden state (`layer` 0 ... L, 0 the embeddings) of a shown token, its `count` largest absolute values, and for
    each of these dimensions the tokens of the text with the largest value of the same sign. `among`: the number of
    tokens whose hidden states are kept, if these are not all; {"token", "layer", "known": False} for a later token,
    until its position has been inspected."""
    trace, position = context.reading.trace, context.position_of(token)
    if not 0 <= layer <= trace.shape.layers:
        raise ValueError(f"There is no hidden state {layer}: this model has 0 (embeddings) to {trace.shape.layers}.")
    kept = trace.kept_hidden_states
    here = kept.at(position)  # [layer+1, hidden]
    if here is None and context.inspected is not None and context.inspected.position == position:
        here = context.inspected.hidden_states
    if here is None:
        return {"token": token, "layer": layer, "known": False}
    states = kept.first()[layer, trace.first :]  # [token, hidden]
    vector = here[layer].astype(np.float64)  # [hidden]
    largest = np.argsort(-np.abs(vector), kind="stable")[:count].tolist()
    scale = scales.symmetric(vector)
    top = []
    for index in largest:
        over_text = states[:, index].astype(np.float64) * (1 if vector[index] >= 0 else -1)  # [token]
        places = np.argsort(-over_text, kind="stable")[:PLACES].tolist()
        where = [{"token": t, "text": _text(context, t), "value": float(states[t, index])} for t in places]
        top.append({"index": index, "value": float(vector[index]), "where": where})
    return {
        "token": token,
        "layer": layer,
        "known": True,
        "name": layer_names(trace)[layer],
        "values": vector,
        "levels": scale.levels(vector).astype(np.int16),
        "palette": "signed",
        "stops": scale.stops(),
        "top": top,
        "among": None if kept.complete else len(states),
    }


@view("word_classes", activation_tables.word_classes)
def word_classes(context: Context) -> dict[str, Any]:
    """Per word class: count, surprisal, entropy, the layers that change it more than the whole text, attention entropy.

    `raised_layers`: the first RAISED of word_table's, based on `count` tokens; None if there are fewer than `fewest`.
    `levels` [class, layer]: relative activity, from 0 to 2 (1 is typical).
    """
    trace, tokens = context.reading.trace, context.reading.tokens
    statistics = trace.statistics()
    change = quantity(trace, "change_norm")[1:]  # [layer, token]
    entropy = trace.attention_entropy().mean(axis=1)  # [layer, token]
    classes = words.classify(tokens.data, tokens.spans[: trace.shown])
    rows = word_table.class_table(classes, statistics.logprob, statistics.entropy, entropy, change)
    relative = np.array([row.relative_activity for row in rows]).reshape(len(rows), trace.shape.layers)
    scale = scales.Scale(0, 2)
    return {
        "rows": [
            {
                "title": row.title,
                "count": row.count,
                "mean_surprisal_nats": number(row.mean_surprisal),
                "mean_entropy_nats": number(row.mean_entropy),
                "raised_layers": None if row.raised_layers is None else row.raised_layers[:RAISED].tolist(),
                "activity": numbers(row.activity),
                "relative_activity": numbers(row.relative_activity),
                "attention_entropy": numbers(row.attention_entropy),
            }
            for row in rows
        ],
        "levels": scale.levels(relative).astype(np.int16).ravel(),
        "layers": trace.shape.layers,
        "fewest": word_table.FEWEST,
        "palette": "signed",
        "stops": scale.stops(),
    }


def _lens_over_text(context: Context, name: str) -> tuple[NDArray[np.float64], dict[str, Any] | None]:
    """[layer+1, token] one of lens.OVER_TEXT for the prediction after each token, NaN until it is computed; and what is
    still missing, as {"position", "done"}: the next position, and how many tokens are done. None: nothing."""
    trace, known = context.reading.trace, context.beside.lens
    values = np.full((trace.shape.layers + 1, trace.shown), np.nan)
    done = min(len(known), trace.shown)
    for token, found in enumerate(known[:done]):
        values[:, token] = found[lens.OVER_TEXT.index(name)]
    return values, None if done == trace.shown else {"position": done + trace.first, "done": done}


def _text(context: Context, token: int) -> str:
    return str(context.reading.tokens.texts[token])
