"""Ranking candidates for a blank, against torch on whole sequences, in CPython; what fits the context, in Node."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from pyscripts.decoding.fill_in import FillIn, likely
from tests.unit import page_module
from tests.unit.page_texts import NODE

VOCABULARY = 40


def bigram(seed: int) -> torch.Tensor:
    """[token, next token] log-probabilities of a model that looks one token back."""
    torch.manual_seed(seed)
    return torch.log_softmax(torch.randn(VOCABULARY, VOCABULARY, dtype=torch.float64) * 3, -1)


def filled(table: torch.Tensor, left: int, candidates: list[list[int]], right: list[int], batch: int) -> FillIn:
    """A FillIn fed with the model's logits in batches, padded with rubbish."""
    logits = table.numpy().astype(np.float32) + 5  # any constant: logits are not normalised
    fill = FillIn(logits[left], candidates, right)
    rows = fill.sequences()
    for start in range(0, len(rows), batch):
        some = rows[start : start + batch]
        width = max(map(len, some))
        if width:
            padded = np.stack([np.array([*logits[ids], *[logits[0] * 7] * (width - len(ids))]) for ids in some])
            fill.score(start, padded)
    return fill


@pytest.mark.parametrize("batch", [1, 2, 16])
@pytest.mark.parametrize("right", [[], [7], [7, 3, 9]])
def test_equals_whole_sequences(right: list[int], batch: int) -> None:
    table, left = bigram(1), 5
    candidates = [[1], [2, 3, 4], [8, 8], [30]]
    ranking = filled(table, left, candidates, right, batch).ranking()

    def total(ids: list[int]) -> float:
        return float(sum(table[a, b] for a, b in pairwise(ids)))

    both = torch.tensor([total([left, *ids, *right]) for ids in candidates], dtype=torch.float64)
    share = torch.softmax(both, 0)
    assert [r.ids for r in ranking] == [candidates[i] for i in torch.argsort(-both).tolist()]
    for found in ranking:
        i = candidates.index(found.ids)
        own = total([left, *found.ids])
        assert found.logprob == pytest.approx(own, abs=2e-5)
        assert found.probability == pytest.approx(np.exp(own), rel=2e-5)
        assert found.right_logprob == pytest.approx(float(both[i]) - own, abs=2e-5)
        assert found.share == pytest.approx(float(share[i]), rel=1e-4)
    assert sum(found.share for found in ranking) == pytest.approx(1)


def test_likely_leaves_out_what_cannot_be_shown() -> None:
    texts = [" a", "b", "", " ", "\ufffd", "\n", " c", " d"]
    logits = np.array([1.0, 2, 9, 8, 7, 6, 3, 3])
    assert likely(logits, texts, 10, None) == [6, 7, 1, 0]
    assert likely(logits, texts, 10, True) == [6, 7, 0]
    assert likely(logits, texts, 1, False) == [1]


def test_no_candidate_is_said_so() -> None:
    with pytest.raises(ValueError, match="no candidate"):
        FillIn(np.zeros(VOCABULARY), [], [1])
    with pytest.raises(ValueError, match="no candidate"):
        FillIn(np.zeros(VOCABULARY), [[]], [1])


# A token is a character; how the candidates would be ranked does not matter.
RANKED = """
import(process.argv[1]).then(async ({ rankCandidates }) => {
  const encode = (text, most) => ({ ids: [...text].slice(0, most).map((each) => each.codePointAt(0)) });
  const describe = (ids) => ({ text: String.fromCodePoint(...ids) });
  const answers = [];
  for (const { manifest, request } of JSON.parse(require('fs').readFileSync(0, 'utf8'))) {
    const analysis = { beginFillIn: async () => [[]], ranking: async () => 'ranked' };
    const after = async () => ({ logits: new Float32Array(1), past: { bytes: 1, release() {} } });
    const tools = { manifest, analysis, after, tokenizer: { encode, describe }, signal: new AbortController().signal, onProgress() {} };
    answers.push(await rankCandidates(request, tools).catch((error) => error.message));
  }
  process.stdout.write(JSON.stringify(answers));
});
"""  # noqa: E501


@pytest.mark.skipif(not NODE, reason="needs Node (make)")
def test_the_text_around_the_blank_and_the_longest_candidate_fit_the_context() -> None:
    """Of 10 positions: the prefix token, four before the blank, two after it, so three for the candidate; of the text
    after the blank 32 tokens count."""
    def asked(left: str, right: str, words: list[str], context: int = 10, candidates: list[list[int]] | None = None,
              prefix: bool = True) -> dict:
        manifest = {"prefix": {"id": 0} if prefix else None, "context_length": context, "vocab_size": 1, "sha256": ""}
        request = {"left": left, "right": right, "words": words, "candidates": candidates or [], "count": 1}
        return {"manifest": manifest, "request": request}

    fits = [asked("abcd", "ef", ["ghi", "g"]), asked("abcd", "ef", ["g"], candidates=[[1, 2, 3]]),
            asked("abcd", "ef", ["ghij"], prefix=False), asked("abcdef", "ef", []),
            asked("abcd", "e" * 50, ["ghi"], context=40)]
    long = [asked("abcd", "ef", ["g", "ghij"]), asked("abcd", "ef", ["g"], candidates=[[1], [1, 2, 3, 4]]),
            asked("abcde", "ef", ["ghi"]), asked("abcd", "efg", ["hij"]), asked("abcdefg", "ef", [])]
    refused = "The text around the blank is longer than this model's context of 10 tokens. Shorten it."
    found = page_module.run(RANKED, "inference/fill_in.js", [*fits, *long])
    assert found == ["ranked"] * len(fits) + [refused] * len(long)
    short = asked("abcd", "e" * 50, ["ghi"], context=39)
    assert "context of 39 tokens" in page_module.run(RANKED, "inference/fill_in.js", [short])[0]
