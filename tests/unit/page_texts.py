"""Runs the page's tokenizer and its texts of tokens under Node, for the tests."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

NODE = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")


def call(*calls: list[Any], directory: Path | None = None, vocab_size: int = 0) -> list[Any]:
    """The results of calls [name, argument, …] of call_page_texts.mjs; `directory` holds the tokenizer's files."""
    request = {"directory": directory and str(directory), "vocab_size": vocab_size, "calls": calls}
    command = [str(NODE), str(Path(__file__).with_name("call_page_texts.mjs"))]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]
    results: list[Any] = json.loads(done.stdout)
    return results
