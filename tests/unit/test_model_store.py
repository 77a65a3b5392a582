"""A model's stored chunks: one that cannot be read is fetched, and takes its place; model_files.js in Node."""

from __future__ import annotations

import json
import subprocess

import pytest

from export.site.serve import SITE
from tests.unit.page_texts import NODE

pytestmark = pytest.mark.skipif(not NODE, reason="needs Node (make)")

CALL = """
import(process.argv[1]).then(async ({ fetchModelFiles }) => {
  const bytes = new TextEncoder().encode('the weights');
  const stored = new Map(), fetched = [];
  globalThis.caches = { open: async () => ({
    match: async () => ({ arrayBuffer: () => Promise.reject(new DOMException('no', 'NotReadableError')) }),
    put: async (address) => void stored.set(address, true),
    delete: async () => true,
  }) };
  globalThis.fetch = async (url) => (fetched.push(url), new Response(bytes));
  const sha256 = require('node:crypto').createHash('sha256').update(bytes).digest('hex');
  const chunk = { name: 'a.bin', bytes: bytes.length, sha256 };
  const file = { path: 'weights.bin', bytes: bytes.length, sha256, chunks: [chunk] };
  const manifest = { id: 'm', files: [file] };
  const { files, kept } = await fetchModelFiles(manifest, 'http://here/models/', { onProgress() {} });
  const text = new TextDecoder().decode(files.get('weights.bin'));
  process.stdout.write(JSON.stringify({ text, kept, fetched: fetched.length, stored: stored.size }));
});
"""


def test_a_stored_chunk_that_cannot_be_read_is_fetched() -> None:
    command = [str(NODE), "-e", CALL, (SITE / "inference/model_files.js").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"text": "the weights", "kept": True, "fetched": 1, "stored": 1}
