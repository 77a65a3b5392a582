"""Whether several copies of a text's last token can be read in one pass, each as if it were alone. Offline.

Each copy gets the same position, and a bias hides the other copies from it. Then one pass answers many questions about
one position: what if this link were cut, or this head switched off? It fails if positions follow from a token's place
in the cache instead of `position_ids`, as with ALiBi; and beyond a sliding window, which is not tried here. A window as
narrow as the copies would hide the text.
"""

import numpy as np
import onnxruntime as ort
from transformers import PreTrainedModel

from export.check import windows
from export.check.verify import feeds, run
from export.graph.capture import dimensions

COPIES = 3
AGREE = 1e-4  # of the logits, in units of their spread; rounding stays below a hundredth of it


def possible(model: PreTrainedModel, graph: ort.InferenceSession, tokens: int = 10) -> bool:
    """Compare the logits of COPIES of the last token of a random text with those of the token alone."""
    generator = np.random.default_rng(2)
    shape = dimensions(model.config)
    narrowest = min((width for width in windows.of_config(model.config) if width), default=tokens + COPIES)
    past = min(tokens - 1, shape["context_length"] - COPIES - 1, narrowest - COPIES)  # a window would see fewer keys
    if past < 1:
        return False
    ids = generator.integers(0, shape["vocab_size"], (1, past + 1))
    before = run(graph, feeds(model, ids[:, :past]))
    alone = run(graph, feeds(model, ids[:, past:], before))["logits"][0]  # [1, vocab]
    inputs = feeds(model, np.repeat(ids[:, past:], COPIES, axis=1), before)
    inputs["position_ids"] = np.full((1, COPIES), past)
    inputs["attention_bias"] = hidden_copies(past, COPIES)[None, None]
    copies = run(graph, inputs)["logits"][0]  # [copy, vocab]
    return bool(np.abs(copies - alone).max() <= AGREE * alone.std())


def hidden_copies(past: int, copies: int) -> np.ndarray:
    """[copy, key] the bias that hides every other copy: -10000, 0 elsewhere."""
    bias = np.zeros((copies, past + copies), np.float32)
    bias[:, past:] = -1e4 * (1 - np.eye(copies, dtype=np.float32))
    return bias
