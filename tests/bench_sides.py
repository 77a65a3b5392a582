"""What the bench compares: the stored graph in native onnxruntime, and the page's inference code by itself."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from playwright.sync_api import ConsoleMessage, Page

from pyscripts.native.session import neutral

KINDS = {
    "matrix products": {"MatMul", "FusedMatMul", "Gemm", "MatMulNBits"},
    "softmax of attention": {"Softmax"},
    "norms": {"LayerNormalization", "SkipLayerNormalization", "SimplifiedLayerNormalization"},
    "copies": {"Transpose", "Concat", "Split", "Slice", "Gather", "Reshape", "Expand", "Unsqueeze", "Squeeze", "Cast"},
}  # of operators
REST = "the rest"


class Native:
    """The stored graph in onnxruntime on this machine."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.folder = folder
        self.threads = threads
        self.manifest = json.loads((folder / "manifest.json").read_text())
        with self._stored() as path:
            start = time.perf_counter()
            self.session = self._session(path, ort.SessionOptions())
            self.created = time.perf_counter() - start

    @contextmanager
    def _stored(self) -> Iterator[str]:
        """The graph's path while its files lie in a folder."""
        with tempfile.TemporaryDirectory() as name:
            for file in self.manifest["files"]:
                data = b"".join((self.folder / chunk["name"]).read_bytes() for chunk in file["chunks"])
                (Path(name) / file["path"]).write_bytes(data)
            yield str(Path(name) / "model.onnx")

    def _session(self, path: str, options: ort.SessionOptions) -> ort.InferenceSession:
        options.intra_op_num_threads = self.threads
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def forward(self, tokens: int, past: int) -> float:
        """Seconds of one pass over `tokens` behind `past`, all outputs on."""
        feeds = self._feeds(tokens, past)
        start = time.perf_counter()
        self.session.run(None, feeds)
        return time.perf_counter() - start

    def _feeds(self, tokens: int, past: int) -> dict[str, Any]:
        m = self.manifest
        feeds: dict[str, Any] = {
            "input_ids": np.ones((1, tokens), np.int64),
            "attention_mask": np.ones((1, past + tokens), np.int64),
            "position_ids": np.arange(past, past + tokens)[None],
            **neutral(m, tokens),
        }
        cache = np.zeros((1, m["kv_heads"], past, m["head_size"]), np.float32)
        feeds |= {name: cache for pair in m["inputs"]["past"] for name in pair}
        return {i.name: feeds[i.name] for i in self.session.get_inputs()}

    def nodes(self, tokens: int, passes: int) -> dict[str, float]:
        """Seconds that a pass over `tokens` spends in each of KINDS and in REST, by onnxruntime's own profile."""
        feeds = self._feeds(tokens, 0)
        with self._stored() as path:
            options = ort.SessionOptions()
            options.enable_profiling = True
            options.profile_file_prefix = str(Path(path).with_name("nodes"))
            session = self._session(path, options)
            for _ in range(passes):
                session.run(None, feeds)
            return by_kind(json.loads(Path(session.end_profiling()).read_text()), passes)


def by_kind(events: list[dict[str, Any]], passes: int) -> dict[str, float]:
    """Seconds of a pass in each of KINDS and in REST, by the events of onnxruntime's profile of so many."""
    seconds = dict.fromkeys([*KINDS, REST], 0.0)
    for event in events:
        if event["cat"] == "Node" and event["name"].endswith("_kernel_time"):
            operator = event["args"]["op_name"]
            kind = next((kind for kind, operators in KINDS.items() if operator in operators), REST)
            seconds[kind] += event["dur"] / 1e6 / passes
    return seconds


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

    def nodes(self, model: str, positions: int, passes: int) -> dict[str, float]:
        """Seconds that reading so many positions spends in each of KINDS and in REST, by the profile that onnxruntime
        prints to the console; the first pass is left out."""
        lines = list[str]()
        note: Callable[[ConsoleMessage], None] = lambda message: lines.append(message.text)  # noqa: E731
        self.page.on("console", note)
        self.ask("profile", model, positions, passes)
        self.page.wait_for_timeout(1000)  # the last lines
        self.page.remove_listener("console", note)
        events = [json.loads(line.rstrip(",")) for line in lines if line.startswith("{")]
        runs = [event for event in events if event["name"] == "model_run"]
        start = runs[-passes * (len(runs) // (passes + 1))]["ts"]
        return by_kind([event for event in events if event["ts"] >= start], passes)
