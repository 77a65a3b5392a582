"""What a user changes inside the model: heads scaled, links cut, vectors added; checked, and as inputs of the graph.

    {heads: [{layer, head, scale}],                        scale 0 = off
     cut:   [{query, keys, layers?, heads?}],              query None = every later position; before the softmax
     add:   [{layer, position, vector, head?}]}            position None = all

Positions count the prefix token. A vector [hidden] is added to the residual stream that enters a layer; the layer after
the last is the final norm. With a head, a vector [head_size] is added to that head's output, before W_O: with its scale
0, the head is replaced.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.checks import is_list, is_whole, said

CUT = np.float32(-1e4)  # added to a score, it leaves no attention
MOST_SCALE = 1000.0

Interventions = dict[str, list[dict[str, Any]]]


def is_wide(manifest: Mapping[str, Any]) -> bool:
    """Whether the graph's head_mask has four axes; it came with residual_add."""
    return bool(manifest["inputs"].get("residual_add"))


def checked(given: Mapping[str, Any] | None, manifest: Mapping[str, Any]) -> Interventions:
    """The interventions in one order, so that equal ones are equal as JSON; {} for none.

    ValueError: something is unknown, out of range, given twice, or not possible with this model.
    """
    rules: dict[str, Callable[[Mapping[str, Any], str, Mapping[str, Any]], dict[str, Any]]] = {
        "heads": _head, "cut": _cut, "add": _add}
    result: Interventions = {}
    for name, entries in _object({} if given is None else given, "", (), tuple(rules)).items():
        if not isinstance(entries, list | tuple):
            raise ValueError(f"interventions: {name} must be a list.")
        rows = [rules[name](entry, f"{name}[{i}]", manifest) for i, entry in enumerate(entries)]
        if rows:
            result[name] = sorted(rows, key=as_json)
    heads = [(row["layer"], row["head"]) for row in result.get("heads", ())]
    if len(set(heads)) < len(heads):
        raise ValueError("interventions: the same head is scaled twice.")
    needed = [name for kind, name in (("heads", "head_mask"), ("cut", "attention_bias")) if kind in result]
    needed += ["head_output_add" if "head" in row else "residual_add" for row in result.get("add", ())]
    for name in needed:
        if not manifest["inputs"].get(name):
            raise ValueError(f"{manifest['name']} was exported without {name}. Build the model again.")
    return {name: result[name] for name in rules if name in result}


def as_json(value: Any) -> str:
    """JSON as JavaScript's JSON.stringify writes it: the page orders interventions by it and compares runs' by it."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(name)}:{as_json(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(as_json, value)) + "]"
    return _number_as_json(value) if isinstance(value, float) else json.dumps(value)


def _number_as_json(value: float) -> str:
    if value.is_integer():
        return str(int(value))  # -0 is 0, too; none is so large that JavaScript would write an exponent
    return format(Decimal(repr(value)), "f") if abs(value) >= 1e-6 else re.sub("e-0", "e-", repr(value))


def _object(given: Any, where: str, needed: Sequence[str], known: Sequence[str]) -> Mapping[str, Any]:
    what = f"interventions: {where}" if where else "interventions"
    if not isinstance(given, Mapping):
        raise ValueError(f"{what} must be an object, not {said(given)}.")
    for name in given:
        if name not in known:
            raise ValueError(f"{what} has no {said(name)}. It may have {', '.join(known)}.")
    for name in needed:
        if name not in given:
            raise ValueError(f"{what} has no {name}.")
    return given


def _whole(value: Any, where: str, most: int) -> int:
    if not is_whole(value) or not 0 <= value <= most:
        raise ValueError(f"interventions: {where} must be a whole number from 0 to {most}.")
    return int(value)


def _wholes(value: Any, where: str, most: int) -> list[int]:
    if not is_list(value) or not len(value):
        raise ValueError(f"interventions: {where} must be a list of at least one whole number.")
    return sorted({_whole(each, where, most) for each in value})


def _number(value: Any, where: str, most: float) -> float:
    ok = not isinstance(value, bool) and isinstance(value, int | float | np.floating | np.integer)
    if not ok or not math.isfinite(value) or abs(value) > most:
        raise ValueError(f"interventions: {where} must be a number from {-most:g} to {most:g}.")
    return float(value)


def _head(given: Any, where: str, m: Mapping[str, Any]) -> dict[str, Any]:
    entry = _object(given, where, ("layer", "head", "scale"), ("layer", "head", "scale"))
    return {
        "layer": _whole(entry["layer"], f"{where}.layer", m["layers"] - 1),
        "head": _whole(entry["head"], f"{where}.head", m["heads"] - 1),
        "scale": _number(entry["scale"], f"{where}.scale", MOST_SCALE),
    }


def _cut(given: Any, where: str, m: Mapping[str, Any]) -> dict[str, Any]:
    entry = _object(given, where, ("query", "keys"), ("query", "keys", "layers", "heads"))
    last = m["context_length"] - 1
    query = None if entry["query"] is None else _whole(entry["query"], f"{where}.query", last)
    row: dict[str, Any] = {"query": query, "keys": _wholes(entry["keys"], f"{where}.keys", last)}
    if query is not None and row["keys"][-1] >= query:
        raise ValueError(f"interventions: {where}.keys must come before the query, position {query}.")
    for name in ("layers", "heads"):
        if entry.get(name) is not None:
            row[name] = _wholes(entry[name], f"{where}.{name}", m[name] - 1)
    return row


def _add(given: Any, where: str, m: Mapping[str, Any]) -> dict[str, Any]:
    entry = _object(given, where, ("layer", "position", "vector"), ("layer", "position", "vector", "head"))
    row: dict[str, Any] = {}
    if entry.get("head") is not None:
        row["head"] = _whole(entry["head"], f"{where}.head", m["heads"] - 1)
    row["layer"] = _whole(entry["layer"], f"{where}.layer", m["layers"] - ("head" in row))
    at = entry["position"]
    row["position"] = None if at is None else _whole(at, f"{where}.position", m["context_length"] - 1)
    size, vector = m["head_size"] if "head" in row else m["hidden_size"], entry["vector"]
    if not is_list(vector) or len(vector) != size:
        raise ValueError(f"interventions: {where}.vector must be a list of {size} numbers.")
    row["vector"] = [_number(each, f"{where}.vector", 1e9) for each in vector]
    return row


def of_positions(changes: Mapping[str, Any], seen: Sequence[int]) -> Interventions:
    """The changes for a text of these positions of the whole one, without those at others."""
    place: dict[int | None, int | None] = {None: None, **{position: i for i, position in enumerate(seen)}}
    cuts = [{**row, "query": place[row["query"]], "keys": [place[key] for key in row["keys"] if key in place]}
            for row in changes.get("cut", ()) if row["query"] in place]
    added = [{**row, "position": place[row["position"]]} for row in changes.get("add", ()) if row["position"] in place]
    return {"heads": list(changes.get("heads", ())), "cut": [row for row in cuts if row["keys"]], "add": added}


def inputs(
    changes: Mapping[str, Any], manifest: Mapping[str, Any], positions: NDArray[np.int64], keys: int,
) -> dict[str, NDArray[np.float32]]:
    """The graph's inputs, by their names in the manifest, for queries at `positions` that see `keys` keys; only those
    that change something.

    changes: from `checked`. positions: [query]. keys: positions of the cache and the queries together.
    """
    m, feeds = manifest, {}
    layers, heads = m["layers"], m["heads"]
    if changes.get("heads"):
        mask = np.ones((layers, heads, 1, 1), np.float32)
        for row in changes["heads"]:
            mask[row["layer"], row["head"]] = row["scale"]
        feeds["head_mask"] = mask if is_wide(m) else mask[:, :, 0, 0]
    if cuts := changes.get("cut"):
        by_layer, by_head = (any(name in row for row in cuts) for name in ("layers", "heads"))
        bias = np.zeros((layers if by_layer else 1, heads if by_head else 1, len(positions), keys), np.float32)
        for row in cuts:
            cut = np.array([key for key in row["keys"] if key < keys], np.int64)
            is_query = positions >= 0 if row["query"] is None else positions == row["query"]
            at_key, at_query = np.nonzero((positions > cut[:, None]) & is_query)  # [key, query]
            which = row.get("layers", range(layers)) if by_layer else [0]
            for layer in which:
                for head in row.get("heads", range(heads)) if by_head else [0]:
                    bias[layer, head, at_query, cut[at_key]] = CUT
        feeds["attention_bias"] = bias
    stream = [row for row in changes.get("add", ()) if "head" not in row]
    if stream:
        feeds["residual_add"] = _added(stream, (layers + 1, len(positions), m["hidden_size"]), positions)
    outputs = [row for row in changes.get("add", ()) if "head" in row]
    if outputs:
        feeds["head_output_add"] = _added(outputs, (layers, len(positions), heads * m["head_size"]), positions)
    return feeds


def _added(
    rows: Sequence[Mapping[str, Any]], shape: tuple[int, int, int], positions: NDArray[np.int64]
) -> NDArray[np.float32]:
    """[layer, query, dimension] the sum of the vectors of `add`."""
    added = np.zeros(shape, np.float32)
    for row in rows:
        here = np.ones(len(positions), bool) if row["position"] is None else positions == row["position"]
        start = row.get("head", 0) * len(row["vector"])
        added[row["layer"], here, start : start + len(row["vector"])] += np.array(row["vector"], np.float32)
    return added


def varied(changes: Mapping[str, Any], variant: Mapping[str, Any], position: int) -> Interventions:
    """The changes with a variant's: {cut: keys}, which the position may not look at; {heads: [[layer, head]]}, which
    are switched off, whatever scale they had and whatever was added to them; {add: as in the changes}."""
    combined: Interventions = {name: list(rows) for name, rows in changes.items()}
    if off := {(layer, head) for layer, head in variant.get("heads", ())}:
        combined["add"] = [row for row in changes.get("add", ()) if (row["layer"], row.get("head")) not in off]
        kept = [row for row in changes.get("heads", ()) if (row["layer"], row["head"]) not in off]
        combined["heads"] = [*kept, *({"layer": layer, "head": head, "scale": 0.0} for layer, head in sorted(off))]
    if variant.get("cut"):
        combined["cut"] = [*changes.get("cut", ()), {"query": position, "keys": list(variant["cut"])}]
    if variant.get("add"):
        combined["add"] = [*combined.get("add", ()), *variant["add"]]
    return combined


def copies(
    changes: Mapping[str, Any], manifest: Mapping[str, Any], positions: NDArray[np.int64],
    variants: Sequence[Mapping[str, Any]],
) -> dict[str, NDArray[np.float32]]:
    """The inputs for one pass of a copy of the tokens at `positions`, the last of a text, for each variant (`varied`),
    after a cache of all positions before them. Copies follow each other and see the cache and themselves alone.
    """
    count, width, first = len(variants), len(positions), int(positions[0])
    each = [inputs(varied(changes, one, int(positions[-1])), manifest, positions, first + width) for one in variants]
    if count == 1:
        return each[0]
    feeds: dict[str, NDArray[np.float32]] = {}
    biases = [one.get("attention_bias", np.zeros((1, 1, 1, 1), np.float32)) for one in each]
    planes = np.broadcast_shapes(*(bias.shape[:2] for bias in biases))
    feeds["attention_bias"] = np.full((*planes, count * width, first + count * width), CUT)
    for copy, bias in enumerate(biases):
        own, whole = slice(copy * width, (copy + 1) * width), np.broadcast_to(bias, (*planes, width, first + width))
        rows = feeds["attention_bias"][..., own, :]
        rows[..., :first], rows[..., first:][..., own] = whole[..., :first], whole[..., first:]
    for name in ("head_mask", "residual_add", "head_output_add"):
        if not any(name in one for one in each):
            continue
        axis = 2 if name == "head_mask" else 1  # of the queries
        shape = list(next(one[name] for one in each if name in one).shape)
        shape[axis] = width
        neutral = np.float32(name == "head_mask")
        feeds[name] = np.concatenate([np.broadcast_to(one.get(name, neutral), shape) for one in each], axis)
    return feeds


def copies_at_once(manifest: Mapping[str, Any], position: int, most: int, width: int = 1) -> int:
    """How many copies of `width` tokens from a position on one pass may have, at least 1: copies need positions from
    position_ids, and may not push the text's first positions out of a sliding window."""
    if not manifest.get("copies") or not is_wide(manifest):
        return 1
    narrowest = min((size for size in manifest.get("windows") or () if size), default=None)
    return max(1, most if narrowest is None else min(most, (narrowest - position) // width))
