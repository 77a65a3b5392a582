"""Layers with a sliding window, read by transformers: what each query sees, entropies and head masses over it.

The reference does not know the windows: a position is visible where transformers' softmax gave it anything.
"""

from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
from numpy.typing import NDArray

from export.check import windows
from export.graph.capture import dimensions
from pyscripts.model_outputs import ModelShape, Outputs
from pyscripts.trace import Trace
from tests.export.models import random_model

WINDOWS = {"gpt_neo": [None, 8], "mistral": [8, 8], "gemma2": [8, None], "llama": [None, None]}
IDS = [0, *np.random.default_rng(1).integers(3, 20, 39).tolist()]  # the prefix token, then many repeats


def read(architecture: str) -> tuple[Trace, NDArray[np.float32]]:
    """A trace in two chunks, and transformers' attentions [layer, head, query, key]."""
    model: Any = random_model(architecture)
    with torch.no_grad():
        out = model(torch.tensor([IDS]), output_attentions=True, output_hidden_states=True)
    attentions = torch.stack([layer[..., : len(IDS)] for layer in out.attentions])[:, 0].numpy()
    states = torch.stack(out.hidden_states)[:, 0].numpy()
    sizes = dimensions(model.config)
    facts = {**sizes, "windows": windows.of_config(model.config)}
    trace = Trace(IDS, ModelShape.of(facts), prefix=True)
    for start, stop in ((0, 23), (23, len(IDS))):
        trace.extend(Outputs(out.logits[0, start:stop].numpy(), attentions[:, :, start:stop, :stop],
                             states[:, start:stop]))
    return trace, attentions


@pytest.mark.parametrize("architecture", WINDOWS)
def test_denominators_count_what_transformers_shows(architecture: str) -> None:
    trace, attentions = read(architecture)
    assert list(trace.shape.windows) == WINDOWS[architecture]
    seen = np.any(attentions > 0, axis=1)  # [layer, query, key]
    np.testing.assert_array_equal(trace.visible(), seen.sum(axis=2)[:, 1:])
    entropy = scipy.stats.entropy(attentions.astype(np.float64), axis=3)  # [layer, head, query]
    greatest = np.log(seen.sum(axis=2))[:, None]
    np.testing.assert_allclose(
        trace.attention_entropy(normalised=True), (entropy / np.where(greatest > 0, greatest, np.nan))[:, :, 1:],
        atol=1e-6)
    rest = scipy.stats.entropy(attentions[..., 1:].astype(np.float64) + 0.0, axis=3)[:, :, 1:]  # renormalises
    np.testing.assert_allclose(trace.attention_entropy(sink=False), rest, atol=1e-6)
    others = np.log(np.maximum(seen[..., 1:].sum(axis=2), 1))[:, None, 1:]
    np.testing.assert_allclose(
        trace.attention_entropy(normalised=True, sink=False)[:, :, 1:], (rest / np.maximum(others, 1e-9))[:, :, 1:],
        atol=1e-6)
    sees_sink = seen[:, None, 1:, 0]
    np.testing.assert_allclose(
        trace.sink_mass(), np.where(sees_sink, attentions[:, :, 1:, 0], np.nan), atol=1e-7)


@pytest.mark.parametrize("architecture", WINDOWS)
def test_head_masses_count_only_queries_that_see_the_pattern(architecture: str) -> None:
    trace, attentions = read(architecture)
    found, by_chance = trace.heads_on_text(), trace.heads_by_chance()
    seen = np.any(attentions > 0, axis=1)  # [layer, query, key]
    for name, back in (("duplicate_token", 0), ("induction", 1)):
        masses: list[list[np.ndarray]] = [[], []]
        levels: list[list[float]] = [[], []]
        for layer in range(2):
            for query in range(len(IDS)):
                keys = [k + back for k in range(query) if IDS[k] == IDS[query] and seen[layer, query, k + back]]
                if keys:
                    masses[layer].append(attentions[layer, :, query, keys].sum(axis=0))
                    levels[layer].append(len(keys) / seen[layer, query].sum())
        np.testing.assert_allclose(getattr(found, name), [np.mean(mass, axis=0) for mass in masses], rtol=1e-5)
        np.testing.assert_allclose(getattr(by_chance, name), [np.mean(level) for level in levels])


@pytest.mark.parametrize(
    ("architecture", "settings", "expected"),
    [
        ("qwen2", {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1}, [None, 8]),
        ("qwen2", {"use_sliding_window": False, "sliding_window": 8, "max_window_layers": 1}, [None, None]),
        ("gemma3_text", {"layer_types": ["full_attention", "sliding_attention"]}, [None, 8]),
        ("mistral", {"sliding_window": None}, [None, None]),
        ("mistral", {"sliding_window": 64}, [None, None]),  # as wide as the context: it hides nothing
        ("gpt_neo", {"attention_types": [[["local", "global"], 1]]}, [8, None]),
    ],
)
def test_windows_of_configurations(architecture: str, settings: dict[str, Any], expected: list[int | None]) -> None:
    """The configuration's window is the one transformers' own attention shows at the last of 40 tokens."""
    model = random_model(architecture, **settings)
    assert windows.of_config(model.config) == expected
    with torch.no_grad():
        attentions = model(torch.tensor([IDS]), output_attentions=True).attentions
    seen = [int((layer[0, :, -1] > 0).any(dim=0).sum()) for layer in attentions]
    assert seen == [width or len(IDS) for width in expected]
