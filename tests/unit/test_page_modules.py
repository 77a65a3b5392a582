"""index.html preloads exactly the modules of the first look, what draws its example first. Plain files."""

import re
from pathlib import Path

import pytest

SITE = Path(__file__).resolve().parents[2] / "site"
IMPORT = re.compile(r"""^(?:import|export)\b(?:[^'"=;]*?\bfrom)?\s*['"](\.[^'"]+)['"]""", re.MULTILINE)
PRELOAD = re.compile(r' *<link rel="modulepreload" href="[^"]+">')


def imported(module: Path, found: set[Path]) -> set[Path]:
    """The module and all it imports, however far down."""
    if module not in found:
        found.add(module)
        for name in IMPORT.findall(module.read_text(encoding="utf-8")):
            imported((module.parent / name).resolve(), found)
    return found


def names(modules: set[Path]) -> list[str]:
    return sorted(path.relative_to(SITE).as_posix() for path in modules)


@pytest.mark.skipif(not (SITE / "vendor").exists(), reason="needs site/vendor (make vendor)")
def test_every_module_is_preloaded() -> None:
    app = SITE / "app.js"
    first = imported(app, set())
    fetching = imported(SITE / "text/first.js", set())
    page = (SITE / "index.html").read_text(encoding="utf-8")
    at_once, later = page.split('<template id="page">')
    for part, modules, indent in ((at_once, fetching, 2), (later, first - fetching - {app}, 4)):
        links = [f'{" " * indent}<link rel="modulepreload" href="{name}">' for name in names(modules)]
        assert PRELOAD.findall(part) == links, "put these lines into site/index.html:\n" + "\n".join(links)
