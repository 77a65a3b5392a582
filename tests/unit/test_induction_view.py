"""A planted induction head is ranked first, and word classes average what their tokens do; runs in CPython."""

from typing import Any

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from pyscripts.metrics import words
from pyscripts.model_outputs import ModelShape, Outputs
from pyscripts.page.views import VIEWS, Context
from pyscripts.run import Reading
from pyscripts.trace import Trace
from tests.unit.cut_text import tokens_of

VOCABULARY, POSITIONS = 20, 32
WIDTH = VOCABULARY + POSITIONS + VOCABULARY  # one-hot token, one-hot position, one-hot token before
HEAD = WIDTH // 2
LENGTH = 9  # of the passage, which is read twice


def planted() -> GPT2LMHeadModel:
    """Two layers, two heads, no MLP. Head 0.0 copies the token before each position into the third block; head 1.1
    matches it with the query's own token: an induction head. The other two attend uniformly."""
    config = GPT2Config(vocab_size=VOCABULARY, n_positions=POSITIONS, n_embd=WIDTH, n_layer=2, n_head=2,
                        attn_implementation="eager")
    model = GPT2LMHeadModel(config).eval()
    token, position, before = (slice(0, VOCABULARY), slice(VOCABULARY, VOCABULARY + POSITIONS),
                               slice(VOCABULARY + POSITIONS, WIDTH))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(1.0 if "ln" in name and name.endswith("weight") else 0.0)
        model.transformer.wte.weight[:, token] = torch.eye(VOCABULARY)
        model.transformer.wpe.weight[:, position] = torch.eye(POSITIONS)

        def weights(layer: int, what: int, head: int) -> Any:
            """[WIDTH, HEAD] of one head: what = 0 queries, 1 keys, 2 values."""
            start = what * WIDTH + head * HEAD
            return model.transformer.h[layer].attn.c_attn.weight[:, start : start + HEAD]

        weights(0, 0, 0)[position, : POSITIONS - 1] = 5 * torch.eye(POSITIONS)[:, 1:]  # asks for the position before
        weights(0, 1, 0)[position, :POSITIONS] = torch.eye(POSITIONS)
        weights(0, 2, 0)[token, :VOCABULARY] = torch.eye(VOCABULARY)
        model.transformer.h[0].attn.c_proj.weight[:VOCABULARY, before] = torch.eye(VOCABULARY)
        weights(1, 0, 1)[token, :VOCABULARY] = 5 * torch.eye(VOCABULARY)
        weights(1, 1, 1)[before, :VOCABULARY] = torch.eye(VOCABULARY)
    return model


def context(generator: np.random.Generator) -> Context:
    """After the prefix token a passage of different tokens, drawn anew each time, twice."""
    passage = generator.permutation(np.arange(1, VOCABULARY))[:LENGTH].tolist()
    ids = [0, *passage, *passage]
    with torch.no_grad():
        out = planted()(torch.tensor([ids]), output_attentions=True, output_hidden_states=True)
    attentions = torch.stack(out.attentions)[:, 0].numpy()
    trace = Trace(ids, ModelShape(2, 2, WIDTH, VOCABULARY), prefix=True)
    trace.extend(Outputs(out.logits[0].numpy(), attentions, torch.stack(out.hidden_states)[:, 0].numpy()))
    pieces = [f" w{id}".encode() for id in ids[1:]]
    model = {"head_scores": {"induction": [[0.0, 0.1], [0.2, 0.9]], "measured": {"tokens": 50, "seeds": 4}}}
    return Context(Reading(trace, tokens_of(*pieces, ids=ids[1:]), {}), model, [f" w{id}" for id in range(VOCABULARY)])


def test_the_planted_head_is_ranked_first(generator: np.random.Generator) -> None:
    made, length = context(generator), LENGTH
    for token in range(length, 2 * length - 1):
        found = VIEWS["induction"](made, token=token)
        first, second = found["heads"][:2]
        assert (first["layer"], first["head"]) == (1, 1)
        assert first["here"] > 0.9 > 3 * second["here"]
        assert first["model"] == 0.9
        assert [each["token"] for each in found["after"]] == [token - length + 1]
        assert found["chance"] == 1 / (token + 2)
    assert [(copy["token"], copy["text"]) for copy in found["passages"]] == [
        (length, "".join(made.reading.tokens.texts[:length]))]
    logprob = made.reading.trace.statistics().logprob
    np.testing.assert_allclose(found["curve"]["later"], -logprob[length:], rtol=1e-6)
    assert VIEWS["findings"](made)["curve"] == found["curve"]
    grid = VIEWS["head_grid"](made, shade="text_induction", ordered=True)
    assert grid["order"][0] == 3 and grid["values"][3] > 0.9
    grid = VIEWS["head_grid"](made, shade="text_previous_token", ordered=True)
    assert grid["order"][0] == 0 and grid["values"][0] > 0.9
    repeats = VIEWS["head_grid"](made, shade="text_duplicate_token")
    uniform = np.mean([1 / (query + 1) for query in range(length + 1, 2 * length + 1)])  # one earlier copy each
    np.testing.assert_allclose(repeats["values"][1:3], uniform, rtol=1e-5)
    rows = VIEWS["table"](made, "induction", {"token": 2 * length - 2})["rows"]
    assert rows[0][:2] == ["head", "1.1"]


def test_a_token_that_is_new_has_no_heads(generator: np.random.Generator) -> None:
    found = VIEWS["induction"](context(generator), token=2)
    assert found["heads"] == [] and found["after"] == [] and len(found["passages"]) == 1


def test_the_models_scores_and_what_was_not_measured(generator: np.random.Generator) -> None:
    made = context(generator)
    found = VIEWS["model_heads"](made, name="induction")
    assert found["values"].tolist() == [0.0, 0.1, 0.2, 0.9] and found["measured"]["tokens"] == 50
    assert found["levels"].tolist() == [0, 26, 51, 230]
    assert np.isnan(VIEWS["model_heads"](made, name="previous_token")["values"]).all()
    assert VIEWS["table"](made, "model_heads", {"name": "induction"})["rows"][3] == [1, 1, 0.9]


def test_word_classes_are_means_over_their_tokens(generator: np.random.Generator) -> None:
    pieces = [b"The", b" cat", b" sat", b".", b" The", b" 42", b" dog", b" of", b" Bern", b"!"]
    rows = np.tril(generator.random((2, 3, 11, 11), dtype=np.float32))
    rows /= rows.sum(axis=3, keepdims=True)
    trace = Trace(list(range(11)), ModelShape(2, 3, 4, 20), prefix=True)
    zeros = np.zeros((3, 11, 4), np.float32)
    trace.extend(Outputs(np.zeros((11, 20), np.float32), rows, zeros))
    made = Context(Reading(trace, tokens_of(*pieces, ids=range(1, 11)), {}), {}, [])
    tokens = made.reading.tokens
    classes = words.classify(tokens.data, tokens.spans, False)
    back = np.arange(11)[:, None] - np.arange(11)
    entropy = -(rows * np.log(np.maximum(rows, 1e-30))).sum(axis=3)[:, :, 1:] / np.log(np.arange(2, 12))
    expected = {"sink": rows[:, :, 1:, 0], "distance": (rows * back).sum(axis=3)[:, :, 1:], "entropy": entropy}
    for quantity, by_token in expected.items():
        for layer in (None, 1):
            found = VIEWS["attention_classes"](made, quantity=quantity, layer=layer)
            columns = by_token.mean(axis=1) if layer is None else by_token[1]
            table = VIEWS["table"](made, "attention_classes", {"quantity": quantity, "layer": layer})["rows"]
            assert sum(row["count"] for row in found["rows"]) == 10
            for row, line in zip(found["rows"], table, strict=True):
                mine = [i for i, name in enumerate(classes) if words.CLASSES[name] == row["title"]]
                assert len(mine) == row["count"] == line[1]
                np.testing.assert_allclose(line[2:], columns[:, mine].mean(axis=1), rtol=1e-4)
