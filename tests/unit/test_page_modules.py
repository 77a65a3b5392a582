"""The page's modules: index.html preloads those of its first look, and no module imports itself. Plain files."""

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


def cycles(module: Path, above: tuple[Path, ...], done: set[Path]) -> list[str]:
    """Each way back from a module to itself, or to one that imports it."""
    if module in above:
        return [" imports ".join(path.relative_to(SITE).as_posix() for path in (*above[above.index(module) :], module))]
    if module in done or not module.exists():
        return []
    below = [(module.parent / name).resolve() for name in IMPORT.findall(module.read_text(encoding="utf-8"))]
    found = [cycle for each in below for cycle in cycles(each, (*above, module), done)]
    done.add(module)
    return found


def test_no_module_imports_itself_by_way_of_others() -> None:
    done: set[Path] = set()
    own = [path for path in SITE.rglob("*.js") if not {"vendor", "node_modules"} & set(path.relative_to(SITE).parts)]
    assert [cycle for module in sorted(own) for cycle in cycles(module, (), done)] == []
    assert len(done) >= len(own) > 100
