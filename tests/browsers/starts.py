"""Starts the page many times in one engine with every fetch, message and step of the service worker delayed at random.

`python tests/browsers/starts.py Firefox 50`: each start is a first visit to a server that sends no headers of ours,
so it includes the reload that isolates the page. It must end in `ready`, or in a sentence with "Try again" after a
minute without progress. Exit code 1 if one does neither.
"""

from __future__ import annotations

import collections
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)

from export import build  # noqa: E402
from tests.browsers.engines import ENGINES, Engine, ScriptError  # noqa: E402
from tests.e2e.hosting import FOLDER, Plain, hosting, make_root, release  # noqa: E402
from tests.export.tiny import tiny  # noqa: E402

LONGEST = 2.0  # seconds an answer of the server is held back
PATIENCE = 180  # seconds; a start that stalls for a minute has said so by then
DELAYS = Path(__file__).with_name("delays.js")


class Slow(Plain):
    """Answers some of the requests late."""

    def do_GET(self) -> None:
        if random.random() < 0.3:
            time.sleep(LONGEST * random.random() ** 3)
        super().do_GET()


def delayed_root(folder: Path) -> Path:
    """The page with a tiny model, its document, both workers and the service worker beginning with delays.js."""
    checkpoint = tiny(folder / "checkpoints/tiny-gpt2")
    assert build.main([str(checkpoint), "--out", str(folder / "models"), "--weights", "fp32"]) == 0
    root = make_root(folder / "root", folder / "models")
    site = root / FOLDER
    shutil.copyfile(DELAYS, site / "delays.js")
    for name in ("inference", "analysis"):
        original = (site / name).resolve()
        (site / name).unlink()
        shutil.copytree(original, site / name)
        worker = site / name / f"{name}.worker.js"
        worker.write_text(f"import '../delays.js';\n{worker.read_text(encoding='utf-8')}", encoding="utf-8")
    script = (site / "sw.js").read_text(encoding="utf-8")
    (site / "sw.js").unlink()
    (site / "sw.js").write_text(f"self.importScripts('delays.js');\n{script}", encoding="utf-8")
    page = site / "index.html"
    before, link, after = page.read_text(encoding="utf-8").partition("<link")
    page.write_text(f'{before}<script src="delays.js"></script>\n{link}{after}', encoding="utf-8")
    release(root)
    return root


def start(engine: Engine, address: str) -> tuple[str, str]:
    """The phase a start ends in, and what the page says then."""
    engine.open(address)
    end, phase = time.monotonic() + PATIENCE, "nothing"
    while time.monotonic() < end:
        try:
            phase = engine.evaluate("document.documentElement.dataset.state") or "nothing"
            if phase in {"ready", "error"}:
                return phase, engine.evaluate("document.body.innerText").replace("\n", " ")[:300]
        except ScriptError:
            pass  # it is being reloaded
        time.sleep(0.2)
    return f"still {phase}", engine.evaluate("document.body.innerText").replace("\n", " ")[:300]


def main() -> int:
    """Command line: the engine's name and how many starts."""
    name, count = sys.argv[1] if len(sys.argv) > 1 else "Firefox", int((sys.argv[2:] or ["50"])[0])
    ends: collections.Counter[str] = collections.Counter()
    longest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        root = delayed_root(Path(folder))
        engine = ENGINES[name]()
        try:
            for number in range(1, count + 1):
                began = time.monotonic()
                with hosting(root, handler=Slow) as host:
                    phase, words = start(engine, host.address)  # a new port: nothing is stored for it
                    seconds = time.monotonic() - began
                    longest = max(longest, seconds)
                    ends[phase] += 1
                    print(f"{number}: {phase} after {seconds:.0f} s", flush=True)
                    if phase != "ready":
                        print(f"   {words}\n   last asked for: {', '.join(host.asked[-5:])}", flush=True)
                    engine.open("about:blank")
        finally:
            engine.close()
    print(f"{name}: {dict(ends)}, the slowest after {longest:.0f} s")
    return int(any(phase.startswith("still") for phase in ends))


if __name__ == "__main__":
    sys.exit(main())
