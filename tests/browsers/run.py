"""Runs the page in Chromium, Firefox and WebKit and compares every number with Chromium's: `make test-browsers`.

Exit code 0: every engine that is here, and at least one besides Chromium, gave Chromium's numbers with and without the
server. 1: one did not. 2: there was nothing to compare. An engine that cannot be installed is named, and fails nothing.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)

from export import build  # noqa: E402
from export.site.serve import SITE  # noqa: E402
from tests.browsers.compare import Comparison  # noqa: E402
from tests.browsers.engines import ENGINES, Missing  # noqa: E402
from tests.browsers.visit import Visit, isolating, plain, visit  # noqa: E402
from tests.e2e.hosting import link_site  # noqa: E402
from tests.export.tiny import tiny  # noqa: E402

REAL = "smollm2"


def make_site(folder: Path) -> tuple[Path, list[str]]:
    """The page with a tiny model in fp32, and with SmolLM2 where it is built; the models' names."""
    name = "tiny-gpt2"
    tiny(folder / "checkpoints" / name)
    site = link_site(folder / "site")
    assert build.main([str(folder / "checkpoints" / name), "--out", str(site / "models"), "--weights", "fp32"]) == 0
    if not (SITE / "models" / REAL / "manifest.json").exists():
        return site, [name]
    (site / "models" / REAL).symlink_to(SITE / "models" / REAL)
    path = site / "models/index.json"
    index = json.loads(path.read_text(encoding="utf-8"))
    real = json.loads((SITE / "models/index.json").read_text(encoding="utf-8"))
    index["models"] += [entry for entry in real["models"] if entry["id"] == REAL]
    path.write_text(json.dumps(index), encoding="utf-8")
    return site, [name, REAL]


def check(visited: Visit, reference: dict[str, Any]) -> Comparison:
    """Both times, the same numbers as in Chromium."""
    comparison = Comparison()
    comparison.compare("status", visited.back_status, visited.status)
    for runs in (visited.runs, visited.back_runs):
        for name, run in runs.items():
            comparison.compare(name, run, reference[name])
    return comparison


def row(visited: Visit) -> list[str]:
    """Times, isolation, threads, and how long the model took for a text."""
    times = [f"{visited.ready:.0f} s", f"{visited.back:.0f} s"]
    reads = visited.runs.get(f"{REAL} reads")
    speed = f"{reads['summary']['tokens']} tokens: {reads['timings']['model']:.0f} ms" if reads else ""
    return [*times, "yes" if visited.isolated else "no", visited.status, speed]


def main() -> int:
    """Command line: names of the engines to run besides Chromium, all where none is given."""
    console = Console(width=130)
    chosen = {"Chromium", *(sys.argv[1:] or ENGINES)}
    table = Table("engine", "server", "ready", "offline", "isolated", "threads", "reading", "off by (nats)")
    absent: list[str] = []
    failed: list[str] = []
    compared = 0
    reference: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        site, models = make_site(Path(folder))
        for name, start in ENGINES.items():
            if name not in chosen or (name != "Chromium" and not reference):
                continue
            began = time.monotonic()
            try:
                engine = start()
            except Missing as error:
                absent.append(f"{error}.")
                continue
            except Exception as error:
                failed.append(f"{name} does not start: {error!r}")
                continue
            try:
                for server, command, wanted in (("ours", isolating(site), models), ("plain", plain(site), models[:1])):
                    print(f"== {name} {engine.version}, {server} server", flush=True)
                    visited = visit(engine, command, wanted)
                    reference = reference or visited.runs
                    comparison = check(visited, reference)
                    compared += name != "Chromium"
                    failed += [f"{name}, {server} server: {words}" for words in comparison.complaints[:10]]
                    table.add_row(f"{name} {engine.version}", server, *row(visited), f"{comparison.largest:.0e}")
            except Exception as error:  # a failed engine does not keep the others from being tried
                failed.append(f"{name}: {error!r}")
            finally:
                engine.close()
            print(f"== {name}: {time.monotonic() - began:.0f} s", flush=True)
    console.print(table)
    for words in absent + failed:
        print(words)
    if failed:
        return 1
    if not compared:
        print("Nothing could be compared.")
    return 0 if compared else 2


if __name__ == "__main__":
    sys.exit(main())
