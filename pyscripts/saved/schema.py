"""Checks a Run against run.schema.json, by the parts of JSON Schema it uses: Pyodide has no library that could."""

import json
import math
import re
from pathlib import Path
from typing import Any

from pyscripts.checks import said

Schema = dict[str, Any]

TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value),
}


# Read on import: the page's Python has its modules in memory, and no files.
RUN: Schema = json.loads((Path(__file__).parents[1] / "run.schema.json").read_text(encoding="utf-8"))


def check_run(run: Any) -> None:
    """ValueError: it does not fit the schema; the message says where."""
    _check(run, RUN, RUN["$defs"], "it")


def _check(value: Any, schema: Schema, known: dict[str, Schema], at: str) -> None:
    if "$ref" in schema:
        schema = known[schema["$ref"].removeprefix("#/$defs/")]
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(TYPES[kind](value) for kind in kinds):
        raise ValueError(f"{at} is no {' or '.join(kinds)}")
    if "const" in schema and value != schema["const"]:
        raise ValueError(f"{at} is not {schema['const']}")
    if isinstance(value, dict):
        _check_object(value, schema, known, at)
    elif isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            raise ValueError(f"{at} has {len(value)} items")
        if "items" in schema:
            for i, each in enumerate(value):
                _check(each, schema["items"], known, f"{at}[{i}]")
    elif isinstance(value, str):
        if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
            raise ValueError(f"{at} holds half a character")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            raise ValueError(f"{at} is not as it should be")
    elif value is not None and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        raise ValueError(f"{at} is out of range")


def _check_object(value: dict[str, Any], schema: Schema, known: dict[str, Schema], at: str) -> None:
    for name in schema.get("required", ()):
        if name not in value:
            raise ValueError(f"{at} has no {name}")
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name, each in value.items():
        where = f"{at}.{name}"
        if name in properties:
            _check(each, properties[name], known, where)
        elif others is False:
            raise ValueError(f"{at} has a {said(name)}")
        elif isinstance(others, dict):
            _check(each, others, known, where)
