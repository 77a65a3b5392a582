"""index.html preloads exactly the modules that app.js imports: the browser fetches them all at once. Plain files."""

import re
from pathlib import Path

import pytest

SITE = Path(__file__).resolve().parents[2] / "site"
IMPORT = re.compile(r"""^(?:import|export)\b(?:[^'"=;]*?\bfrom)?\s*['"](\.[^'"]+)['"]""", re.MULTILINE)
PRELOAD = re.compile(r'<link rel="modulepreload" href="([^"]+)">')


def imported(module: Path, found: set[Path]) -> set[Path]:
    """The module and all it imports, however far down."""
    if module not in found:
        found.add(module)
        for name in IMPORT.findall(module.read_text(encoding="utf-8")):
            imported((module.parent / name).resolve(), found)
    return found


@pytest.mark.skipif(not (SITE / "vendor").exists(), reason="needs site/vendor (make vendor)")
def test_every_module_is_preloaded() -> None:
    modules = {path.relative_to(SITE).as_posix() for path in imported(SITE / "app.js", set())} - {"app.js"}
    preloaded = PRELOAD.findall((SITE / "index.html").read_text(encoding="utf-8"))
    lines = "\n".join(f'  <link rel="modulepreload" href="{name}">' for name in sorted(modules))
    assert sorted(preloaded) == sorted(modules), f"put these lines into site/index.html:\n{lines}"
