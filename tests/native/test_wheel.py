"""The wheel: complete, and usable where only numpy, onnxruntime and tokenizers are installed."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NATIVE = ("numpy", "onnxruntime", "tokenizers")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left behind in the repository."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "pyscripts", source / "pyscripts", ignore=shutil.ignore_patterns("__pycache__"))
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(out), str(source))
    return next(out.glob("tokenlight-*.whl"))


def run(*command: str, fails: bool = False) -> str:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd="/", env=clean)
    assert bool(done.returncode) == fails, done.stderr
    return done.stderr if fails else done.stdout


def installed(wheel: Path, folder: Path, *packages: str) -> Path:
    """A new environment's bin folder, with the wheel and links to these packages of this environment."""
    run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    run(sys.executable, "-m", "pip", "--python", str(folder), "install", "-q", "--no-deps", "--no-index", str(wheel))
    site = next(folder.glob("lib/python*/site-packages"))
    for package in packages:
        files = importlib.metadata.files(package) or []
        for top in {file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__")}:
            (site / top).symlink_to(Path(str(importlib.metadata.distribution(package).locate_file(top))))
    return folder / "bin"


def test_the_wheel_has_everything(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "pyscripts").rglob("*")
               if path.is_file() and "__pycache__" not in path.parts}
    assert sources <= names and "pyscripts/py.typed" in names and "pyscripts/run.schema.json" in names
    assert all(name.startswith(("pyscripts/", "tokenlight-")) for name in names)


def test_it_reads_without_torch_and_transformers(wheel: Path, tmp_path: Path, tiny_models: Path) -> None:
    python = installed(wheel, tmp_path / "venv", *NATIVE, "flatbuffers", "protobuf")
    found = json.loads(run(str(python / "tokenlight"), "read", "--model", str(tiny_models / "tiny-gpt2"), "One text."))
    assert found["schema"] == "tokenlight.run/2" and found["tokens"]
    heavy = "import pyscripts, sys; pyscripts.load; print({'torch', 'transformers', 'pyarrow'} & set(sys.modules))"
    assert run(str(python / "python"), "-c", heavy).strip() == "set()"


def test_with_numpy_alone_the_metrics_work_and_the_command_says_what_is_missing(wheel: Path, tmp_path: Path) -> None:
    python = installed(wheel, tmp_path / "venv", "numpy")
    script = [str(python / "python"), "-c"]
    run(*script, "from pyscripts.page import session; from pyscripts.metrics import METRICS; METRICS['rank']")
    for command in ([str(python / "tokenlight"), "columns"], [*script, "import pyscripts; pyscripts.load"]):
        said = run(*command, fails=True)
        assert "pip install 'tokenlight[native]'" in said.splitlines()[-1]
