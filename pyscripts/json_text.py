"""Parses JSON from outside (files and records that others wrote), and tells values that are nested too deeply."""

import json
import re
from collections.abc import Iterable
from itertools import chain
from typing import Any

DEEPEST = 100  # lists and objects within one another; nothing that is read here has more than ten
# A string, whose brackets count for nothing, or a bracket.
STRING_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{\]}]', re.DOTALL)


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text. ValueError, in a few words: it is none, or nested so deeply that parsing it could end
    Pyodide (the browser's stack is smaller than Python's limit assumes)."""
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    depth = 0
    for match in STRING_OR_BRACKET.finditer(text) if text.count("[") + text.count("{") > DEEPEST else ():
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        if depth > DEEPEST:
            raise ValueError("it is nested too deeply")
    return json.loads(text)


def is_too_deep(value: Any) -> bool:
    """Whether a value is nested so deeply that writing it out could end Pyodide, too; also if it contains itself."""
    level = [value]
    for _ in range(DEEPEST + 1):
        inside = {id(each): each for part in level for each in _parts(part)}  # by id: the same list may be in it twice
        if not (level := list(inside.values())):
            return False
    return True


def _parts(value: Any) -> Iterable[Any]:
    """What is in a list, a dict or a set."""
    if isinstance(value, dict):
        return chain(value, value.values())
    return value if isinstance(value, list | tuple | set | frozenset) else ()
