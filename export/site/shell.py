"""Lists the files that make up one release of the page, with hashes; run by `make`, by serve.py and by package.py."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

# Not part of a release: models are stored chunk by chunk, the service worker's own scripts by the browser.
LEFT_OUT = {"models", "node_modules", "package.json", "package-lock.json", "tsconfig.json", "sw.js", "headers.js"}
OPTIONAL = ("vendor/ort/ort.webgpu", "vendor/ort/ort-wasm-simd-threaded.asyncify")  # loaded for WebGPU
SHELL = "vendor/shell.json"


def page_files(site: Path) -> list[str]:
    """Paths of the page's own files below `site`, sorted, without models, types, and what visitors do not load."""
    paths = (path.relative_to(site).as_posix() for path in sorted(_walk(site)))
    return [path for path in paths if path != SHELL and not path.endswith((".d.ts", ".d.mts"))]


def _walk(folder: Path) -> list[Path]:
    found: list[Path] = []
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name in LEFT_OUT:
            continue
        found += _walk(path) if path.is_dir() else [path]
    return found


def describe(site: Path) -> str:
    """vendor/shell.json: {version, files: [{path, bytes, sha256}], optional}. The version is a hash over all of them;
    optional: the same of what is loaded only if a graphics card is tested or used (WebGPU)."""
    files, optional = list[dict[str, object]](), list[dict[str, object]]()
    for path in page_files(site):
        data = (site / path).read_bytes()
        about = {"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        (optional if path.startswith(OPTIONAL) else files).append(about)
    version = hashlib.sha256(json.dumps(files + optional).encode()).hexdigest()[:16]
    return json.dumps({"version": version, "files": files, "optional": optional}, indent=1)


def main() -> None:
    """Writes site/vendor/shell.json."""
    site = Path(__file__).resolve().parents[2] / "site"
    (site / SHELL).write_text(describe(site), encoding="utf-8")


if __name__ == "__main__":
    main()
