"""Small tokenizers of every kind that causal language models have, trained on the spot."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from sentencepiece import SentencePieceTrainer, sentencepiece_model_pb2
from tokenizers import (  # type: ignore[import-untyped]
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

from export.tokenizer.sweep import TYPED
from tests.export.tiny import TEXTS

END = "<|endoftext|>"
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CORPUS = [*TYPED[1:], *(path.read_text(encoding="utf-8") for path in sorted(TEXTS.glob("*.txt")))]
GPT2 = pre_tokenizers.ByteLevel(add_prefix_space=False)
ALPHABET = pre_tokenizers.ByteLevel.alphabet()
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def byte_level(steps: list, normalizer: object = None, **model: object) -> Tokenizer:
    """Byte-level BPE behind these pre-tokenizers."""
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer = GPT2  # so that some tokens lie across the places where others would split
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    trainer = trainers.BpeTrainer(
        vocab_size=900, special_tokens=[END, "<|im_start|>"], initial_alphabet=ALPHABET, show_progress=False
    )
    tokenizer.train_from_iterator([*CORPUS, *["½½ ½ ² ① Ⅷ ١٢٣ x² '', 1,000 12345"] * 20], trainer)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps) if len(steps) > 1 else steps[0]
    return tokenizer


def split(pattern: str, behavior: str = "isolated") -> list:
    """A split by a pattern and then bytes, as Llama 3 and those after it."""
    encode = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return [pre_tokenizers.Split(Regex(pattern), behavior), encode]


def sentencepiece_bpe(prefix: str | None) -> Tokenizer:
    """BPE with byte fallback. prefix: "prepend" as Llama 2, "first" as later Llamas and Mistral, None as Gemma."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("▁?[^▁]*"), "isolated")  # only for training
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        special_tokens=["<unk>", "<s>", "</s>", *BYTES],
        show_progress=False,
        limit_alphabet=100,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    described = json.loads(tokenizer.to_str())
    described["added_tokens"] = described["added_tokens"][:3]
    tokenizer = Tokenizer.from_str(json.dumps(described))
    replace, strip = normalizers.Replace(" ", "▁"), [] if prefix is None else [decoders.Strip(" ", 1, 0)]
    if prefix == "prepend":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), replace])
        tokenizer.pre_tokenizer = None
    elif prefix == "first":
        tokenizer.normalizer = None
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    else:
        tokenizer.normalizer = replace
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    back = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    tokenizer.decoder = decoders.Sequence(back)
    return tokenizer


def unigram() -> Tokenizer:
    """Unigram pieces behind Metaspace, as XGLM and T5; letters it does not know become <unk>.

    Pieces that repeat one character are left out: a run of it has several equally likely cuts, rounding picks one, and
    trained scores differ in their last digits from one process to the next.
    """
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    special = ["<s>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=600, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    described = json.loads(tokenizer.to_str())
    pieces = described["model"]["vocab"]
    described["model"]["vocab"] = [piece for piece in pieces if len(piece[0]) == 1 or len(set(piece[0])) > 1]
    return Tokenizer.from_str(json.dumps(described))


def precompiled(spaces: bool) -> Tokenizer:
    """XGLM's and T5's: SentencePiece's own table of normalised characters in front, which makes a line end a space;
    with `spaces`, as they have it, several become one."""
    made, protocol = io.BytesIO(), cast(Any, sentencepiece_model_pb2)
    SentencePieceTrainer.train(
        sentence_iterator=iter(TYPED), model_writer=made, vocab_size=300, hard_vocab_limit=False, minloglevel=2
    )
    found = protocol.ModelProto.FromString(made.getvalue())
    tokenizer = unigram()
    table = normalizers.Precompiled(found.normalizer_spec.precompiled_charsmap)
    tokenizer.normalizer = normalizers.Sequence([table, normalizers.Replace(Regex(" {2,}"), " ")]) if spaces else table
    return tokenizer


def characters() -> Tokenizer:
    """A token a character, <unk> for those it does not know."""
    known = sorted({character for text in TYPED[:9] for character in text} | set("\n\t.,-()xyz=:dfru"))
    vocabulary = {token: i for i, token in enumerate(["<unk>", "</s>", *known])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.add_special_tokens(["<unk>", "</s>"])
    return tokenizer


def word_piece() -> Tokenizer:
    """BERT's."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=600, special_tokens=["[UNK]"], show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def word_level() -> Tokenizer:
    """Whole words, the spaces between them thrown away."""
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(vocab_size=600, special_tokens=["[UNK]"], show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def letters_only() -> Tokenizer:
    """BPE of characters without bytes and without <unk>: what it does not know, it drops."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_next")
    trainer = trainers.BpeTrainer(vocab_size=300, show_progress=False)
    tokenizer.train_from_iterator(["the end of the story", "a few words and more"], trainer)
    return tokenizer


Kind = Callable[[], Tokenizer]
READ: dict[str, Kind] = {
    "gpt2": lambda: byte_level([GPT2]),
    "gpt2 with a prefix space": lambda: byte_level([pre_tokenizers.ByteLevel(add_prefix_space=True)]),
    "smollm": lambda: byte_level([pre_tokenizers.Digits(individual_digits=True), GPT2]),
    "starcoder": lambda: byte_level([pre_tokenizers.Digits(individual_digits=False), GPT2]),
    "falcon": lambda: byte_level([
        pre_tokenizers.Punctuation("contiguous"),
        GPT2,
        pre_tokenizers.Digits(individual_digits=False),
        pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated"),
    ]),
    "bloom": lambda: byte_level(split(r" ?[^(\s|[.,!?…。，、।۔،])]+")),
    "llama3": lambda: byte_level(split(LLAMA3), ignore_merges=True),
    "qwen2": lambda: byte_level(split(LLAMA3.replace("{1,3}", "")), normalizers.NFC()),
    "mistral tekken": lambda: byte_level(split(TEKKEN)),
    "merged": lambda: byte_level([
        pre_tokenizers.Punctuation("merged_with_next"), *split(r"\s+", "merged_with_previous")
    ]),
    "llama2": lambda: sentencepiece_bpe("prepend"),
    "mistral": lambda: sentencepiece_bpe("first"),
    "gemma": lambda: sentencepiece_bpe(None),
    "unigram": unigram,
    "characters": characters,
}
REFUSED: dict[str, tuple[Kind, str]] = {
    "word piece": (word_piece, r'WordPiece tokenizer drops " " from "a b"'),
    "word level": (word_level, r'WordLevel tokenizer drops " " from "a b"'),
    "letters only": (letters_only, r"BPE tokenizer drops"),
    "lower case": (lambda: byte_level([GPT2], normalizers.Lowercase()), r"the page would cut"),
    "scripts": (lambda: byte_level([pre_tokenizers.UnicodeScripts(), GPT2]), r'BPE tokenizer drops " " from " the'),
    "precompiled": (lambda: precompiled(True), r'Unigram tokenizer drops " " from "A few words'),
    "precompiled, all spaces kept": (lambda: precompiled(False), r"the page would cut .* into other tokens"),
    "nmt": (lambda: byte_level([GPT2], normalizers.Nmt()), r"cannot read this kind of tokenizer .*Nmt"),
}


def save(tokenizer: Tokenizer, directory: Path) -> PreTrainedTokenizerFast:
    """Write the files as a checkpoint has them."""
    roles = {"unk_token": "<unk>", "eos_token": "</s>"}
    special = {role: token for role, token in roles.items() if tokenizer.token_to_id(token) is not None}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **special)
    fast.save_pretrained(directory)
    return fast

