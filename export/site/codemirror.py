"""Bundles CodeMirror, which comes as many npm packages, into one module for the page. Offline, Node."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ENTRY = Path(__file__).with_suffix(".js")
BUNDLE = "codemirror.js"


class NotBundled(Exception):
    """CodeMirror could not be bundled; the message says why."""


def bundle(site: Path, vendor: Path) -> list[str]:
    """Writes BUNDLE and its types into `vendor`; returns the npm packages of `site` that are in it."""
    node = Path(sys.executable).parent / ("node.exe" if sys.platform == "win32" else "node")
    with tempfile.TemporaryDirectory() as folder:
        about = Path(folder) / "about.json"
        command = [str(node) if node.exists() else "node", str(site / "node_modules/esbuild-wasm/bin/esbuild")]
        command += ["--bundle", "--format=esm", "--minify", "--target=es2022", "--legal-comments=none"]
        command += [f"--outfile={vendor / BUNDLE}", f"--metafile={about}", "--log-level=error"]
        # read from its input, so that packages are those of the folder it runs in
        result = subprocess.run(command, input=ENTRY.read_text(), cwd=site, capture_output=True, text=True)
        if result.returncode:
            raise NotBundled(f"CodeMirror could not be bundled: {result.stderr.strip() or result.stdout.strip()}")
        inputs = json.loads(about.read_text())["inputs"]
    (vendor / BUNDLE).with_suffix(".d.ts").write_text(ENTRY.read_text())
    return sorted({_package(path) for path in inputs if "node_modules/" in path})


def _package(path: str) -> str:
    """The name of the package that a file under node_modules belongs to."""
    parts = path.rpartition("node_modules/")[2].split("/")
    return "/".join(parts[: 2 if parts[0].startswith("@") else 1])
