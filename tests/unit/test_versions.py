"""The history of the text keeps 200 versions: the oldest that nothing came from goes first; versions.js in Node."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit import page_module
from tests.unit.page_texts import NODE

pytestmark = pytest.mark.skipif(not NODE, reason="needs Node (make)")

# Steps: [name of an export, argument, …]; "child": a version whose parent is the version with this text.
CALL = """
globalThis.matchMedia = () => ({ matches: false, addEventListener() {} });
import(process.argv[1]).then((module) => {
  const idOf = (text) => module.versions.value.find((each) => each.text === text).id;
  for (const [name, text, parent] of JSON.parse(require('fs').readFileSync(0, 'utf8'))) {
    if (name === 'visit') module.visit(idOf(text));
    else module.add({ text, parent: parent === null ? null : idOf(parent) });
  }
  const texts = new Map(module.versions.value.map(({ id, text }) => [id, text]));
  process.stdout.write(JSON.stringify(module.versions.value.map(({ text, parent }) => [text, parent === null ? null : texts.get(parent) ?? 'gone'])));
});
"""  # noqa: E501
MOST = 200


def history(*steps: list[Any]) -> dict[str, str | None]:
    """The parent's text by each version's text, oldest first."""
    return dict(page_module.run(CALL, "page/versions.js", steps))


def branches(count: int) -> list[list[Any]]:
    """A root and so many versions that were made from it."""
    return [["add", "root", None], *(["add", f"v{i}", "root"] for i in range(count))]


def test_the_oldest_branch_goes() -> None:
    full = branches(MOST - 1)
    assert list(history(*full)) == ["root", *(f"v{i}" for i in range(MOST - 1))]
    found = list(history(*full, ["add", "new", "root"], ["add", "newer", "root"]))
    assert found == ["root", *(f"v{i}" for i in range(2, MOST - 1)), "new", "newer"]


def test_the_one_shown_longest_ago_is_the_oldest() -> None:
    full = [*branches(MOST - 1), ["visit", "v0"]]
    found = list(history(*full, ["add", "new", "root"]))
    assert found == ["root", "v0", *(f"v{i}" for i in range(2, MOST - 1)), "new"]


def test_a_version_that_others_came_from_stays() -> None:
    """v0 is the oldest but has a child; so v1 goes."""
    found = history(*branches(MOST - 2), ["add", "child", "v0"], ["add", "new", "child"])
    assert "v0" in found and "v1" not in found and len(found) == MOST
    assert (found["child"], found["new"]) == ("v0", "child")


def test_a_single_line_loses_its_root() -> None:
    line = [["add", f"v{i}", f"v{i - 1}" if i else None] for i in range(MOST + 1)]
    found = history(*line)
    assert list(found) == [f"v{i}" for i in range(1, MOST + 1)]
    assert found["v1"] is None and found["v2"] == "v1"
