"""Parses JSON from outside: files and records that others wrote."""

import json
import re
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
