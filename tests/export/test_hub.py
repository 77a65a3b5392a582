"""Checkpoints from the model hub, against a local stand-in, and once against the real hub where it answers."""

import json
import shutil
import time
from pathlib import Path

import pytest
from huggingface_hub import constants

from export import arguments, build, sources
from export import hub as hub_module
from export.architectures.families import Refusal
from tests.export.hub_server import COMMIT, Hub


@pytest.fixture
def repository(hub: Hub, checkpoint: Path, tmp_path: Path) -> Path:
    """A repository `someone/tiny` the tests may change."""
    folder = tmp_path / "repository"
    shutil.copytree(checkpoint, folder)
    hub.repositories["someone/tiny"] = folder
    return folder


def test_a_hub_model_is_downloaded_and_recorded(hub: Hub, repository: Path) -> None:
    """Only what is needed is fetched, the commit and licence are kept, and a second time costs no download."""
    (repository / "pytorch_model.bin").write_bytes(b"never fetched")
    (repository / "README.md").write_text("never fetched")
    found = sources.find("someone/tiny", None, offline=False)
    assert (found.id, found.origin, found.revision, found.license) == ("tiny", "someone/tiny", COMMIT, "mit")
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= set(hub.downloads())
    assert not {"pytorch_model.bin", "README.md"} & set(hub.downloads())
    assert (found.directory / "model.safetensors").read_bytes() == (repository / "model.safetensors").read_bytes()
    hub.requests.clear()
    sources.find("someone/tiny", None, offline=False)
    assert hub.downloads() == []


def test_offline_uses_the_cache_and_asks_nothing(hub: Hub, repository: Path) -> None:
    """--offline before a download is refused; after one it works without a request."""
    with pytest.raises(Refusal, match="not in the hub's cache, and --offline"):
        sources.find("someone/tiny", None, offline=True)
    sources.find("someone/tiny", None, offline=False)
    hub.requests.clear()
    assert sources.find("someone/tiny", COMMIT, offline=True).revision == COMMIT
    assert hub.requests == []


def test_a_dropped_download_resumes_where_it_stopped(
    hub: Hub, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second request for the weights asks only for the rest."""
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)  # the client keeps whole pieces; its own are 10 MB
    size = (repository / "model.safetensors").stat().st_size
    hub.cut_after["model.safetensors"] = size // 2
    try:
        found = sources.find("someone/tiny", None, offline=False)
    except Refusal:
        found = sources.find("someone/tiny", None, offline=False)
    asked = [line for line in hub.requests if line.startswith("GET") and "model.safetensors" in line]
    assert len(asked) == 2 and f"bytes={size // 2 // 1000}" in asked[1]
    assert (found.directory / "model.safetensors").read_bytes() == (repository / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "mamba"}, "architecture 'mamba' cannot be exported"),
        ({"model_type": "strange", "auto_map": {"AutoModelForCausalLM": "modeling.Strange"}}, "needs remote code"),
        ({"architectures": ["GPT2ForSequenceClassification"]}, "is not a causal language model"),
    ],
)
def test_a_refused_config_costs_no_weights(hub: Hub, repository: Path, change: dict, message: str) -> None:
    """config.json is the only file fetched before the decision."""
    config = json.loads((repository / "config.json").read_text()) | change
    (repository / "config.json").write_text(json.dumps(config))
    with pytest.raises(Refusal, match=message):
        sources.find("someone/tiny", None, offline=False)
    assert hub.downloads() == ["config.json"]


def test_pickles_are_refused_before_the_download(hub: Hub, repository: Path) -> None:
    """A repository with only pytorch_model.bin."""
    (repository / "model.safetensors").rename(repository / "pytorch_model.bin")
    with pytest.raises(Refusal, match=r"only pickled weights \(pytorch_model.bin\)"):
        sources.find("someone/tiny", None, offline=False)
    assert hub.downloads() == ["config.json"]


def test_unknown_repositories_and_revisions(hub: Hub, repository: Path) -> None:
    """Each says which of the two is missing."""
    with pytest.raises(Refusal, match="no public model 'someone/else'"):
        sources.find("someone/else", None, offline=False)
    with pytest.raises(Refusal, match="no revision 'gone'"):
        sources.find("someone/tiny", "gone", offline=False)


def test_too_small_a_disk_is_said_before_the_download(
    hub: Hub, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The free space is compared with the listing."""
    monkeypatch.setattr(shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(Refusal, match="are free"):
        sources.find("someone/tiny", None, offline=False)
    assert hub.downloads() == ["config.json"]


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An endpoint nobody listens on."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))


@pytest.mark.usefixtures("no_hub")
def test_an_unreachable_hub_is_found_out_quickly(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A named model: exit code 2, one line that says what would work, nothing written."""
    out, start = tmp_path / "models", time.monotonic()
    assert build.main(["gpt2", "--out", str(out)]) == 2
    assert time.monotonic() - start < hub_module.TIMEOUT + 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "openai-community/gpt2" in error and "build smollm2" in error
    assert not out.exists()


@pytest.mark.usefixtures("no_hub")
def test_no_model_named_falls_back_to_the_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """One plain line, then smollm2."""
    options = arguments.parse(["--out", str(tmp_path)])
    assert build.default_models(options) == ["smollm2"]
    assert capsys.readouterr().out.count("\n") == 1


def test_no_model_named_means_gpt2_where_the_hub_answers(hub: Hub, tmp_path: Path) -> None:
    """The stand-in answers."""
    assert build.default_models(arguments.parse(["--out", str(tmp_path)])) == ["gpt2"]


@pytest.mark.hub
def test_the_real_hub_has_every_catalogued_model() -> None:
    """Each pinned revision exists and holds safetensors of a supported architecture."""
    from export.architectures.families import family_of
    from export.catalogue import CATALOGUE

    if not hub_module.reachable():
        pytest.skip("the model hub does not answer from here")
    for known in CATALOGUE.values():
        if known.hub:
            files = hub_module.listing(known.hub, known.revision)
            family_of(hub_module.config(files))
            assert any(name.endswith(".safetensors") for name in files.names), known.name
            assert files.commit == known.revision
