"""What panels say about themselves, against the Python it names."""

import re

import pytest

from export.site.serve import SITE
from tests.unit import page_module
from tests.unit.page_texts import NODE

pytestmark = pytest.mark.skipif(not NODE, reason="needs Node (make)")

FILES = [*SITE.parent.glob("pyscripts/**/*.py"), *SITE.parent.glob("export/check/*.py")]
SOURCES = """
import(process.argv[1]).then(({ PROSE }) => {
  console.log(JSON.stringify(Object.values(PROSE).map(({ source }) => source)));
});
"""


def defined(name: str) -> bool:
    """Whether a file whose path ends like `name` defines its last part."""
    module, last = name.replace(".", "/").rsplit("/", 1)
    files = (path for path in FILES if path.as_posix().endswith(f"/{module}.py"))
    return any(re.search(rf"^(?:def|class) {last}\b", path.read_text(encoding="utf-8"), re.MULTILINE) for path in files)


def test_every_function_that_a_panel_names_exists() -> None:
    sources = page_module.run(SOURCES, "lenses/prose.js", None)
    names = {name for source in sources for name in source.split(", ")}
    assert len(names) > 40 and not defined("attention.no_such_function")
    assert not [name for name in sorted(names) if not defined(name)]
