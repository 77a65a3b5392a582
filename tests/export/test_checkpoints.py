"""Hand-made checkpoints that would come out wrong, take another's place or end in a traceback: each is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from export import build, preflight, sources
from export.architectures.families import Refusal
from export.check import fidelity
from export.sources import Source
from export.weights.checkpoint import load_model
from tests.export.hub_server import Hub
from tests.export.models import random_model

METADATA = {"format": "pt"}
PROSE = "The committee met on Thursday, and the minutes of its second meeting were read aloud and approved."


def change(folder: Path, name: str = "config.json", **settings: Any) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def add_weights(folder: Path, **more: torch.Tensor) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file(
        weights | {name.replace("__", "."): tensor for name, tensor in more.items()}, folder / "model.safetensors"
    )


def shard(folder: Path) -> None:
    """Cut the weights into two files with an index."""
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    parts: dict[str, str] = {}
    for i, part in enumerate((names[::2], names[1::2])):
        file = f"model-0000{i + 1}-of-00002.safetensors"
        save_file({name: weights[name] for name in part}, folder / file, METADATA)
        parts |= dict.fromkeys(part, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": parts}))
    (folder / "model.safetensors").unlink()


def lose_a_shard(folder: Path) -> None:
    shard(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()


def become_an_adapter(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text("{}")


# ---- weights that would be dropped


def test_a_bias_the_class_does_not_have_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    """A Llama trained with biased queries: transformers drops them and computes something else."""
    folder = tmp_path / "llama"
    random_model("llama", vocab_size=600).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(checkpoint / name, folder)
    add_weights(folder, model__layers__0__self_attn__q_proj__bias=torch.ones(48))
    with pytest.raises(
        Refusal, match=r"LlamaForCausalLM does not use \(model\.layers\.0\.self_attn\.q_proj\.bias\)"
    ):
        load_model(sources.from_folder(folder))


def test_computed_tables_of_older_checkpoints_are_no_weights(folder: Path) -> None:
    """GPT-2's published files hold its causal masks."""
    add_weights(folder, h__0__attn__bias=torch.ones(1, 1, 256, 256), h__0__attn__masked_bias=torch.tensor(-1e4))
    load_model(sources.from_folder(folder))


def test_a_second_unembedding_is_refused_when_it_differs(folder: Path) -> None:
    """Tied by the config, so transformers overwrites it; the same values are no harm."""
    embedding = load_file(folder / "model.safetensors")["transformer.wte.weight"]
    add_weights(folder, lm_head__weight=embedding.clone())
    load_model(sources.from_folder(folder))
    add_weights(folder, lm_head__weight=embedding + 0.1)
    with pytest.raises(Refusal, match="unembedding of its own, but its config says tie_word_embeddings"):
        load_model(sources.from_folder(folder))


def test_a_second_unembedding_of_another_name_is_refused_when_it_differs(checkpoint: Path, tmp_path: Path) -> None:
    """GPT-NeoX calls it embed_out."""
    random_model("gpt_neox", vocab_size=600, tie_word_embeddings=False).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(checkpoint / name, tmp_path)
    change(tmp_path, tie_word_embeddings=True)
    with pytest.raises(Refusal, match="unembedding of its own, but its config says tie_word_embeddings"):
        load_model(sources.from_folder(tmp_path))
    embedding = load_file(tmp_path / "model.safetensors")["gpt_neox.embed_in.weight"]
    add_weights(tmp_path, embed_out__weight=embedding.clone())
    load_model(sources.from_folder(tmp_path))


def test_infinite_weights_are_refused(folder: Path) -> None:
    """One NaN makes every number of the page one."""
    weights = load_file(folder / "model.safetensors")
    weights["transformer.ln_f.bias"][3] = float("nan")
    save_file(weights, folder / "model.safetensors", METADATA)
    with pytest.raises(Refusal, match=r"transformer\.ln_f\.bias contains NaN or infinity"):
        load_model(sources.from_folder(folder))


# ---- refusals before the download


BEFORE: dict[str, Callable[[Path], Any]] = {
    r"is quantized \(gptq\)": lambda f: change(f, quantization_config={"quant_method": "gptq", "bits": 4}),
    r"is quantized \(awq\)": lambda f: change(f, quantization_config={"quant_method": "awq"}),
    r"is quantized \(bitsandbytes\)": lambda f: change(f, quantization_config={"quant_method": "bitsandbytes"}),
    "has no tokenizer": lambda f: (f / "tokenizer.json").unlink(),
    r"the tokenizer of .* cannot be loaded": lambda f: change(
        f, "tokenizer_config.json", tokenizer_class="OwnTokenizer"
    ),
    r"lacks 1 of its 2 weight files, such as model-00002": lose_a_shard,
    "is an adapter, not a whole model": become_an_adapter,
    "has other.safetensors but neither": lambda f: (f / "model.safetensors").rename(f / "other.safetensors"),
    "has no weights": lambda f: (f / "model.safetensors").unlink(),
}


@pytest.mark.parametrize("message", BEFORE)
def test_refused_before_the_weights_are_fetched(message: str, folder: Path, hub: Hub) -> None:
    """From a folder, and from the hub without a single byte of the weights."""
    BEFORE[message](folder)
    with pytest.raises(Refusal, match=message):
        sources.find(str(folder))
    hub.repositories["someone/tiny"] = folder
    with pytest.raises(Refusal, match=message):
        sources.find("someone/tiny")
    assert not [name for name in hub.downloads() if name.endswith(".safetensors")]


TOKENIZER = 'must be a JSON object with the list "added_tokens" and the object "model"'


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("tokenizer.json", "5", f"tokenizer.json of .* {TOKENIZER}"),
        ("tokenizer.json", "{}", f"tokenizer.json of .* {TOKENIZER}"),
        ("tokenizer.json", '{"added_tokens": [], "model": 5}', f"tokenizer.json of .* {TOKENIZER}"),
        ("tokenizer.json", "{", f"tokenizer.json of .* {TOKENIZER}"),
        ("tokenizer_config.json", "5", "tokenizer_config.json of .* must be a JSON object"),
        ("added_tokens.json", "[]", "added_tokens.json of .* must be a JSON object"),
        ("special_tokens_map.json", '"x"', "special_tokens_map.json of .* must be a JSON object"),
        ("tokenizer_config.json", '{"tokenizer_class": 5}', "the tokenizer files of .* have a value of a wrong kind"),
        ("added_tokens.json", '{"a": "x"}', "the tokenizer files of .* have a value of a wrong kind"),
    ],
)
def test_damaged_tokenizer_files_are_named(name: str, text: str, message: str, folder: Path) -> None:
    """Without the words in which Python would say it."""
    (folder / name).write_text(text)
    with pytest.raises(Refusal, match=f"{message}; copy (it|them) again from the checkpoint$"):
        sources.find(str(folder))


def test_a_number_as_the_file_of_a_weight(folder: Path) -> None:
    shard(folder)
    path = folder / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    index["weight_map"]["transformer.wte.weight"] = 5
    path.write_text(json.dumps(index))
    with pytest.raises(Refusal, match=r"index\.json gives 5 as the file of transformer\.wte\.weight"):
        sources.find(str(folder))


@pytest.mark.parametrize(("kind", "name"), [(torch.int8, "I8"), (torch.float8_e4m3fn, "F8_E4M3")])
def test_weights_in_a_type_that_is_not_read(kind: torch.dtype, name: str, folder: Path) -> None:
    """The sentence says which."""
    weights = load_file(folder / "model.safetensors")
    weights["transformer.wte.weight"] = weights["transformer.wte.weight"].to(kind)
    save_file(weights, folder / "model.safetensors", METADATA)
    with pytest.raises(Refusal, match=rf"safetensors: transformer\.wte\.weight is stored as {name}; supported: F64"):
        preflight.parameters(folder, None)


def test_a_context_that_is_too_short(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["transformer.wpe.weight"] = weights["transformer.wpe.weight"][:7].contiguous()
    save_file(weights, folder / "model.safetensors", METADATA)
    change(folder, n_positions=7)
    assert build.main([str(folder), "--out", str(tmp_path / "out")]) == 2
    assert "reads at most 7 positions; a build needs 8 or more" in capsys.readouterr().err


def test_a_format_that_is_too_coarse_names_the_next(checkpoint: Path) -> None:
    """fp32 is the last."""
    for name, advice in (("int8", "; use --weights fp16"), ("fp16", "; use --weights fp32"), ("fp32", "")):
        found = {figure: 0.0 for figure in fidelity.BARS[name]}
        with pytest.raises(fidelity.Unfaithful, match=rf"top1 agreement is 0, at least [\d.]+ is required{advice}$"):
            fidelity.enforce(found, name)


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json", "tokenizer_config.json"])
def test_a_pointer_in_place_of_a_small_file_is_named(name: str, folder: Path) -> None:
    (folder / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(Refusal, match=rf"{name} is a Git LFS pointer, not the file itself; run git lfs pull"):
        sources.find(str(folder))


def test_a_git_lfs_pointer_is_named(folder: Path) -> None:
    """What a clone without git-lfs leaves."""
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(Refusal, match=r"model\.safetensors is a Git LFS pointer, not the file itself; run git"):
        sources.find(str(folder))


def test_only_the_indexed_copy_of_the_weights_is_fetched(folder: Path, hub: Hub) -> None:
    """A repository that holds its weights twice, as shards and consolidated."""
    shutil.copy(folder / "model.safetensors", folder / "consolidated.safetensors")
    shard(folder)
    hub.repositories["someone/tiny"] = folder
    found = sources.find("someone/tiny")
    shards = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    assert sorted(name for name in hub.downloads() if name.endswith(".safetensors")) == shards
    assert load_model(found).config.model_type == "gpt2"


def test_an_unforeseen_error_is_one_line(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2; --debug shows the rest."""

    def fail(source: Source) -> None:
        raise AttributeError("no such\nattribute")

    monkeypatch.setattr("export.weights.checkpoint.load_model", fail)
    assert build.main([str(folder), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: the build failed (AttributeError: no such attribute)") and error.count("\n") == 1
    assert build.main([str(folder), "--out", str(tmp_path / "out"), "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("architecture", "settings", "positions"),
    [
        ("gpt2", {"n_positions": 16, "max_position_embeddings": 16}, 16),
        ("bloom", {"seq_length": 128}, 128),
        ("mpt", {"max_seq_len": 128}, 128),
        ("codegen", {"n_positions": 128, "max_position_embeddings": 128}, 128),
    ],
)
def test_unusual_models_build_from_end_to_end(
    architecture: str,
    settings: dict[str, Any],
    positions: int,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A context shorter than what the check would like to read, ALiBi, a table of positions; on one short text."""
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "mixed.txt").write_text(PROSE)
    monkeypatch.setattr(fidelity, "TEXTS", texts)
    folder = tmp_path / f"tiny-{architecture}"
    random_model(architecture, vocab_size=600, **settings).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(checkpoint / name, folder)
    assert build.main([str(folder), "--weights", "fp32", "--out", str(tmp_path / "out")]) == 0
    assert json.loads((tmp_path / "out" / folder.name / "manifest.json").read_text())["context_length"] == positions


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_matrices_of_zeros(
    architecture: str, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Equal ones become one in the graph, whether rows are looked up in it, or it is multiplied with, or turned."""
    folder = tmp_path / "model"
    model = random_model(architecture, vocab_size=600)
    for parameter in model.parameters():
        parameter.data.zero_()
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(checkpoint / name, folder)
    assert build.main([str(folder), "--out", str(tmp_path / "models")]) == 0
    assert capsys.readouterr().err == ""
