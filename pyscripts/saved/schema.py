"""Checks a Run against run.schema.json, by the parts of JSON Schema it uses: Pyodide has no library that could."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.checks import said
from pyscripts.wording import count_of

Schema = dict[str, Any]

TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}
# How large a number may be if its schema does not say: as JavaScript's whole numbers; as float32, also in bits, which
# are more than nats; or, of what has no type, as any float64.
MOST = 1e38
LARGEST = {"integer": 2**53 - 1, "number": MOST, None: sys.float_info.max}

# Read on import: the page's Python has its modules in memory, and no files.
RUN: Schema = json.loads((Path(__file__).parents[1] / "run.schema.json").read_text(encoding="utf-8"))


def check_run(run: Any) -> None:
    """ValueError: it does not fit the schema, or its arrays do not fit each other; the message says where."""
    _check(run, RUN, RUN["$defs"], "it")
    _check_shapes(run)


def check_numbers(array: NDArray, name: str) -> None:
    """ValueError: an array holds something else, or a number that is out of range."""
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} does not hold numbers")
    if array.dtype.kind == "f" and array.dtype.itemsize > 4 and (np.abs(array[np.isfinite(array)]) > MOST).any():
        raise ValueError(f"{name} has a number that is out of range")


def _check_shapes(run: dict[str, Any]) -> None:
    """ValueError: an array by layer, head or token is not as long as the others and the tokens say."""
    entropy, norm, on_text = run["attention_entropy"], run["hidden_norm"], run["heads_on_text"]
    tokens = len(run["tokens"])
    layers = len(entropy) if entropy is not None else len(norm) - 1 if norm is not None else 0
    heads = len(entropy[0]) if entropy else 0
    shapes: dict[str, tuple[Any, tuple[int, ...]]] = {
        "attention_entropy": (entropy, (layers, heads, tokens)), "hidden_norm": (norm, (layers + 1, tokens))}
    for name, parts in (on_text or {}).items():
        shapes |= {f"heads_on_text.{name}.mass": (parts["mass"], (layers, heads)),
                   f"heads_on_text.{name}.chance": (parts["chance"], (layers,))}
    for name, (array, shape) in shapes.items():
        if array is not None:
            _check_shape(array, shape, f"it.{name}")


def _check_shape(array: list[Any], shape: tuple[int, ...], at: str) -> None:
    if len(array) != shape[0]:
        raise ValueError(f"{at} has {count_of(len(array), 'item')}, not {shape[0]:,}")
    for i, each in enumerate(array if len(shape) > 1 else ()):
        _check_shape(each, shape[1:], f"{at}[{i}]")


def _check(value: Any, schema: Schema, known: dict[str, Schema], at: str) -> None:
    if "$ref" in schema:
        schema = known[schema["$ref"].removeprefix("#/$defs/")]
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(TYPES[kind](value) for kind in kinds):
        raise ValueError(f"{at} is not {'an' if kinds[0][0] in 'aio' else 'a'} {' or '.join(kinds)}")
    if "const" in schema and value != schema["const"]:
        raise ValueError(f"{at} is not {schema['const']}")
    if isinstance(value, dict):
        _check_object(value, schema, known, at)
    elif isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            raise ValueError(f"{at} has {len(value)} items")
        for i, each in enumerate(value):
            _check(each, schema.get("items", {}), known, f"{at}[{i}]")
    elif isinstance(value, str):
        if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
            raise ValueError(f"{at} holds half a character")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            raise ValueError(f"{at} has the wrong format")
    elif value is not None:
        most = LARGEST[next((kind for kind in kinds if kind in LARGEST), None)]
        if not schema.get("minimum", -most) <= value <= schema.get("maximum", most):
            raise ValueError(f"{at} is out of range")


def _check_object(value: dict[str, Any], schema: Schema, known: dict[str, Schema], at: str) -> None:
    for name in schema.get("required", ()):
        if name not in value:
            raise ValueError(f"{at} has no {name}")
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    for name, each in value.items():
        where = f"{at}.{name}"
        if name in properties:
            _check(each, properties[name], known, where)
        elif others is False:
            raise ValueError(f"{at} has an unknown field {said(name)}")
        else:
            _check(each, others, known, where)
