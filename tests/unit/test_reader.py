"""A generation by the inference worker: where it ends and which prompts are too long; reader.js in Node, with a model
that draws what the test says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit import page_module
from tests.unit.page_texts import NODE

pytestmark = pytest.mark.skipif(not NODE, reason="needs Node (make)")

# A token is a character; logits do not matter, since the draws are given.
CALL = """
import(process.argv[1]).then(async ({ Reader }) => {
  const { manifest, prompt, draws, options } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const session = { forward: async (ids) => ({ logits: new Float32Array(ids.length * manifest.vocab_size) }) };
  const tokenizer = {
    encode: (text) => ({ ids: [...text].map((each) => each.codePointAt(0)), text, total: text.length }),
    append(tokens, id) {
      tokens.ids.push(id);
      tokens.text += String.fromCodePoint(id);
      return { id };
    },
  };
  const cache = { length: 0, past: null, common: () => 0, keep() {}, makeRoom() {}, extend(ids) { this.length += ids.length; } };
  const drawn = [...draws];
  const analysis = {
    begin: async () => null, finish: async () => {}, sample: async () => drawn.shift().codePointAt(0),
    extend: async () => ({ buffers: [], wait: 0 }),
  };
  const request = { runId: 1, kind: 'generate', input: prompt, options, interventions: {} };
  let shown;
  const reader = new Reader(manifest, session, tokenizer, analysis, cache);
  const error = await reader.run(request, new AbortController().signal, (tokens) => (shown = tokens)).then(() => null, (failed) => failed.message);
  process.stdout.write(JSON.stringify({ text: shown?.text ?? null, error }));
});
"""  # noqa: E501
MANIFEST: dict[str, Any] = {
    "layers": 1, "heads": 1, "hidden_size": 1, "vocab_size": 2, "context_length": 16, "eos": [ord("$")],
    "prefix": None, "sha256": "", "inputs": {}, "outputs": {"logits": "logits"},
}  # fmt: skip


def generated(prompt: str, draws: str, prefix: bool = False, **options: Any) -> dict[str, Any]:
    manifest = {**MANIFEST, "prefix": {"id": ord("$")} if prefix else None}
    given = {"manifest": manifest, "prompt": prompt, "draws": draws, "options": options}
    found: dict[str, Any] = page_module.run(CALL, "inference/reader.js", given)
    return found


@pytest.mark.parametrize(("draws", "stop", "text"), [
    ("ab end c", ["end"], "the end ab end"),  # the prompt has it too
    ("d of it", ["end", "dd"], "the end d of it"),  # its beginning is the prompt's
    ("xyz", ["z", "y"], "the end xy"),
    ("x$y", None, "the end x$"),
])  # fmt: skip
def test_a_stop_string_ends_a_generation_only_where_it_was_generated(
    draws: str, stop: list[str] | None, text: str
) -> None:
    found = generated("the end ", draws, maxTokens=len(draws), stop=stop)
    assert found == {"text": text, "error": None}


def test_a_full_context_ends_a_generation() -> None:
    assert generated("0123456789", "abcdefghi", maxTokens=9)["text"] == "0123456789abcdef"


@pytest.mark.parametrize(("prefix", "most"), [(False, 15), (True, 14)])
def test_a_prompt_that_fills_the_context_is_refused(prefix: bool, most: int) -> None:
    """16 positions, one of them the prefix token's; a new token needs one. Without a new one there is room."""
    message = "The prompt fills the whole context of 16 tokens. Shorten it to leave room for new ones."
    assert generated("x" * most, "yz", prefix) == {"text": "x" * most + "y", "error": None}
    for longer in (1, 2):
        assert generated("x" * (most + longer), "yz", prefix) == {"text": None, "error": message}
    whole = "x" * (most + 1)
    assert generated(whole, "", prefix, maxTokens=0) == {"text": whole, "error": None}
