"""Write the page's tokenizer files and run the page's own tokenizer on them against the checkpoint's. Offline, Node."""

import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer  # type: ignore[import-untyped]
from transformers import PreTrainedTokenizerFast

from export.architectures.families import Refusal
from export.tokenizer import page_tokenizer, sweep
from pyscripts.native.tokenizer import TextTokenizer

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parents[1] / "site" / "vendor" / "tokenizers.min.js"
# What no tokenizer may lose: letters, whitespace and punctuation that every English vocabulary has.
PLAIN = ("a b", "A few words, and  more.\n\n  def f(x):\n\treturn x\n", " the end ", "\nthe end\n", "in, the-end. (so)")


def write(
    tokenizer: PreTrainedTokenizerFast, directory: Path, vocab_size: int, texts: Sequence[str] | None = None
) -> int:
    """Rewrite the tokenizer's files in `directory` for the page and compare; returns how many texts were compared.

    texts: what is compared, besides its added tokens in all places; by default all of export/tokenizer/sweep.py.

    Raises:
        Refusal: the page would tokenize a text differently, or could not show which part of a text a token covers.
    """
    if not tokenizer.is_fast:
        raise Refusal("this checkpoint's tokenizer exists only as Python code; the page needs a tokenizer.json")
    described = page_tokenizer.description(tokenizer)
    # Added tokens for which the model has no row are ordinary text.
    described["added_tokens"] = [token for token in described["added_tokens"] if token["id"] < vocab_size]
    text = json.dumps(described, ensure_ascii=False, separators=(",", ":"))
    (directory / "tokenizer.json").write_text(text, encoding="utf-8")
    characters = page_tokenizer.normalized_characters(described)
    if characters is not None:
        config = directory / "tokenizer_config.json"
        settings = {**json.loads(config.read_text(encoding="utf-8")), "normalized_characters": characters}
        config.write_text(json.dumps(settings, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    _check_nothing_is_lost(tokenizer)
    return check(tokenizer, directory, vocab_size, sweep.texts() if texts is None else texts)


def check(tokenizer: PreTrainedTokenizerFast, directory: Path, vocab_size: int, texts: Sequence[str]) -> int:
    """Compare the tokenizer in `directory`, as the page and as the tokenizers library read it, with the checkpoint's.

    Raises:
        Refusal: they differ; it names a text.
    """
    added = [str(token) for id, token in tokenizer.added_tokens_decoder.items() if id < vocab_size]
    control = list(sweep.control(added))
    texts = [*texts, *control]
    names = TextTokenizer(tokenizer.backend_tokenizer.to_str())
    _check_added_tokens(tokenizer, names, vocab_size)
    answer = _page(directory, vocab_size, texts, control)
    expected = _ids(tokenizer, texts)
    beyond = {i for i, ids in enumerate(expected) if max(ids, default=0) >= vocab_size}
    for i, (text, ids, found) in enumerate(zip(texts, expected, answer["texts"], strict=True)):
        if i not in beyond:
            _compare(names, text, ids, found)
    for id, found in enumerate(answer["vocabulary"]):
        if found != names.bytes_of(id).hex():
            raise Refusal(f"the page would show other bytes for token {id} than the checkpoint's tokenizer has")
    # Unigram is no reference for such texts: the library finds control tokens there even when told not to.
    if type(tokenizer.backend_tokenizer.model).__name__ != "Unigram":
        for text, ids, found in zip(control, _ids(tokenizer, control, literal=True), answer["literal"], strict=True):
            _compare(names, text, ids, found)
    rewritten = Tokenizer.from_file(str(directory / "tokenizer.json"))
    encoded = rewritten.encode_batch(texts, add_special_tokens=False)
    for i, (text, ids, found) in enumerate(zip(texts, expected, encoded, strict=True)):
        if found.ids != ids and i not in beyond:
            raise Refusal(f"the tokenizer as the page needs it reads {_shown(text)} as {found.ids}, not as {ids}")
    return len(texts) - len(beyond)


def _ids(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], literal: bool = False) -> list[list[int]]:
    """The checkpoint's tokens of each text; `literal`: control tokens are read as plain text."""
    if not texts:  # the library fails on none
        return []
    try:
        found = tokenizer(list(texts), add_special_tokens=False, split_special_tokens=literal, verbose=False)
    except Exception as error:  # the library raises Exception itself
        raise Refusal(f"the checkpoint's tokenizer cannot read every text ({error})") from None
    finally:
        tokenizer.backend_tokenizer.encode_special_tokens = False
    result: list[list[int]] = found["input_ids"]
    return result


def _page(directory: Path, vocab_size: int, texts: list[str], control: list[str]) -> dict[str, Any]:
    """The page's tokens of the texts, and its vocabulary."""
    node = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
    if node is None:
        raise Refusal("Node is not installed, and the page's tokenizer cannot be checked without it; run make")
    if not LIBRARY.exists():
        raise Refusal("the page's libraries have not been built; run make vendor, then build again")
    request = {"directory": str(directory), "vocab_size": vocab_size, "texts": texts, "control": control}
    command = [node, str(HERE / "page_tokenizer.mjs")]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f"the page's tokenizer failed under Node:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    if "error" in answer:
        raise Refusal(f"the page's tokenizer library cannot read this kind of tokenizer ({answer['error']})")
    return answer


def _compare(names: TextTokenizer, text: str, ids: list[int], found: dict[str, Any]) -> None:
    if "error" in found:
        raise Refusal(f"the page's tokenizer fails on {_shown(text)} ({found['error']}), the checkpoint's does not")
    if found["ids"] != ids:
        raise Refusal(
            f"the page would cut {_shown(text)} into other tokens than the checkpoint does "
            f"({_shown_ids(found['ids'])}, not {_shown_ids(ids)}), and everything after them would be computed wrong"
        )
    pieces = names.pieces(ids)
    ends = list(accumulate(len(piece) for piece in pieces))
    if (found["text"], found["ends"]) != (b"".join(pieces).decode(errors="replace"), ends):
        raise Refusal(f"the page and the export show the tokens of {_shown(text)} differently: {_shown(found['text'])}")


def _check_nothing_is_lost(tokenizer: PreTrainedTokenizerFast) -> None:
    """Refuse tokenizers that skip parts of a text, such as WordPiece, which loses the spaces."""
    kind = type(tokenizer.backend_tokenizer.model).__name__
    complete = copy.deepcopy(tokenizer.backend_tokenizer)
    complete.post_processor = None  # it would trim the span of a token
    names = TextTokenizer(tokenizer.backend_tokenizer.to_str())
    unknown = tokenizer.unk_token_id
    for text in PLAIN:
        try:
            found = complete.encode(text, add_special_tokens=False)
        except Exception as error:  # the library raises Exception itself
            raise Refusal(f"its {kind} tokenizer cannot read every text ({error})") from None
        covered = {place for start, end in found.offsets for place in range(start, end)}
        missing = [place for place in range(len(text)) if place not in covered]
        if missing:
            lost = _shown(text[missing[0]])
            raise Refusal(f"its {kind} tokenizer drops {lost} from {_shown(text)}; the page needs the whole text")
        normal = complete.normalizer.normalize_str(text) if complete.normalizer else text
        normal = normal.replace("▁", " ") if names.sentencepiece else normal
        shown = names.describe(found.ids).text
        if names.prefix_space:
            shown, normal = shown.removeprefix(" "), normal.removeprefix(" ").removeprefix(" ")
        if shown != normal and unknown not in found.ids:
            raise Refusal(f"the tokens of its {kind} tokenizer for {_shown(text)} spell another text, {_shown(shown)}")


def _check_added_tokens(tokenizer: PreTrainedTokenizerFast, names: TextTokenizer, vocab_size: int) -> None:
    """Refuse added tokens around which a text would be shown with other spaces than were typed.

    Those that are meant to take the spaces beside them may. Where each section that begins without a space gets one
    ("bare"), the ids do not tell whether one was typed after an added token.
    """
    plain = [
        str(token)
        for id, token in tokenizer.added_tokens_decoder.items()
        if id < vocab_size and not (token.lstrip or token.rstrip) and "▁" not in str(token)
    ]
    texts = [text for token in plain for text in sweep.around(token, names.prefix_space != "bare")]
    unknown = tokenizer.unk_token_id
    for text, ids in zip(texts, _ids(tokenizer, texts), strict=True):
        shown = names.describe(ids).text
        if shown != text and unknown not in ids and max(ids, default=0) < vocab_size:
            raise Refusal(f"the page would show {_shown(text)} with other spaces, as {_shown(shown)}")


def _shown(text: str) -> str:
    """A text quoted in ASCII, at most 60 characters of it."""
    return json.dumps(text if len(text) <= 60 else text[:60] + "…")


def _shown_ids(ids: list[int]) -> str:
    return str(ids if len(ids) <= 8 else [*ids[:8], "…"]).replace("'…'", "…")
