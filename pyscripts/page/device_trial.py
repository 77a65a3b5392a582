"""Whether a graphics card may run the model: its outputs and times beside the processor's, for the same passes."""

import json
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.metrics.likelihood import logprobs_of
from pyscripts.page.arrays import to_numpy
from pyscripts.parity import TOLERANCE, errors

FAST_ENOUGH = 1.5  # times the processor's speed
LOGPROB_TOLERANCE = 1e-3  # nats, from what the build stored of the same text
TEXT = "logits"  # the output that is of the manifest's reference; the logits of other passes are `logits.…`


class DeviceTrial:
    """One comparison: outputs of the processor are expected, then those of the graphics card compared, one by one."""

    def __init__(self, manifest: str) -> None:
        """manifest: manifest.json of the model."""
        self._manifest: dict[str, Any] = json.loads(manifest)
        self._expected: dict[str, NDArray[np.float32]] = {}
        self._worst = ("", 0.0)  # the output with the largest difference, and that in units of parity.scale_of
        self._off_by: float | None = None  # nats, the largest difference from the stored log-probabilities

    def expect(self, name: str, part: Any, keys: int) -> None:
        """Takes an output of the processor: a Float32Array from a pass whose queries saw `keys` keys."""
        self._expected[name] = self._shaped(name, part, keys)

    def compare(self, name: str, part: Any, keys: int) -> None:
        """Takes the same output of the graphics card. ValueError: none is expected, or one of another size."""
        found, expected = self._shaped(name, part, keys), self._expected.pop(name, None)
        if expected is None or expected.shape != found.shape:
            raise ValueError(f"{name} of the graphics card is not what the processor computed.")
        error = float(errors(name, found, expected).max()) if expected.size else 0.0
        if not error <= self._worst[1]:
            self._worst = (name, np.inf if np.isnan(error) else error)
        reference = self._manifest.get("reference")
        if reference and name == TEXT:
            logprob = logprobs_of(found[0, :-1], reference["ids"][1:]).diagonal()
            self._off_by = float(np.abs(logprob - np.array(reference["logprob"], np.float64)).max())

    def judge(self, times: str) -> str:
        """The verdict as JSON. times (JSON): {processor: [pass], graphics: [pass]} milliseconds of the same pass.

        {same: whether every output is within the bar; output: the one that differs most, difference and bar: relative,
        see parity.scale_of, difference null if it is not a number; logprob: the largest difference from the stored
        log-probabilities in nats, null if none are stored; processor, graphics: milliseconds; ratio: how many times as
        fast the graphics card is; fast: whether that is enough}
        """
        given = json.loads(times)
        processor, graphics = median(given["processor"]), median(given["graphics"])
        output, difference = self._worst
        close = self._off_by is None or self._off_by <= LOGPROB_TOLERANCE
        return json.dumps({
            "same": difference <= TOLERANCE and close and not self._expected,
            "output": output,
            "difference": difference if np.isfinite(difference) else None,
            "bar": TOLERANCE,
            "logprob": self._off_by if self._off_by is None or np.isfinite(self._off_by) else None,
            "processor": processor,
            "graphics": graphics,
            "ratio": processor / graphics,
            "fast": processor / graphics >= FAST_ENOUGH,
        })

    def _shaped(self, name: str, part: Any, keys: int) -> NDArray[np.float32]:
        """The output with the last axis, and for keys and values all four, that parity.scale_of needs; other axes are
        run together."""
        kind = name.split(".")[0]
        kv_heads, head_size = self._manifest["kv_heads"], self._manifest["head_size"]
        widths = {"logits": self._manifest["vocab_size"], "lens_logits": self._manifest["vocab_size"],
                  "attentions": keys, "direct": keys, "target_constants": part.length}
        shape = (1, kv_heads, keys, head_size) if kind == "present" else (
            1, -1, widths.get(kind, self._manifest["hidden_size"]))
        return to_numpy([part], (1, part.length)).reshape(shape)
