"""What transformers ignores when it reads a GGUF file: tokenizer details, rope factors, unread tensors. Offline."""

import functools
import json
from pathlib import Path
from typing import Any

import gguf
import torch
from gguf import GGUFReader, TokenType
from tokenizers import (  # type: ignore[import-untyped]
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
)
from transformers import PreTrainedModel
from transformers.modeling_gguf_pytorch_utils import get_gguf_hf_weights_map

from export.architectures.families import Refusal

CONTROL, USER_DEFINED = int(TokenType.CONTROL), int(TokenType.USER_DEFINED)
ROPE_FACTORS = "rope_freqs.weight"  # [head_size / 2], what each frequency is divided by; Llama 3.1 and later


def opened(path: str | Path) -> GGUFReader:
    """The file's reader; parsing its vocabulary takes seconds, so the last one is kept."""
    path = Path(path)
    stat = path.stat()
    return _opened(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=1)
def _opened(path: Path, modified: int, size: int) -> GGUFReader:
    return GGUFReader(path)


# transformers parses the file twice and builds its table of tensor names anew for every module: 80% of loading SmolLM2.
gguf.GGUFReader = opened
gguf.get_tensor_name_map = functools.cache(gguf.get_tensor_name_map)


def unread_tensors(path: Path, model: PreTrainedModel) -> list[str]:
    """Names of the file's tensors that transformers silently ignores."""
    known = get_gguf_hf_weights_map(model)
    return [t.name for t in opened(path).tensors if t.name not in known and t.name != ROPE_FACTORS]


def apply_rope_factors(path: Path, model: PreTrainedModel) -> None:
    """Divide the model's rotation frequencies by the file's factors.

    Raises:
        Refusal: the file asks for a kind of scaling that is more than factors.
    """
    reader = opened(path)
    architecture = str(reader.fields["general.architecture"].contents())

    def scaling(key: str) -> Any:
        field = reader.fields.get(f"{architecture}.rope.scaling.{key}")
        return None if field is None else field.contents()

    kind = scaling("type") or "none"
    if kind not in ("none", "linear"):
        raise Refusal(f"{path.name} uses {kind} rope scaling, which cannot be read from GGUF; use the safetensors")
    factors = torch.ones(()) * (scaling("factor") or 1.0 if kind == "linear" else 1.0)
    for tensor in reader.tensors:
        if tensor.name == ROPE_FACTORS:
            factors = factors * torch.from_numpy(tensor.data.copy()).float()
    if bool((factors != 1).any()):
        rotary = model.model.rotary_emb
        rotary.inv_freq = rotary.inv_freq / factors  # [head_size / 2]
        rotary.original_inv_freq = rotary.inv_freq


# The meaning of `tokenizer.ggml.pre`, as the original tokenizers define it.
_GPT2: list[Any] = [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def _split(pattern: str) -> list[Any]:
    return [
        pre_tokenizers.Split(Regex(pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ]


PRE_TOKENIZERS: dict[str, list[Any]] = {
    "gpt-2": _GPT2,
    "smollm": [pre_tokenizers.Digits(individual_digits=True), *_GPT2],
    "llama-bpe": _split(_LLAMA3),
    "qwen2": _split(_LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")),
}


def write_tokenizer(path: Path, directory: Path) -> None:
    """Write the byte-level BPE tokenizer a GGUF file describes: tokenizer.json and tokenizer_config.json.

    transformers' own conversion drops the digit splitting of some models; this one follows the file.

    Raises:
        Refusal: the file holds another kind of tokenizer.
    """
    fields = opened(path).fields

    def value(key: str) -> Any:
        field = fields.get(f"tokenizer.ggml.{key}")
        return None if field is None else field.contents()

    model, pre = value("model"), value("pre")
    if model != "gpt2" or pre not in PRE_TOKENIZERS:
        known = ", ".join(PRE_TOKENIZERS)
        raise Refusal(f"{path.name} has a {model}/{pre} tokenizer; byte-level BPE can be read ({known})")
    tokens, types = value("tokens"), value("token_type")
    merges = [tuple(merge.split(" ")) for merge in value("merges")]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    # Llama 3 uses a whole word that is in the vocabulary directly, without applying merges.
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, ignore_merges=pre == "llama-bpe"))
    if pre == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(PRE_TOKENIZERS[pre])
    tokenizer.decoder = decoders.ByteLevel()
    for kind, add in ((CONTROL, tokenizer.add_special_tokens), (USER_DEFINED, tokenizer.add_tokens)):
        of_kind = [token for token, type_ in zip(tokens, types, strict=True) if type_ == kind]
        add([AddedToken(token, special=kind == CONTROL, normalized=False) for token in of_kind])
    tokenizer.save(str(directory / "tokenizer.json"))
    named = {
        f"{role}_token": tokens[number]
        for role, key in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding"))
        if (number := value(f"{key}_token_id")) is not None
    }
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **named}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
