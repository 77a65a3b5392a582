"""What the bench compares: the stored graph in native onnxruntime, and the page's inference code by itself."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from playwright.sync_api import Page

from pyscripts.native.session import neutral


class Native:
    """The stored graph in onnxruntime on this machine."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.manifest = json.loads((folder / "manifest.json").read_text())
        with tempfile.TemporaryDirectory() as name:
            for file in self.manifest["files"]:
                data = b"".join((folder / chunk["name"]).read_bytes() for chunk in file["chunks"])
                (Path(name) / file["path"]).write_bytes(data)
            options = ort.SessionOptions()
            options.intra_op_num_threads = threads
            options.add_session_config_entry("session.disable_quant_qdq", "1")
            start = time.perf_counter()
            path, providers = str(Path(name) / "model.onnx"), ["CPUExecutionProvider"]
            self.session = ort.InferenceSession(path, options, providers=providers)
            self.created = time.perf_counter() - start

    def forward(self, tokens: int, past: int) -> float:
        """Seconds of one pass over `tokens` behind `past`, all outputs on."""
        m = self.manifest
        feeds: dict[str, Any] = {
            "input_ids": np.ones((1, tokens), np.int64),
            "attention_mask": np.ones((1, past + tokens), np.int64),
            "position_ids": np.arange(past, past + tokens)[None],
            **neutral(m, tokens),
        }
        cache = np.zeros((1, m["kv_heads"], past, m["head_size"]), np.float32)
        feeds |= {name: cache for pair in m["inputs"]["past"] for name in pair}
        wanted = [i.name for i in self.session.get_inputs()]
        start = time.perf_counter()
        self.session.run(None, {name: feeds[name] for name in wanted})
        return time.perf_counter() - start


class Alone:
    """The page's inference code in a worker of its own, driven from here."""

    def __init__(self, page: Page, address: str, model: str) -> None:
        page.goto(f"{address}manifest.webmanifest")
        assert page.evaluate("crossOriginIsolated"), "the page must run with threads"
        page.evaluate("globalThis.worker = new Worker('bench.worker.js', {type: 'module'}); undefined")
        self.page = page
        self.ask("load", model)

    def ask(self, *call: str | int) -> float:
        """What the worker answers, milliseconds as seconds."""
        answer = self.page.evaluate(
            "call => new Promise((done) => { worker.onmessage = ({data}) => done(data); worker.postMessage(call); })",
            list(call),
        )
        assert "error" not in answer, answer["error"]
        return float(answer.get("value") or 0) / 1000
