"""Word classes on hand-classified prose and code, and the table by hand; runs in CPython."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from export.site.serve import SITE
from pyscripts.metrics import words
from pyscripts.metrics.word_table import class_table
from tests.unit import page_module
from tests.unit.page_texts import NODE


def spans_of(parts: list[str]) -> list[tuple[int, int]]:
    ends = np.cumsum([len(part.encode()) for part in parts]).tolist()
    return list(zip([0, *ends[:-1]], ends, strict=True))


def classes(parts: list[str], code: bool | None = None) -> list[str]:
    return words.classify("".join(parts).encode(), spans_of(parts), code)


PROSE = {
    "The": "function_word",
    " quick": "content_word",
    " br": "content_word",
    "own": "continuation",
    " fox": "content_word",
    "'s": "continuation",
    " didn": "function_word",
    "\u2019t": "continuation",
    " visit": "content_word",
    " Par": "capitalised_word",
    "is": "continuation",
    " in": "function_word",
    " 19": "digits",
    "84": "digits",
    ",": "punctuation",
    "\n\n": "whitespace",
    " +": "symbol",
    " €": "symbol",
    " _": "punctuation",
    "GPT": "capitalised_word",
    "2": "continuation",
    " Straße": "capitalised_word",
    " 我": "content_word",
    "们": "content_word",
    " हिन्दी": "content_word",
    " 한국": "content_word",
    "어": "continuation",
    "\t": "whitespace",
}


def test_prose_by_hand() -> None:
    assert dict(zip(PROSE, classes(list(PROSE), code=False), strict=True)) == PROSE


def test_code_by_hand() -> None:
    parts = ["x", " =", ' "', "if", " Bob", '"', " #", " for", " the", " win", "\n", "return", " x", ";"]
    assert classes(parts, code=True) == [
        "identifier", "operator", "punctuation", "function_word", "capitalised_word", "punctuation",
        "punctuation", "function_word", "function_word", "content_word", "whitespace", "keyword",
        "identifier", "punctuation",
    ]  # fmt: skip
    parts = ["def", " get", "_name", "(", "x1", "):", "\n   ", " total", " +=", " 12", " None", " ret", "urn"]
    assert classes(parts, code=True) == [
        "keyword", "identifier", "continuation", "punctuation", "identifier", "punctuation", "whitespace",
        "identifier", "operator", "digits", "keyword", "keyword", "continuation",
    ]  # fmt: skip


def test_parts_of_a_character() -> None:
    assert words.classify(" 😀é".encode(), [(0, 2), (2, 5), (5, 6), (6, 7)]) == [
        "symbol",
        "continuation",
        "content_word",
        "continuation",
    ]


def test_a_cut_character_shifts_no_class() -> None:
    """Half a flamingo, in two tokens of one byte and one of two bytes: each is classed by its own bytes."""
    data = b"the \xf0\x9f cat \xa9\xf0\x9f\xa6"
    assert words.classify(data, [(0, 3), (3, 5), (5, 6), (6, 10), (10, 12), (12, 15)]) == [
        "function_word", "symbol", "continuation", "content_word", "symbol", "symbol",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("def add(a, b):\n    return a + b\n", True),
        ("const add = (a, b) => {\n  return a + b;\n};\n", True),
        ("#include <stdio.h>\nint main(void) {\n  puts(\"hi\");\n}\n", True),
        ("It was a bright cold day in April, and the clocks were striking thirteen.", False),
        ("What is it for?\nNobody knows.\n- first (maybe)\n- second\n", False),
        ("", False),
    ],
)  # fmt: skip
def test_looks_like_code(text: str, code: bool) -> None:
    assert words.looks_like_code(text) is code


TEXTS = [
    *(each["text"] for each in json.loads((SITE / "examples.json").read_text(encoding="utf-8"))),
    *(path.read_text(encoding="utf-8") for path in [
        *SITE.parent.glob("export/texts/*.txt"), *SITE.glob("text/*.js"), *SITE.glob("styles/*.css"),
        *SITE.glob("lab/examples/*.py"), SITE.parent / "README.md", Path(__file__)]),
    *("", " \t", "\n", "x = 1", "The result(s) were fine.", "f (x)", "if so, go\r\nor\r\nstay", "a\rb;\rc", "größe(x)"),
    *("函数(x)", "a\u2028b = 2", "f(\u2028)", "\xa0", "a\n\xa0\nb\n= c;", "a\x85b;", "\ufeff# x", "y\xa0= 3"),
    *("a\n\nb\n\nc\nd;\ne;", "a\nb\nc\nd;\ne"),
    "😀" * 3998 + "\nx;\ny;\nz;", "😀\n" * 1998 + "x;\ny;\nz;", "plain\n" * 200 + "x = 1\n" * 500, "a(" * 5000,
]


@pytest.mark.skipif(not NODE, reason="needs Node (make)")
def test_the_page_sets_as_code_what_is_classed_as_code() -> None:
    found = page_module.call("text/face.js", *(["looksLikeCode", text] for text in TEXTS))
    expected = [words.looks_like_code(text) for text in TEXTS]
    assert found == expected and 20 < sum(expected) < len(TEXTS) - 20
    script = "import(process.argv[1]).then((face) => console.log(JSON.stringify(face.CODE_SIGNS.source)))"
    assert page_module.run(script, "text/face.js", None).replace(r"\/", "/") == words.CODE_SIGNS.pattern


@given(st.text(max_size=60), st.lists(st.integers(1, 5), max_size=60), st.booleans())
def test_every_cut_of_every_text_has_known_classes(text: str, lengths: list[int], code: bool) -> None:
    data = text.encode()
    size = len(data)
    cuts = sorted({0, size, *(min(int(c), size) for c in np.cumsum(lengths))})
    spans = list(pairwise(cuts))
    found = words.classify(data, spans, code)
    assert len(found) == len(spans) and set(found) <= set(words.CLASSES)
    assert found == words.classify(data, spans, code)


def test_empty_and_bad_spans() -> None:
    assert words.classify(b"", []) == []
    assert words.classify(b"ab", [(1, 1)]) == ["whitespace"]
    with pytest.raises(ValueError, match="inside the text"):
        words.classify(b"ab", [(0, 3)])


def test_table_by_hand() -> None:
    names = ["content_word", "digits", "content_word", "content_word"]
    logprob, entropy = np.array([np.nan, -1, -2, -4]), np.array([np.nan, 3.0, 1.0, 2.0])
    attention = np.array([[0.0, 1, 2, 4], [1, 1, 1, 1]])  # [layer, token]
    activity = np.array([[1.0, 8, 2, 1], [2, 2, 2, 2], [np.nan] * 4])
    content, digits = class_table(names, logprob, entropy, attention, activity)
    assert (content.name, content.title, content.count) == ("content_word", "content word", 3)
    assert (content.mean_surprisal, content.mean_entropy) == pytest.approx((3, 1.5))  # nats
    np.testing.assert_array_equal(content.attention_entropy, [2, 1])
    np.testing.assert_allclose(content.activity, [4 / 3, 2, np.nan])
    # the geometric mean of the text is 2 (1 · 8 · 2 · 1 = 16), of the class the cube root of 2
    np.testing.assert_allclose(content.relative_activity, [2 ** (1 / 3) / 2, 1, np.nan])
    np.testing.assert_allclose(digits.relative_activity, [4, 1, np.nan])
    assert content.raised_layers is None and digits.raised_layers is None, "too few tokens to say"


def test_layers_are_raised_against_the_text_and_beyond_the_noise() -> None:
    """Layer 2 changes everything most and says nothing; layer 0 changes digits more; layer 1 only by chance."""
    random = np.random.default_rng(5)
    names = ["digits"] * 12 + ["content_word"] * 60
    activity = np.exp(random.normal(0, 0.2, (3, 72)))  # [layer, token]
    activity[2] *= 100
    activity[0, :12] *= 1.5
    activity[1, 0] = 1e4  # one token, a second sink, must not make its class
    table = {row.name: row for row in class_table(names, np.zeros(72), np.zeros(72), np.zeros((3, 72)), activity)}
    raised, ordinary = table["digits"].raised_layers, table["content_word"].raised_layers
    assert raised is not None and raised.tolist() == [0]
    assert ordinary is not None and ordinary.tolist() == []
    excess = np.log(activity[0, :12]) - np.log(activity[0]).mean()
    assert scipy.stats.ttest_1samp(excess, 0).statistic > 2, "the bar is two standard errors"
    few = class_table(names[:9], np.zeros(9), np.zeros(9), np.zeros((3, 9)), activity[:, :9])
    assert few[0].count == 9 and few[0].raised_layers is None


def test_ten_tokens_are_enough_and_their_deviation_is_a_sample_s() -> None:
    """Both classes are 1 above and below the text, half of their tokens by `spread` more and half by as much less. The
    sample deviation of ten is `spread` · √(10 / 9), so two standard errors are 1 where `spread` is 1.5."""
    sides = np.tile([1.0, -1.0], 5)
    spread = np.array([1.49, 1.51, 1.0])  # [layer]
    excess = spread[:, None] * sides  # [layer, token]
    activity = np.exp(np.concatenate([1 + excess, excess - 1], axis=1))
    nothing = np.zeros(20)
    digits, content = class_table(
        ["digits"] * 10 + ["content_word"] * 10, nothing, nothing, np.zeros((3, 20)), activity)[::-1]
    assert digits.name == "digits" and digits.count == content.count == 10
    assert digits.raised_layers is not None and digits.raised_layers.tolist() == [0, 2]
    assert content.raised_layers is not None and not content.raised_layers.size
    statistics = scipy.stats.ttest_1samp(1 + excess, 0, axis=1).statistic
    np.testing.assert_array_equal(statistics > 2, [True, False, True])


def test_table_edges() -> None:
    null = class_table(["digits"], [np.nan], [np.nan], np.zeros((0, 1)), np.zeros((0, 1)))[0]
    assert null.count == 1 and np.isnan(null.mean_surprisal) and null.raised_layers is None
    assert class_table([], [], [], np.zeros((2, 0)), np.zeros((2, 0))) == []
    with pytest.raises(ValueError, match="unknown word classes"):
        class_table(["noun"], [-1.0], [1.0], np.zeros((1, 1)), np.zeros((1, 1)))
    with pytest.raises(ValueError, match="classes need"):
        class_table(["digits"], [-1.0, -2.0], [1.0], np.zeros((1, 1)), np.zeros((1, 1)))
