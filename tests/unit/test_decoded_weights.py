"""The page's decoding of stored weights, run in Node, against the exporter's own."""

import json
import subprocess

import numpy as np
import pytest

from export.site.serve import SITE
from export.weights.encoding import Encoded, asymmetric, half, symmetric
from tests.unit.page_texts import NODE

pytestmark = pytest.mark.skipif(not NODE, reason="needs Node (make)")

CALL = """
import(process.argv[1]).then(({ decodeTensor }) => {
  const [tensor, weights, size] = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const values = new Float32Array(size);
  decodeTensor(tensor, Uint8Array.from(weights), values);
  console.log(JSON.stringify(Array.from(values)));
});
"""
ROWS, COLUMNS = 48, 64
MATRIX = np.random.default_rng(5).normal(size=(ROWS, COLUMNS)).astype(np.float32)
ENCODED = {
    "half": half(MATRIX),
    **{f"symmetric int8, axis {axis}": symmetric(MATRIX, axis, 16) for axis in (0, 1)},
    **{f"symmetric int16, axis {axis}": symmetric(MATRIX, axis, 32, np.int16) for axis in (0, 1)},
    **{f"asymmetric, axis {axis}": asymmetric(MATRIX, axis, 16) for axis in (0, 1)},
}


@pytest.mark.parametrize("encoded", ENCODED.values(), ids=ENCODED)
def test_every_kind_is_decoded_to_the_bit(encoded: Encoded) -> None:
    parts, data = {}, b""
    for name, array in encoded.parts.items():
        data += bytes(-len(data) % 4)
        stored = np.ascontiguousarray(array)
        parts[name] = {"type": stored.dtype.name, "at": len(data), "bytes": stored.nbytes}
        data += stored.tobytes()
    tensor = {"shape": [ROWS, COLUMNS], "axis": encoded.axis, "block": encoded.block, "parts": parts}
    given = json.dumps([tensor, list(data), MATRIX.size])
    command = [str(NODE), "-e", CALL, (SITE / "inference/decoded_weights.js").as_uri()]
    done = subprocess.run(command, input=given, capture_output=True, check=True, text=True)
    found = np.array(json.loads(done.stdout), np.float32).reshape(ROWS, COLUMNS)
    np.testing.assert_array_equal(found, encoded.decoded().astype(np.float32))
