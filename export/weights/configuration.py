"""Checks config.json and generation_config.json, so that a wrong value is named before any weights are read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers import CONFIG_MAPPING, PretrainedConfig

from export.architectures.families import Refusal
from export.weights.layout import read_json
from pyscripts.checks import is_whole

SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings")
OPTIONAL = ("num_key_value_heads", "head_dim", "intermediate_size", "n_inner", "ffn_dim", "max_seq_len", "seq_length")
WINDOWS = ("sliding_window", "window_size")  # GPT-Neo's is the second
LAYERS, POSITIONS, SIZE = 10_000, 100_000_000, 1_000_000  # the most there may be: far beyond every published model
LENGTHS = ("max_position_embeddings", "max_seq_len", "seq_length")
MOST = {"num_hidden_layers": LAYERS} | dict.fromkeys(LENGTHS, POSITIONS)
LARGEST = 1e300
POSITIVE = ("rope_theta", "rope_local_base_freq", "rotary_emb_base", "logits_scaling", "query_pre_attn_scalar")
LAYER_TYPES = ("full_attention", "sliding_attention")
CAPS = ("attn_logit_softcapping", "final_logit_softcapping")  # null: none
GENERATION = "generation_config.json"


def check_config(place: str, config: dict[str, Any]) -> None:
    """Refuse a config.json with values of a wrong kind, or of weights that transformers needs another library for.

    Args:
        place: the repository or folder, for messages.
        config: the JSON object.

    Raises:
        Refusal: names the field, or the method of quantization.
    """
    where, model_type = f"config.json of {place}", config.get("model_type")
    if not isinstance(model_type, str):
        what = f"must be text, not {model_type!r}" if "model_type" in config else "is missing"
        raise Refusal(f"{where}: model_type {what}; use a checkpoint saved by transformers")
    names = config.get("architectures")
    if names is not None and not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise Refusal(f"{where}: architectures must be a list of names, not {names!r}; correct it")
    quantization = config.get("quantization_config")
    if quantization is not None:
        method = quantization.get("quant_method", "unknown") if isinstance(quantization, dict) else "unknown"
        raise Refusal(f"{place} is quantized ({method}), which is not supported; choose the original checkpoint")
    if not isinstance(config.get("auto_map", {}), dict):
        raise Refusal(f"{where}: auto_map must be a JSON object, not {config['auto_map']!r}; delete it")
    for name, most in _sizes(model_type):
        value = config.get(name, 1)
        if is_whole(value) and value > most:
            raise Refusal(f"{where}: {name} must be at most {most:,}, not {value:,}; correct it")
        if not (is_whole(value) and value >= 1) and not (value is None and name in (*OPTIONAL, "sliding_window")):
            raise Refusal(f"{where}: {name} must be a whole number, 1 or more, not {value!r}; correct it")
    _check_numbers(where, config)
    _check_positive(where, config)
    _check_layer_types(where, config)
    _check_token_ids(where, config)


def check_generation_config(directory: Path) -> None:
    """Refuse a generation_config.json that is broken or names ends of a text that are no token ids.

    Raises:
        Refusal: names the file and the field.
    """
    if (directory / GENERATION).is_file():
        _check_token_ids(str(directory / GENERATION), read_json(directory, GENERATION))


def _usual(model_type: str) -> PretrainedConfig | None:
    """The config of a kind of model with its usual values: it has the fields that this kind reads."""
    return CONFIG_MAPPING[model_type]() if model_type in CONFIG_MAPPING else None


def _sizes(model_type: str) -> Iterator[tuple[str, int]]:
    """The fields that are sizes, under the names that this kind of model has for them, and the most they may be."""
    usual = _usual(model_type)
    own = getattr(usual, "attribute_map", None) or {}
    for name in (*SIZES, *OPTIONAL):
        most = MOST.get(name, SIZE)
        yield name, most
        if name in own:
            yield own[name], most
    yield from ((name, POSITIONS) for name in WINDOWS if hasattr(usual, name))


def _check_numbers(where: str, config: dict[str, Any]) -> None:
    """Refuse what is no number in a field that is a fraction in this kind of model; what is added to a variance
    (eps) must not be negative either."""
    fields = _usual(config["model_type"])
    for name, usual in fields.to_dict().items() if fields else ():
        value: Any = config.get(name)
        if not isinstance(usual, float) or (value is None and (name not in config or "eps" not in name)):
            continue
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST  # not NaN
        if not is_number or ("eps" in name and value < 0):
            kind = "a number, 0 or more" if "eps" in name else "a number"
            raise Refusal(f"{where}: {name} must be {kind}, not {value!r}; correct it")


def _check_positive(where: str, config: dict[str, Any]) -> None:
    """Refuse a divisor or a base of rotations that is 0 or less: the numbers of the model would be NaN."""
    usual = _usual(config["model_type"])
    for name in (*POSITIVE, *CAPS):
        value = config.get(name)
        if value is None or not hasattr(usual, name):
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < LARGEST:
            kind = "a number above 0 or null" if name in CAPS else "a number above 0"
            raise Refusal(f"{where}: {name} must be {kind}, not {value!r}; correct it")


def _check_layer_types(where: str, config: dict[str, Any]) -> None:
    """Refuse kinds of attention that none of the supported architectures has."""
    types = config.get("layer_types") if hasattr(_usual(config["model_type"]), "layer_types") else None
    if isinstance(types, list) and (others := [kind for kind in types if kind not in LAYER_TYPES]):
        known = " and ".join(LAYER_TYPES)
        raise Refusal(f"{where}: layer_types has {others[0]!r}, which is not supported; supported: {known}")


def _check_token_ids(where: str, config: dict[str, Any]) -> None:
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        value = config.get(name)
        ids = value if isinstance(value, list) and name == "eos_token_id" else [value]
        if value is not None and not all(map(is_whole, ids)):
            kind = "a token id or a list of them" if name == "eos_token_id" else "a token id"
            raise Refusal(f"{where}: {name} must be {kind}, not {value!r}; correct it")
