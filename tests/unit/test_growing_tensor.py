"""The KV cache grows and shrinks in place as numpy's arrays do: its code in Node, over a stand-in for the heap."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest

from export.site.serve import SITE
from tests.unit.page_texts import NODE

pytestmark = pytest.mark.skipif(not NODE, reason="needs Node (make)")

CALL = """
import(process.argv[1]).then(({ Past }) => {
  const { manifest, steps } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const heap = new ArrayBuffer(2 ** 22);
  const free = new Map(); // by size: what was freed is used again, as a real allocator does
  const sizes = new Map();
  let top = 64;
  const module = {
    HEAPU8: new Uint8Array(heap),
    _malloc(bytes) {
      const address = free.get(bytes)?.pop() ?? top;
      if (address === top) top += bytes + (-bytes & 15);
      if (sizes.get(address)) throw new Error('memory is given out twice');
      sizes.set(address, bytes);
      return address;
    },
    _free(address) {
      if (!address) return;
      const bytes = sizes.get(address);
      if (!bytes) throw new Error('memory is freed twice');
      sizes.delete(address);
      module.HEAPU8.fill(255, address, address + bytes);
      free.set(bytes, [...(free.get(bytes) ?? []), address]);
    },
  };
  const past = new Past(module, manifest);
  const added = (rows) => rows.map((row) => {
    const data = Float32Array.from(row.flat(2));
    const address = module._malloc(data.byteLength);
    new Float32Array(heap, address, data.length).set(data);
    return { address, positions: row[0].length };
  });
  const answers = steps.map(({ append, keep, first, reserve }) => {
    if (reserve) past.reserve(reserve);
    if (append) {
      past.reserve(past.length + append[0][0].length);
      const given = added(append);
      past.append(given);
      for (const { address } of given) module._free(address);
    }
    if (keep !== undefined) past.keep(keep);
    const shown = first === undefined ? past : past.first(first);
    const numbers = shown.older.map((_, i) => Array.from(shown.copyOut(i)));
    if (shown !== past) shown.release();
    return numbers;
  });
  past.release();
  console.log(JSON.stringify({ answers, left: sizes.size }));
});
"""
LAYERS, HEADS, SIZE = 1, 3, 4


def test_it_holds_what_was_added_and_kept() -> None:
    """Tokens one by one, chunks of every length, cuts anywhere, copies of a part, memory taken in advance."""
    draw = np.random.default_rng(4)
    whole = np.zeros((2 * LAYERS, HEADS, 0, SIZE), np.float32)
    steps: list[dict] = []
    expected: list[np.ndarray] = []
    counts = [1, 2, 40, 1, 31, 1, 1, 64, 16, 17, 33, *[1] * 70, 5, 64, 64]
    for n, count in enumerate(counts):
        added = draw.normal(size=(2 * LAYERS, HEADS, count, SIZE)).astype(np.float32)
        step: dict = {"append": added.tolist()} | ({"reserve": 300} if n == 20 else {})
        whole = np.concatenate([whole, added], axis=2)
        if n % 9 == 4:
            step["keep"] = length = int(draw.integers(0, whole.shape[2] + 3))
            whole = whole[:, :, :length]
        shown = whole
        if n % 5 == 3:
            step["first"] = length = int(draw.integers(0, whole.shape[2] + 1))
            shown = whole[:, :, :length]
        steps.append(step)
        expected.append(shown)
    manifest = {"layers": LAYERS, "kv_heads": HEADS, "head_size": SIZE}
    given = json.dumps({"manifest": manifest, "steps": steps})
    assert NODE
    command = [NODE, "-e", CALL, (SITE / "inference/kv_cache.js").as_uri()]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(done.stdout)
    assert found["left"] == 0, "all memory is given back"
    for n, (numbers, shown) in enumerate(zip(found["answers"], expected, strict=True)):
        np.testing.assert_array_equal(np.array(numbers, np.float32).reshape(shown.shape), shown, err_msg=f"step {n}")
