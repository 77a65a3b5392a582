"""Checks JSON against a JSON Schema, of which it knows what pyscripts/run.schema.json uses and refuses the rest."""

import json
import re
from pathlib import Path
from typing import Any

RUN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "pyscripts" / "run.schema.json").read_text())
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
SAYS_NOTHING = {"$schema", "$id", "$defs", "title", "description"}


def check(value: Any, schema: dict[str, Any] = RUN, at: str = "Run") -> None:
    """AssertionError naming the place where `value` does not fit; ValueError: an unknown keyword."""
    for keyword, rule in schema.items():
        if keyword not in SAYS_NOTHING and not fits(keyword, rule, value, schema, at):
            raise AssertionError(f"{at}: {json.dumps(value)[:80]} does not fit {keyword} {rule}")


def fits(keyword: str, rule: Any, value: Any, schema: dict[str, Any], at: str) -> bool:
    number, kind = is_number(value), type(value)
    match keyword:
        case "$ref":
            check(value, RUN["$defs"][rule.removeprefix("#/$defs/")], at)
        case "const":
            return bool(value == rule)
        case "type":
            return any(is_of(value, each) for each in ([rule] if isinstance(rule, str) else rule))
        case "minimum":
            return not number or value >= rule
        case "maximum":
            return not number or value <= rule
        case "minItems":
            return kind is not list or len(value) >= rule
        case "maxItems":
            return kind is not list or len(value) <= rule
        case "pattern":
            return kind is not str or re.search(rule, value) is not None
        case "required":
            return kind is not dict or set(rule) <= set(value)
        case "items":
            for i, each in enumerate(value if kind is list else []):
                check(each, rule, f"{at}[{i}]")
        case "properties":
            for name in set(rule) & set(value if kind is dict else ()):
                check(value[name], rule[name], f"{at}.{name}")
        case "additionalProperties":
            for name in set(value if kind is dict else ()) - set(schema.get("properties", ())):
                if rule is False:
                    raise AssertionError(f"{at}: there is no {name} in a Run")
                check(value[name], rule, f"{at}.{name}")
        case _:
            raise ValueError(f"tests/unit/json_schema.py does not know {keyword}")
    return True


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_of(value: Any, name: str) -> bool:
    if name in ("number", "integer"):
        return is_number(value) and (name == "number" or isinstance(value, int))
    return isinstance(value, TYPES[name])
