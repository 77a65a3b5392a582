"""What is nested too deeply to be read or written out: the same in Python and in the page's JavaScript."""

import pytest

from pyscripts.checks import said
from pyscripts.json_text import DEEPEST, is_too_deep, parse_json
from pyscripts.lab.values import shown
from tests.unit import page_module

PARSE = """
import(process.argv[1]).then(({ parseJson }) => {
  const answer = (text) => { try { return [parseJson(text)]; } catch (error) { return error.message; } };
  process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0, 'utf8')).map(answer)));
});
"""


def nested(depth: int) -> str:
    return "[" * depth + "0" + "]" * depth


def deep(depth: int) -> list:
    value: list = [0]
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize("text", [nested(DEEPEST), '{"a[": [[1], {"b": "]]"}, null]}', "5", f'["{"[" * 1000}"]'])
def test_what_is_nested_no_deeper_is_read(text: str) -> None:
    assert page_module.run(PARSE, "shared/json_text.js", [text]) == [[parse_json(text)]]


def test_what_is_nested_deeper_is_refused_in_the_same_words() -> None:
    texts = [nested(DEEPEST + 1), nested(100_000), '{"a": ' * 200 + "1" + "}" * 200]
    for text in texts:
        with pytest.raises(ValueError, match="it is nested too deeply"):
            parse_json(text)
    assert page_module.run(PARSE, "shared/json_text.js", [*texts, "[1", ""]) == [
        *["is nested too deeply"] * 3,
        *["is not valid JSON"] * 2,
    ]


def test_a_value_that_is_nested_too_deeply_is_named_and_not_written_out() -> None:
    twice: list = [0]
    for _ in range(50):
        twice = [twice, twice]  # as many leaves as 2 to the power of 50
    assert not is_too_deep(deep(DEEPEST)) and not is_too_deep(twice) and not is_too_deep({"a": [1, {2}], (1, 2): "x"})
    itself: dict = {}
    itself["a"] = (itself,)
    for value in (deep(DEEPEST + 2), deep(100_000), itself, {"a": {"b": deep(500)}}):
        assert is_too_deep(value)
        kind = type(value).__name__
        assert said(value) == f"one of type {kind}"
    assert said(deep(3)) == "[[[0]]]"
    for depth in (500, 100_000):
        assert shown(deep(depth), None) == {"kind": "text", "text": "A list that is nested too deeply to be shown."}
