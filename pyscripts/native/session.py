"""A model's graph in onnxruntime: one pass over rows of token ids, computing only the outputs that are asked for."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from pyscripts.interventions import inputs, is_wide
from pyscripts.native.files import ModelError, read_file

MAX_TOKENS = 512  # in one pass
MAX_BYTES = 128_000_000  # of the outputs of one pass, so that memory does not grow with the text

Past = list[NDArray[np.float32]]  # the cache as the graph returned it: keys and values of each layer


def most_threads() -> int:
    """The most threads, or processes, that this machine is asked for: many thousands would stop it."""
    return max(64, os.cpu_count() or 1)


class Session:
    """The graph and the names its manifest gives to inputs and outputs."""

    def __init__(self, folder: Path, manifest: Mapping[str, Any], threads: int) -> None:
        """threads: threads of onnxruntime; 0: one per core. ModelError: the files cannot be used."""
        self.manifest = manifest
        weights = read_file(folder, manifest, "weights.bin")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors
        options.add_session_config_entry("session.disable_quant_qdq", "1")  # fp32 weights, as in the page
        options.add_external_initializers_from_files_in_memory(["weights.bin"], [weights], [len(weights)])
        graph = read_file(folder, manifest, "model.onnx")
        try:
            self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own exceptions have no common base
            raise ModelError(f"{folder} cannot be started by onnxruntime ({error}). Build the model again.") from error
        self._only = ort.RunOptions()
        self._only.only_execute_path_to_fetches = True

    def forward(
        self, rows: NDArray[np.int64], outputs: Sequence[str], *, past: Past | None = None,
        lengths: Sequence[int] | None = None, at: Sequence[int] | None = None,
        changes: Mapping[str, NDArray] | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """One pass over rows [row, token] after `past`; returns `outputs` by the graph's own names.

        lengths: tokens of each row that are not padding (padding is on the right). at: the position of each token, if
        they do not follow the past one after the other. changes: inputs of the graph, by their names in the manifest,
        in place of those that change nothing.
        """
        names, m = self.manifest["inputs"], self.manifest
        batch, tokens = rows.shape
        empty = np.zeros((batch, m["kv_heads"], 0, m["head_size"]), np.float32)
        before = past[0].shape[2] if past else 0
        mask = np.ones((batch, before + tokens), np.int64)
        for row, length in enumerate(lengths or ()):
            mask[row, before + length :] = 0
        feeds: dict[str, NDArray] = {names["input_ids"]: rows, names["attention_mask"]: mask}
        cache = [name for pair in names["past"] for name in pair]
        feeds |= dict(zip(cache, past or [empty] * len(cache), strict=True))
        if names.get("position_ids"):
            positions = np.arange(before, before + tokens) if at is None else np.array(at, np.int64)
            feeds[names["position_ids"]] = np.tile(positions, (batch, 1))
        for name, value in (neutral(m, tokens) | dict(changes or {})).items():
            if names.get(name):
                feeds[names[name]] = value
        return dict(zip(outputs, self._session.run(list(outputs), feeds, self._only), strict=True))

    def present(self) -> list[str]:
        """The outputs that are the next pass's `past`, in its order."""
        return [name for pair in self.manifest["outputs"]["present"] for name in pair]

    def chunk_length(self, past: int, outputs: Sequence[str]) -> int:
        """How many tokens one pass may read after `past` positions, at least 1: its outputs stay within MAX_BYTES."""
        m, names = self.manifest, self.manifest["outputs"]
        sizes = {names["logits"]: (m["vocab_size"], 0)}  # bytes of a token: fixed, and for each position it can see
        sizes |= {name: (0, m["heads"]) for name in names["attentions"]}
        for kind in ("hidden_states", "attention_output", "mlp_output"):
            sizes |= {name: (m["hidden_size"], 0) for name in names.get(kind) or ()}
        fixed, by_position = (4 * sum(sizes.get(name, (0, 0))[i] for name in outputs) for i in (0, 1))
        length = MAX_TOKENS
        while length > 1 and length * (fixed + by_position * (past + length)) > MAX_BYTES:
            length -= 1
        return length

    def chunks(
        self, ids: Sequence[int], outputs: Sequence[str], *, past: Past | None = None, keep_past: bool = False,
        interventions: Mapping[str, Any] | None = None, last: bool = False,
    ) -> Iterator[tuple[dict[str, NDArray[np.float32]], Past | None]]:
        """Reads ids after `past` in passes that fit in memory; yields each one's outputs [1, token, …] and the cache
        after it (after the last one only with keep_past). interventions: from `interventions.checked`.
        last: whether only the last row of each pass's logits is wanted."""
        start, before = 0, past[0].shape[2] if past else 0
        while start < len(ids):
            stop = min(start + self.chunk_length(before + start, outputs), len(ids))
            present = self.present() if stop < len(ids) or keep_past else []
            positions = np.arange(before + start, before + stop)
            changes: dict[str, NDArray] = {**inputs(interventions or {}, self.manifest, positions, before + stop)}
            if last:
                changes |= {"logit_rows": np.array([stop - start - 1])}
            rows = np.array([ids[start:stop]], np.int64)
            values = self.forward(rows, [*outputs, *present], past=past, changes=changes)
            past = [values.pop(name) for name in present]
            yield values, past or None
            start = stop


def neutral(manifest: Mapping[str, Any], tokens: int) -> dict[str, NDArray]:
    """The inputs that change nothing, for a pass over some tokens, by their names in the manifest."""
    hidden = manifest["hidden_size"]
    wide = is_wide(manifest)
    return {
        "head_mask": np.ones((1, 1, 1, 1) if wide else (manifest["layers"], manifest["heads"]), np.float32),
        "attention_bias": np.zeros((1, 1, 1, 1), np.float32),
        "residual_add": np.zeros((1, 1, 1), np.float32),
        "head_output_add": np.zeros((1, 1, 1), np.float32),
        "logit_rows": np.arange(tokens, dtype=np.int64),
        "lens": np.zeros((0, hidden), np.float32),
        "target_ids": np.zeros(0, np.int64),
        "direction": np.zeros((0, hidden), np.float32),
    }
