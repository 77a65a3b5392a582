"""Hand-made checkpoints that would come out wrong, take another's place or end in a traceback: each is refused."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer  # type: ignore[import-untyped]

from export import build, fidelity, gguf_file, preflight, report, sources
from export.checkpoint import load_model
from export.families import Refusal
from export.sources import Source
from tests.export.gguf_files import mini_llama, write_gguf
from tests.export.hub_server import Hub
from tests.export.models import random_model

ROOT = Path(__file__).resolve().parents[2]
METADATA = {"format": "pt"}
PROSE = "The committee met on Thursday, and the minutes of its second meeting were read aloud and approved."


@pytest.fixture
def folder(checkpoint: Path, tmp_path: Path) -> Path:
    """A tiny GPT-2 the test may change."""
    return Path(shutil.copytree(checkpoint, tmp_path / "model"))


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
        Refusal, match=r"LlamaForCausalLM has no place for \(model\.layers\.0\.self_attn\.q_proj\.bias\)"
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


def test_infinite_weights_are_refused(folder: Path) -> None:
    """One NaN makes every number of the page one."""
    weights = load_file(folder / "model.safetensors")
    weights["transformer.ln_f.bias"][3] = float("nan")
    save_file(weights, folder / "model.safetensors", METADATA)
    with pytest.raises(Refusal, match=r"transformer\.ln_f\.bias holds infinite or undefined values"):
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
    r"lacks 1 of its 2 files of weights, model-00002": lose_a_shard,
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


def test_a_git_lfs_pointer_is_named(folder: Path) -> None:
    """What a clone without git-lfs leaves."""
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(Refusal, match=r"model\.safetensors is a Git LFS pointer, not the weights; run git lfs pull"):
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

    monkeypatch.setattr("export.checkpoint.load_model", fail)
    assert build.main([str(folder), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: the build failed (AttributeError: no such attribute)") and error.count("\n") == 1
    assert build.main([str(folder), "--out", str(tmp_path / "out"), "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_context_of_sixteen_tokens_builds(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter than what the check would like to read; on one short text, which it reads in windows of sixteen."""
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "short.txt").write_text(PROSE)
    monkeypatch.setattr(fidelity, "TEXTS", texts)
    folder = tmp_path / "short"
    random_model("gpt2", vocab_size=600, n_positions=16, max_position_embeddings=16).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(checkpoint / name, folder)
    assert build.main([str(folder), "--out", str(tmp_path / "out")]) == 0
    assert json.loads((tmp_path / "out" / "short" / "manifest.json").read_text())["context_length"] == 16


# ---- names


def source(origin: str, place: str | None = None) -> Source:
    return Source(sources.slug(origin.split("/")[-1]), origin.split("/")[-1], origin, None, None, Path(), place=place)


def stand(out: Path, id: str, origin: str, place: str | None = None) -> None:
    """A build in the library."""
    (out / id).mkdir()
    (out / id / "manifest.json").write_text(json.dumps({"source": origin, "place": place}))


def test_a_hub_model_never_takes_the_catalogues_name(tmp_path: Path) -> None:
    """someone/gpt2 becomes someone-gpt2, whether gpt2 is built or not; gpt2's own repository stays gpt2."""
    for _ in range(2):
        other = source("someone/gpt2")
        sources.identify(other, None, tmp_path, replace=False)
        assert other.id == "someone-gpt2"
        own = source("openai-community/gpt2")
        sources.identify(own, None, tmp_path, replace=False)
        assert own.id == "gpt2"
        if not (tmp_path / "gpt2").exists():
            stand(tmp_path, "gpt2", "openai-community/gpt2")
    with pytest.raises(Refusal, match="holds another model of this name"):
        sources.identify(source("someone/gpt2"), "gpt2", tmp_path, replace=False)
    with pytest.raises(Refusal, match="gpt2 is a model of the catalogue"):
        sources.identify(source("gpt2", "there"), None, tmp_path, replace=True)


def test_two_folders_of_one_name_do_not_replace_each_other(tmp_path: Path) -> None:
    """run-a/checkpoint-500 and run-b/checkpoint-500; the first may be built again, the second needs --name."""
    out = tmp_path / "out"
    out.mkdir()
    places = [sources.place_of(tmp_path / run / "checkpoint-500") for run in ("run-a", "run-b")]
    stand(out, "checkpoint-500", "checkpoint-500", places[0])
    sources.identify(source("checkpoint-500", places[0]), None, out, replace=False)
    with pytest.raises(Refusal, match="give this one --name, or replace it with --force"):
        sources.identify(source("checkpoint-500", places[1]), None, out, replace=False)
    named = source("checkpoint-500", places[1])
    sources.identify(named, "Run B", out, replace=False)
    assert (named.id, named.name) == ("run-b", "Run B")
    sources.identify(source("checkpoint-500", places[1]), None, out, replace=True)


def test_two_owners_of_one_name(tmp_path: Path) -> None:
    """The second gets its owner in front."""
    stand(tmp_path, "tiny", "a/tiny")
    second = source("b/tiny")
    sources.identify(second, None, tmp_path, replace=False)
    assert second.id == "b-tiny"


def test_names_in_other_scripts(folder: Path) -> None:
    """Each gets an id of its own, and --name needs no Latin letters either."""
    moved = folder.rename(folder.with_name("модель"))
    found = sources.find(str(moved))
    assert found.name == "модель" and found.id.startswith("model-")
    assert len({sources.slug(name) for name in ("модель", "другая", "模型-7", "другая-7", "7")}) == 5
    assert sources.slug("My Model v1.5") == "my-model-v1.5"


# ---- GGUF


@pytest.fixture(scope="module")
def vocabulary(checkpoint: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((checkpoint / "tokenizer.json").read_text(encoding="utf-8"))
    return found


def logits_of(path: Path) -> np.ndarray:
    model = load_model(sources.from_gguf(path))
    with torch.no_grad():
        return np.asarray(model(torch.arange(5, 60)[None]).logits[0])


def test_rope_factors_of_a_gguf_file_are_applied(tmp_path: Path, vocabulary: dict[str, Any]) -> None:
    """The same weights in LlamaForCausalLM with rope_scaling, whose frequencies are plain ones over the factors."""
    scaling = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    scaled = mini_llama(rope_scaling={**scaling, "original_max_position_embeddings": 32})
    plain = mini_llama().model.rotary_emb.inv_freq
    factors = (plain / scaled.model.rotary_emb.inv_freq).numpy().astype(np.float32)
    assert factors.min() == pytest.approx(1) and factors.max() == pytest.approx(8)
    write_gguf(tmp_path / "with.gguf", vocabulary, extra={"rope_freqs.weight": factors})
    write_gguf(tmp_path / "without.gguf", vocabulary)
    ids = torch.arange(5, 60)[None]
    with torch.no_grad():
        expected, unscaled = scaled(ids).logits[0].numpy(), mini_llama()(ids).logits[0].numpy()
    assert np.abs(expected - unscaled).max() > 0.01
    np.testing.assert_allclose(logits_of(tmp_path / "with.gguf"), expected, atol=1e-4)
    np.testing.assert_allclose(logits_of(tmp_path / "without.gguf"), unscaled, atol=1e-4)


def test_linear_rope_scaling_of_a_gguf_file(tmp_path: Path, vocabulary: dict[str, Any]) -> None:
    """Linear is a factor; YaRN is more than that."""
    write_gguf(tmp_path / "linear.gguf", vocabulary, scaling="linear")
    expected = mini_llama(rope_scaling={"rope_type": "linear", "factor": 4.0})
    with torch.no_grad():
        logits = expected(torch.arange(5, 60)[None]).logits[0].numpy()
    np.testing.assert_allclose(logits_of(tmp_path / "linear.gguf"), logits, atol=1e-4)
    write_gguf(tmp_path / "yarn.gguf", vocabulary, scaling="yarn")
    with pytest.raises(Refusal, match="yarn rope scaling"):
        logits_of(tmp_path / "yarn.gguf")


def test_a_gguf_tensor_without_a_place_is_refused(tmp_path: Path, vocabulary: dict[str, Any]) -> None:
    """A bias on the queries."""
    write_gguf(tmp_path / "bias.gguf", vocabulary, extra={"blk.0.attn_q.bias": np.ones(64, np.float32)})
    with pytest.raises(Refusal, match=r"no place for \(blk\.0\.attn_q\.bias\)"):
        logits_of(tmp_path / "bias.gguf")


def tokenizer_of(path: Path, directory: Path) -> Tokenizer:
    directory.mkdir()
    gguf_file.write_tokenizer(path, directory)
    return Tokenizer.from_file(str(directory / "tokenizer.json"))


def test_tokenizer_details_of_gguf_files(tmp_path: Path, vocabulary: dict[str, Any]) -> None:
    """Whole words before merges (Llama 3), user-defined tokens as tokens, NFC (Qwen)."""
    words = vocabulary["model"]["vocab"]
    unreachable = next(token for token in words if len(token) > 5 and token.isascii() and token.isalpha())
    cut = json.loads(json.dumps(vocabulary))
    cut["model"]["merges"] = [merge for merge in cut["model"]["merges"] if "".join(merge) != unreachable]
    text = unreachable.replace("Ġ", " ")
    for pre, count in (("llama-bpe", 1), ("gpt-2", 2)):
        path = tmp_path / f"{pre}.gguf"
        write_gguf(path, cut, pre=pre)
        tokens = tokenizer_of(path, tmp_path / pre).encode(text).tokens
        assert (tokens == [unreachable]) == (count == 1)

    path = tmp_path / "user.gguf"
    write_gguf(path, vocabulary, user_defined=("it",))
    assert tokenizer_of(path, tmp_path / "user").encode("waiting").tokens.count("it") == 1

    for pre, same in (("qwen2", True), ("gpt-2", False)):
        path = tmp_path / f"{pre}-nfc.gguf"
        write_gguf(path, vocabulary, pre=pre)
        tokenizer = tokenizer_of(path, tmp_path / f"{pre}-nfc")
        assert (tokenizer.encode("e\u0301").ids == tokenizer.encode("é").ids) == same


# ---- what is said before and after the work


def test_a_build_that_cannot_fit_is_refused_before_the_work(
    folder: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With too little memory; before the weights are fetched where they come from the hub."""
    count = preflight.parameters(folder, None)
    assert count == sum(tensor.numel() for tensor in load_file(folder / "model.safetensors").values())
    preflight.tell("tiny", count)
    assert "0.155 M parameters: the build takes up to 0.8 GB" in capsys.readouterr().out
    monkeypatch.setattr(preflight, "free_memory", lambda: int(0.5e9))
    with pytest.raises(Refusal, match=r"needs 0\.8 GB of memory, 0\.5 GB are free"):
        preflight.tell("tiny", count)
    hub.repositories["someone/tiny"] = folder
    with pytest.raises(Refusal, match=r"needs 0\.8 GB of memory"):
        sources.find("someone/tiny")
    assert "model.safetensors" not in hub.downloads()


def test_a_model_no_tab_can_hold_is_said_before_the_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A billion parameters in fp32 are 4 GB."""
    monkeypatch.setattr(preflight, "free_memory", lambda: None)
    preflight.tell("large", 1_000_000_000)
    assert "the page cannot load a model of this size" in capsys.readouterr().out
    preflight.tell("half", 500_000_000)
    assert "cannot" not in capsys.readouterr().out


def test_a_step_is_announced_when_it_begins(capsys: pytest.CaptureFixture[str]) -> None:
    """On a pipe too."""
    with report.step("wait"):
        assert capsys.readouterr().out == "  wait …"
    assert capsys.readouterr().out.endswith(" s\n")


@pytest.mark.parametrize(("value", "text"), [(1.68e-5, "0.000017"), (0.0124, "0.012"), (1.25, "1.2"), (0, "0")])
def test_small_figures_keep_their_digits(value: float, text: str) -> None:
    """Never 0.0000 for what is not nothing."""
    assert report.figure(value) == text


def test_help_shows_examples() -> None:
    """As a user asks for it."""
    command = [sys.executable, "export/build.py", "--help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "examples:" in shown and "python export/build.py owner/name" in shown
