"""All default metrics of a made-up GPT-2-small-sized run, printed as JSON; runs in CPython and in Pyodide."""

import hashlib
import json

import numpy as np

from pyscripts.colour import colourings
from pyscripts.decoding import sampling
from pyscripts.metrics import METRICS, Scored, attention, heads, likelihood, residual
from pyscripts.metrics.word_metrics import words_of

TOKENS, VOCABULARY, LAYERS, HEADS, HIDDEN = 256, 50257, 12, 12, 768

random = np.random.default_rng(0)
logits = (
    random.integers(-400, 400, (TOKENS, VOCABULARY)).astype(np.float32) / 32
)  # [token, vocabulary] many ties
ids = random.integers(0, VOCABULARY, TOKENS)
ids[TOKENS // 2 :] = ids[: TOKENS // 2]
rows = np.tril(random.random((HEADS, TOKENS, TOKENS), dtype=np.float32))  # [head, query, key]
rows /= rows.sum(axis=2, keepdims=True)
states = random.standard_normal((LAYERS + 1, TOKENS, HIDDEN), dtype=np.float32)

begins_word = np.arange(VOCABULARY) % 3 == 0
statistics = likelihood.token_statistics(logits, ids, 50, begins_word=begins_word)
words, boundaries = words_of(ids.tolist(), begins_word, np.zeros(TOKENS, bool), statistics.new_word_logprob, -1.0)
scored = Scored(statistics, np.arange(TOKENS), words, boundaries)
layers = [attention.entropies(rows) for _ in range(LAYERS)]
scores = [heads.scores(heads.pattern_mass(rows, ids)) for _ in range(LAYERS)]
norms = residual.norms(states)
colours = colourings.COLOURINGS["hue"].function(statistics)

chosen = sampling.distribution(logits[0], sampling.Settings(temperature=0.8, top_k=40, top_p=0.9))
order = statistics.top_ids.tobytes() + statistics.rank.tobytes()
print(
    json.dumps(
        {
            "order": hashlib.sha256(order).hexdigest(),
            "metrics": {name: np.ravel(each.function(scored)).tolist() for name, each in METRICS.items()},
            "attention_entropy": layers[0].entropy.mean(axis=0).tolist(),
            "without_sink": layers[0].without_sink[:, 1:].mean(axis=0).tolist(),
            "induction": scores[0].induction.tolist(),
            "chance": float(heads.scores(heads.chance(ids)).induction),
            "norms": norms[:, 0].tolist(),
            "kept": np.flatnonzero(chosen.sampled).tolist(),
            "drawn": [sampling.sample(chosen.sampled, 1, step) for step in range(20)],
        }
    )
)
