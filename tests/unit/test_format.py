"""How the page writes numbers: a missing one is a dash everywhere, no exponents, thousands separated; run in Node."""

import json
import subprocess

import pytest

from export.site.serve import SITE
from tests.unit.page_texts import NODE

pytestmark = pytest.mark.skipif(not NODE, reason="needs Node (make)")


def written(expression: str) -> str | list[str]:
    """What an expression in JavaScript gives, with site/frame/format.js as `f`."""
    call = f"import(process.argv[1]).then((f) => console.log(JSON.stringify({expression})))"
    command = [str(NODE), "-e", call, (SITE / "frame/format.js").as_uri()]
    result = subprocess.run(command, capture_output=True, check=True, text=True, encoding="utf-8").stdout
    return json.loads(result)


@pytest.mark.parametrize("name", ["percent", "count", "fixed", "significant", "signed", "short"])
def test_a_missing_number_is_a_dash(name: str) -> None:
    assert written(f"[NaN, null, undefined].map((value) => f.{name}(value))") == ["–"] * 3


@pytest.mark.parametrize(
    ("value", "shown"),
    [("0", "0"), ("0.5", "0.5"), ("-12.345", "−12.3"), ("1234.5", "1,235"), ("22330.2", "22,330"),
     ("2.5e7", "25M"), ("-1.26e6", "−1.26M"), ("0.00042", "0.00042"), ("-3e-9", "0")],
)
def test_a_number_of_any_size_has_no_exponent(value: str, shown: str) -> None:
    assert written(f"f.short({value})") == shown


def test_ends_of_shares_have_no_more_digits_than_they_need() -> None:
    assert written("[0, 0.000123, 0.0259, 0.116, 1].map(f.shareEnd)") == ["0%", "0.0123%", "2.59%", "11.6%", "100%"]
