"""Reading and generating without a browser, against transformers in fp32 on the same checkpoints."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from pyscripts.native import Model, load
from pyscripts.native.__main__ import main
from pyscripts.native.files import ModelError
from pyscripts.result import Run
from tests.e2e.reference import ReferenceModel

ROOT = Path(__file__).resolve().parents[2]
TEXT = "The quick brown fox jumps over the lazy dog. It was the best of times — 🦩, naïve.\n\tdef f(x):"
EVERYTHING = ("attentions", "resid", "attn_out", "mlp_out")


@pytest.fixture(scope="session")
def reference(checkpoints: Path, model_folder: Path) -> ReferenceModel:
    return ReferenceModel(checkpoints / model_folder.name)


@pytest.fixture(scope="session")
def written(model: Model) -> Run:
    return model.generate(TEXT, max_tokens=2, keep=EVERYTHING, stop_at_end=False)


def test_every_array_is_what_transformers_computes(model: Model, reference: ReferenceModel) -> None:
    run = model.read(TEXT, keep=EVERYTHING)
    prefix = model.manifest["prefix"]["id"]
    expected = reference.read([prefix, *run.ids.tolist()])
    assert_allclose(run.logprob, expected.token_logprob(), atol=1e-4)
    assert_allclose(run.entropy, expected.entropy(), atol=1e-4)
    assert run.rank.tolist() == expected.rank().tolist()
    assert_allclose(run.attentions, expected.attentions, atol=1e-5)
    assert_allclose(run.resid, expected.hidden_states, atol=1e-3)
    stream = run.resid[0] + (run.attn_out + run.mlp_out)[:-1].sum(axis=0)
    assert_allclose(stream, run.resid[-2], atol=1e-3)  # the embeddings and all that was added: the last layer's input
    assert run.of_tokens(run.resid).shape[1] == len(run.ids) == len(run.texts)
    assert b"".join(map(bytes.fromhex, run.reading.tokens.hex)).decode() == TEXT == run.text
    last = len(run.ids) - 1
    lens = run.lens(last)  # the position before the last token: the prefix counts
    assert lens.rank[-1] == run.rank[last] and len(lens.rank) == model.manifest["layers"] + 1
    assert json.loads(json.dumps(run.to_json(), allow_nan=False)) == run.to_json()  # and fits its schema: conftest.py


@pytest.mark.parametrize("name", [
    *EVERYTHING, "logprob", "rank", "entropy", "ids", "position_ids", "spans", "words", "last_logits",
    "statistics.top_logprobs", "steps[max(run.steps)].raw.probabilities",
    "reading.scored().statistics.logprob", "metric('logprob')", "metric('surprisal')",
])
def test_code_that_works_in_place_cannot_change_a_run(written: Run, name: str) -> None:
    known = {"run": written}
    before = eval(f"run.{name}.copy()", known)
    for code in (f"run.{name}[:] = 0", f"each = run.{name}; each += each"):
        with pytest.raises(ValueError, match="read-only"):
            exec(code, known)
    exec(f"own = run.{name}.copy(); own += own", known)
    np.testing.assert_array_equal(eval(f"run.{name}", known), before)


def test_a_sign_cannot_be_turned_in_a_run(written: Run) -> None:
    before = written.logprob.copy()
    with pytest.raises(ValueError, match="read-only"):
        written.logprob *= -1  # type: ignore[misc]
    assert written.logprob.tolist() == before.tolist()


def test_a_run_hands_out_what_it_keeps_without_a_copy(written: Run) -> None:
    assert np.shares_memory(written.resid, written.resid) and np.shares_memory(written.attn_out, written.attn_out)


def test_a_long_text_in_several_passes(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = model.read(TEXT * 2, keep=EVERYTHING)
    monkeypatch.setattr("pyscripts.native.session.MAX_TOKENS", 7)
    parts = model.read(TEXT * 2, keep=EVERYTHING)
    for name in ("logprob", "entropy", *EVERYTHING):
        assert_allclose(getattr(parts, name), getattr(whole, name), atol=2e-4)
    assert_allclose(parts.lens(30).logprob, whole.lens(30).logprob, atol=1e-4)


def test_only_what_is_asked_for_is_computed(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    forward = model.session.forward

    def watched(rows: Any, outputs: list[str], **more: Any) -> Any:
        asked.extend(outputs)
        return forward(rows, outputs, **more)

    monkeypatch.setattr(model.session, "forward", watched)
    run = model.read(TEXT, keep=())
    assert asked == [model.manifest["outputs"]["logits"]]
    for name in EVERYTHING:
        with pytest.raises(ValueError, match=r"kept|holds no"):
            getattr(run, name)
    read = run.to_json()
    assert read["attention_entropy"] is read["hidden_norm"] is read["heads_on_text"] is None
    assert_allclose(run.logprob, model.read(TEXT).logprob, atol=1e-5)


def test_windows_are_read_as_texts_of_their_own(model: Model, reference: ReferenceModel) -> None:
    run = model.read(TEXT * 12, stride=100)
    ids = [model.manifest["prefix"]["id"], *run.ids.tolist()]
    context = model.manifest["context_length"]
    assert len(ids) > context
    first = reference.read(ids[:context]).token_logprob()
    second = reference.read(ids[100 : 100 + context]).token_logprob()[context - 101 :]
    assert_allclose(run.logprob[: context - 1 + 100], np.concatenate([first, second]), atol=1e-4)


def test_greedy_is_transformers_greedy(model: Model, reference: ReferenceModel) -> None:
    run = model.generate("The quick", max_tokens=12, greedy=True, stop_at_end=False)
    given = run.reading.prompt_length or 0
    prompt = [model.manifest["prefix"]["id"], *run.ids[:given].tolist()]
    written = reference.model.generate(
        torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt)), do_sample=False, max_new_tokens=12,
        eos_token_id=None, pad_token_id=0,
    )
    assert run.ids.tolist() == written[0, 1:].tolist()
    assert_allclose(run.logprob, reference.read(written[0].tolist()).token_logprob(), atol=1e-4)


def test_a_seed_gives_the_same_text_and_stops_end_it(model: Model) -> None:
    settings: dict[str, Any] = {"max_tokens": 20, "temperature": 0.9, "top_p": 0.95, "seed": 3, "stop_at_end": False}
    run = model.generate("def f", **settings)
    assert run.ids.tolist() == model.generate("def f", **settings).ids.tolist()
    assert run.ids.tolist() != model.generate("def f", **{**settings, "seed": 4}).ids.tolist()
    stop = run.texts[(run.reading.prompt_length or 0) + 4]
    stopped = model.generate("def f", **settings, stop=stop)
    assert run.text.startswith(stopped.text) and stop in stopped.text[len("def f") :]
    assert len(stopped.ids) < len(run.ids)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m: m.read(""), "no text"),
        (lambda m: m.read([600]), "600 is not a token id"),
        (lambda m: m.read("a", keep=("mlp",)), "nothing called 'mlp'"),
        (lambda m: m.read("a", top_k=51), "top_k must be"),
        (lambda m: m.read("a " * 400, stride=256), "stride"),
        (lambda m: m.generate("a", temperature=-1), "temperature must be"),
        (lambda m: m.generate("a " * 400), "fills the whole context"),
        (lambda m: m.read("a").lens(9), "no position 9"),
        (lambda m: m.read("a").lens(0.5), "no position 0.5"),
        (lambda m: m.read("a").lens(1, top_k=-1), "top_k must be a whole number, 0 or more, not -1"),
        (lambda m: m.read("a", max_tokens=-1), "max_tokens must be a whole number, 1 or more, not -1"),
        (lambda m: m.read("a", stride=0), "stride must be a whole number from 1 to 255, not 0"),
        (lambda m: m.read("a", stride=-5), "stride must be a whole number from 1 to 255, not -5"),
        (lambda m: m.read("a", stride="x"), "stride must be a whole number from 1 to 255, not 'x'"),
        (lambda m: m.read("a", prefix="no"), "prefix must be True or False, not 'no'"),
        (lambda m: m.read("a", literal=1), "literal must be True or False, not 1"),
        (lambda m: m.read([1.5, 2]), "1.5 is not a token id"),
        (lambda m: m.read([True]), "True is not a token id"),
        (lambda m: m.read([-1]), "-1 is not a token id"),
        (lambda m: m.read(b"abc"), "The text is bytes. Decode them first, as in text.decode"),
        (lambda m: m.read(bytearray(b"abc")), "The text is bytes"),
        (lambda m: m.generate(memoryview(b"abc")), "The text is bytes"),
        (lambda m: m.read("a", keep=("resid",), stride=9), "exclude each other: .* Leave one of them out"),
        (lambda m: m.read("a", keep="attentions", stride=9), "keep and stride exclude each other"),
        (lambda m: m.read("a " * 400, stride=9).attentions, "This text was read in windows"),
        (lambda m: m.read("a " * 400, stride=9, keep=()).resid, "This text was read in windows"),
        (lambda m: m.read("a " * 400, stride=9).attn_out, "This text was read in windows"),
        (lambda m: m.read("a " * 400, stride=9).lens(3), "This text was read in windows"),
        (lambda m: m.read("a", keep=()).attentions, r"read it with keep=\('attentions',\)"),
        (lambda m: m.read("a", keep=()).resid, r"were not kept: read it with keep=\('resid',\)"),
        (lambda m: m.read("a", interventions=[3]), r"interventions must be an object, not \[3\]\.$"),
        (lambda m: m.read("a", interventions={"head": []}), "^interventions has no 'head'. It may have heads"),
        (lambda m: m.read("a", interventions={"heads": [3]}), r"^interventions: heads\[0\] must be an object, not 3"),
        (lambda m: m.read(5), "must be a string or a list of token ids, not 5"),
        (lambda m: m.generate("a", stop=""), "stop must be a text or a list of texts, none of them empty"),
        (lambda m: m.generate("a", stop=["b", ""]), "stop must be"),
        (lambda m: m.generate("a", stop=5), "stop must be"),
        (lambda m: m.generate("a", greedy="no"), "greedy must be True or False, not 'no'"),
        (lambda m: m.generate("a", stop_at_end=0), "stop_at_end must be True or False, not 0"),
        (lambda m: m.generate("a", seed=1.5), "seed must be a whole number from 0 to 9007199254740991, not 1.5"),
        (lambda m: m.generate("a", max_tokens=-1), "max_tokens must be a whole number, 0 or more, not -1"),
        (lambda m: m.generate("a", temperature=float("nan"), max_tokens=0), "temperature must be"),
        (lambda m: m.generate("a", top_k=float("inf")), "top_k must be a whole number"),
        (lambda m: m.attribution(m.read("a"), 99), "There is no token 99"),
        (lambda m: m.attribution(m.read("a b"), 0.5), "There is no token 0.5"),
        (lambda m: m.dependence(m.read("a b"), 0, target=1.5), "1.5 is not a token id"),
        (lambda m: m.read("a").target(-1), "There is no token -1"),
        (lambda m: m.heads_off(m.read("a b"), 1, [(0.5, 0)]), "no layer 0.5, head 0"),
        (lambda m: m.steering_vector(m.read("a b"), m.read("b a"), 0.5), "layer must be a whole number from 0 to 1"),
    ],
)
def test_bad_input_is_answered_with_a_sentence(model: Model, call, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=said):
        call(model)


def test_attention_that_is_too_large_is_not_asked_for_again(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyscripts.native.model.ATTENTION_BYTES", 100)
    with pytest.raises(ValueError, match=r"too long for its attention matrices to be kept\. Shorten it"):
        _ = model.read("The quick brown fox").attentions
    assert model.read("The quick brown fox", keep=("attentions",)).attentions.size


def test_a_damaged_folder_says_what_to_do(model_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no manifest\.json"):
        load(tmp_path)
    folder = shutil.copytree(model_folder, tmp_path / "model")
    manifest = json.loads((folder / "manifest.json").read_text())
    chunk = folder / next(file for file in manifest["files"] if file["path"] == "weights.bin")["chunks"][0]["name"]
    data = chunk.read_bytes()
    chunk.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ModelError, match="damaged"):
        load(folder)
    chunk.unlink()
    with pytest.raises(ModelError, match="missing"):
        load(folder)
    (folder / "manifest.json").write_text(json.dumps({**manifest, "schema": "tokenlight.model/999"}))
    with pytest.raises(ModelError, match="this version reads"):
        load(folder)
    for wrong in ({"files": None}, {"layers": None}, {"layers": "2"}, {"files": [{"path": "weights.bin"}]}):
        (folder / "manifest.json").write_text(json.dumps({**manifest, **wrong}))
        with pytest.raises(ModelError, match=rf"has no usable {next(iter(wrong))}\. Build the model again\."):
            load(folder)


@pytest.mark.parametrize(("more", "said"), [
    (["read", "a", "--stride", "0"], "stride must be a whole number from 1 to"),
    (["generate", "a", "--stop", ""], "stop must be a text"),
    (["read", "a", "--threads", "100000"], "threads must be a whole number from 1 to"),
    (["generate", "a", "--seed", "-1"], "seed must be a whole number from 0 to 9007199254740991"),
])
def test_the_command_line_says_what_is_wrong(
    model_folder: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    assert main([*more, "--model", str(model_folder)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {said}")


def test_options_of_numpy_are_those_of_python(model: Model) -> None:
    given: dict[str, Any] = {"seed": np.int64(3), "temperature": np.float32(0.5), "top_k": np.int64(4),
                             "greedy": np.bool_(False)}
    run = model.generate(model.read("The").ids.tolist(), max_tokens=2, **given)
    assert json.loads(json.dumps(run.to_json()))["options"] == {
        "maxTokens": 2, "seed": 3, "temperature": 0.5, "topK": 4, "prefix": True}


def command(
    folder: Path, *arguments: str, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    run = [sys.executable, "-m", "pyscripts", *arguments, "--threads", "1", "--model", str(folder)]
    return subprocess.run(run, cwd=ROOT, input=stdin, env={**os.environ, **environment}, capture_output=True)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_in_and_out_are_utf_8_whatever_the_terminal_has(tiny_models: Path, encoding: str) -> None:
    """Every character, and line ends as they are."""
    text = "naïve 🦩 Привет\r\n"
    for which in ("read", "generate"):
        done = command(tiny_models / "tiny-gpt2", which, "-", stdin=text.encode(), PYTHONIOENCODING=encoding)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.decode("utf-8"))["text"].startswith(text)


def test_bytes_that_are_no_text_are_refused(tiny_models: Path) -> None:
    """Neither from standard input nor as an argument are they read as other characters."""
    folder = tiny_models / "tiny-gpt2"
    for done in (command(folder, "read", "-", stdin=b"caf\xe9"), command(folder, "read", "caf\udce9")):
        assert done.returncode == 2 and done.stdout == b""
        assert done.stderr == b"error: The text is not UTF-8 (byte 4). Convert it first.\n"


def test_a_file_as_the_model_and_a_summary_that_is_not_there(
    tiny_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sentences, no error numbers."""
    manifest = tiny_models / "tiny-gpt2/manifest.json"
    assert main(["read", "a", "--model", str(manifest)]) == 2
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"error: {manifest} is not a model folder")
    assert second.startswith(f"error: {tmp_path}/a cannot be read (No such file or directory). Choose a file that")
