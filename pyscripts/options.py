"""What read and generate take, checked, natively and in the page's lab; by the names that a Run has for them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pyscripts.checks import flag, is_list, is_whole, said, whole
from pyscripts.decoding.generation import settings_from
from pyscripts.trace import TOP_K

KEPT = {  # what can be kept, and what the manifest calls it
    "attentions": "attentions",
    "resid": "hidden_states",
    "attn_out": "attention_output",
    "mlp_out": "mlp_output",
}
KEPT_BY_DEFAULT = ("attentions", "resid")  # what the numbers of the page's Run are computed from
GENERATE = {  # the options of generate, and what the scripting interface calls them
    "max_tokens": "maxTokens", "temperature": "temperature", "top_k": "topK", "top_p": "topP", "min_p": "minP",
    "repetition_penalty": "repetitionPenalty", "frequency_penalty": "frequencyPenalty", "seed": "seed",
    "greedy": "greedy", "stop": "stop", "stop_at_end": "stopAtEnd", "prefix": "prefix", "literal": "literal",
}
MOST_SEED = 2**53 - 1  # JavaScript has no larger whole numbers, so that a saved run would name another seed
UNCHANGED = {"greedy": False, "stop": [], "stopAtEnd": True, "prefix": True, "literal": False}  # a Run leaves them out


def read_options(
    context: int, *, top_k: int = 10, prefix: bool = True, literal: bool = False, stride: int | None = None
) -> dict[str, Any]:
    """The options of `read`; context: the model's. ValueError: one is out of range."""
    options = {"topK": whole("top_k", top_k, 0, TOP_K), "prefix": flag("prefix", prefix),
               "literal": flag("literal", literal)}
    if stride is not None:
        options["stride"] = whole("stride", stride, 1, context - 1)
    return _changed(options)


def generate_options(**given: Any) -> dict[str, Any]:
    """The options of `generate`; None: not given. ValueError: one is out of range. TypeError: there is no such one."""
    for name in given:
        if name not in GENERATE:
            raise TypeError(f"generate has no option {said(name)}. It has {', '.join(GENERATE)}.")
    options: dict[str, Any] = {"max_tokens": 50, "seed": 0}
    options |= {name: value for name, value in given.items() if value is not None}
    for name, value in options.items():
        if name in ("max_tokens", "seed"):
            options[name] = whole(name, value, 0, MOST_SEED if name == "seed" else None)
        elif name in ("greedy", "stop_at_end", "prefix", "literal"):
            options[name] = flag(name, value)
        elif name == "stop":
            options[name] = stops(value)
        elif isinstance(value, np.generic):
            options[name] = value.item()
    result = _changed({GENERATE[name]: value for name, value in options.items()})
    settings_from(result)
    return result


def _changed(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in UNCHANGED or value != UNCHANGED[name]}


def stops(stop: Any) -> list[str]:
    """The texts at which generation stops, of one or a list. ValueError: one is empty or no text."""
    texts = [stop] if isinstance(stop, str) else stop
    if not isinstance(texts, list | tuple) or not all(isinstance(each, str) and each for each in texts):
        raise ValueError(f"stop must be a text or a list of texts, none of them empty, not {said(stop)}.")
    return list(texts)


def text_or_ids(text: Any, vocab_size: int) -> str | list[int]:
    """What is read: a text or token ids. ValueError: it is neither, or the model has no such id."""
    if isinstance(text, str):
        return text
    if isinstance(text, bytes | bytearray | memoryview):
        raise ValueError("The text is bytes. Decode them first, as in text.decode().")
    if not is_list(text) and not isinstance(text, Sequence):
        raise ValueError(f"The text must be a string or a list of token ids, not {said(text)}.")
    for id in text:
        if not is_whole(id) or not 0 <= id < vocab_size:
            raise ValueError(f"{said(id)} is not a token id; this model's are 0 to {vocab_size - 1}.")
    return [int(id) for id in text]


def kept(keep: Iterable[str] | None, manifest: Mapping[str, Any], stride: int | None = None) -> tuple[str, ...]:
    """The names of what is kept. ValueError: there is no such thing, the model does not output it, or it was asked for
    together with a stride."""
    if not (keep is None or isinstance(keep, str | set | frozenset) or is_list(keep)):
        raise ValueError(f"keep is a list of {', '.join(KEPT)}, not {said(keep)}.")
    names = KEPT_BY_DEFAULT if keep is None else (keep,) if isinstance(keep, str) else tuple(keep)
    for name in names:
        if not isinstance(name, str) or name not in KEPT:
            raise ValueError(f"There is nothing called {said(name)} to keep. Choose from {', '.join(KEPT)}.")
        if not manifest["outputs"].get(KEPT[name]):
            raise ValueError(f"{manifest['name']} does not output {name}.")
    if names and keep is not None and stride is not None:
        raise ValueError("keep and stride exclude each other: of a text that is read in windows only the likelihoods "
                         "are kept. Leave one of them out.")
    return names
