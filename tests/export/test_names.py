"""What a build is called, and what a user is told before and after the work."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from export import build, preflight, report, sources
from export.architectures.families import Refusal
from export.sources import Source
from tests.export.hub_server import Hub

ROOT = Path(__file__).resolve().parents[2]


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
    with pytest.raises(Refusal, match="gpt2 is the name of a known model"):
        sources.identify(source("gpt2", "there"), None, tmp_path, replace=True)


def test_a_copy_in_a_folder_may_be_named_as_the_catalogue_does(tmp_path: Path) -> None:
    """Where the hub cannot be reached, for example; it does not replace the hub's own."""
    own = source("gpt2", "there")
    sources.identify(own, "gpt2", tmp_path, replace=False)
    assert own.id == "gpt2"
    stand(tmp_path, "gpt2", "openai-community/gpt2")
    with pytest.raises(Refusal, match="contains another model"):
        sources.identify(source("gpt2", "there"), "gpt2", tmp_path, replace=False)


def test_two_folders_of_one_name_do_not_replace_each_other(tmp_path: Path) -> None:
    """run-a/checkpoint-500 and run-b/checkpoint-500; the first may be built again, the second needs --name."""
    out = tmp_path / "out"
    out.mkdir()
    places = [sources.place_of(tmp_path / run / "checkpoint-500") for run in ("run-a", "run-b")]
    stand(out, "checkpoint-500", "checkpoint-500", places[0])
    sources.identify(source("checkpoint-500", places[0]), None, out, replace=False)
    with pytest.raises(Refusal, match="choose another name with --name, or replace it with --force"):
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


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "--name is empty"),
        ("  ", "--name is empty"),
        ("a" * 201, "--name has 201 characters, more than 200"),
        ("a" * 82, "the folder's name would have 82 characters; choose a shorter one with --name"),
        ("x\ny", "--name has control characters"),
        ("x\x7f", "--name has control characters"),
        ("\udcff", "--name has control characters, or bytes that are not UTF-8"),
        ("index.json", "index.json is the name of the list of models"),
        ("a file", "a-file is not a folder"),
        ("a dangling link", "a-dangling-link is not a folder"),
        ("notes", "notes holds other files than a build"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_before_the_work(
    name: str, said: str, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With --name or as the checkpoint's own; --force replaces builds, but no other files."""
    monkeypatch.setattr(build, "build", None)  # not reached
    (tmp_path / "a-file").write_text("mine")
    (tmp_path / "a-dangling-link").symlink_to("nowhere")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/mine.txt").write_text("mine")
    assert build.main([str(checkpoint), "--out", str(tmp_path), "--force", "--name", name]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and said in line
    assert (tmp_path / "notes/mine.txt").read_text() == (tmp_path / "a-file").read_text() == "mine"


def test_the_name_of_a_checkpoint_is_held_to_the_same(folder: Path, tmp_path: Path) -> None:
    """It is its folder's; --name gives another."""
    for name in ("index.json", "b" * 90, "x\ty"):
        moved = folder.rename(folder.with_name(name))
        found = sources.find(str(moved))
        with pytest.raises(Refusal, match="with --name"):
            sources.identify(found, None, tmp_path / "out", replace=False)
        sources.identify(found, "mine", tmp_path / "out", replace=False)
        assert found.id == "mine"
        folder = moved


def test_a_folder_whose_name_is_not_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bytes that are not UTF-8, as tar leaves them; and no name at all."""
    moved = folder.rename(folder.with_name("caf\udce9"))
    assert build.main([str(moved)]) == 2 and build.main([""]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "has bytes that are not UTF-8; rename it" in first and "a MODEL is empty" in second


def test_square_brackets_in_names_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """rich would read them as markup, and fail where one closes nothing."""
    report.table("m[/b]", [("prefix token", "[PAD]")])
    assert "m[/b]" in (shown := capsys.readouterr().out) and "[PAD]" in shown


def test_a_build_that_cannot_fit_is_refused_before_the_work(
    folder: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With too little memory; before the weights are fetched where they come from the hub."""
    count = preflight.parameters(folder, None)
    assert count == sum(tensor.numel() for tensor in load_file(folder / "model.safetensors").values())
    preflight.tell("tiny", count)
    assert "0.155 million parameters: the build needs up to 0.8 GB" in capsys.readouterr().out
    monkeypatch.setattr(preflight, "free_memory", lambda: int(0.5e9))
    with pytest.raises(Refusal, match=r"needs 0\.8 GB of memory, but only 0\.5 GB are free"):
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
