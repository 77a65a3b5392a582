"""Model files made to do harm: each is refused in one clear sentence, and what worked stays. Real Chromium."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from export import build
from tests.e2e.conftest import serving
from tests.e2e.hosting import link_site

DAMAGED = "This model's files are damaged or outdated:"


class Model:
    """The tiny GPT-2 in a site of its own, to be spoilt; every hash in its manifest stays right."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
        self.clock = itertools.count(int(time.time()) + 10, 10)  # another date each time: browsers ask by date

    def read(self, path: str) -> bytes:
        chunks = next(file for file in self.manifest["files"] if file["path"] == path)["chunks"]
        return b"".join((self.folder / str(chunk["name"])).read_bytes() for chunk in chunks)

    def write(self, **changes: Any) -> None:
        """The manifest with changes."""
        path = self.folder / "manifest.json"
        path.write_text(json.dumps({**self.manifest, **changes}))
        date = next(self.clock)
        os.utime(path, (date, date))

    def replace(self, path: str, data: bytes) -> None:
        """One file of the model with other content."""
        sha256 = hashlib.sha256(data).hexdigest()
        chunk: dict[str, Any] = {"name": f"{sha256[:32]}.bin", "bytes": len(data), "sha256": sha256}
        (self.folder / chunk["name"]).write_bytes(data)
        file = {"path": path, "bytes": len(data), "sha256": sha256, "chunks": [chunk] if data else []}
        self.write(files=[file if each["path"] == path else each for each in self.manifest["files"]])


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory,
    checkpoints: Path,
    tiny_models: Path,
    browser: Browser,
    browser_context_args: dict,
) -> Iterator[tuple[Model, Page]]:
    """A model to spoil, stored as int8, and a page that works with another one."""
    site = link_site(tmp_path_factory.mktemp("hostile") / "site")
    shutil.copytree(tiny_models, site / "models")
    assert build.main([str(checkpoints / "tiny-gpt2"), "--out", str(site / "models"), "--force"]) == 0
    context = browser.new_context(**browser_context_args)
    with serving(site) as address:
        page = context.new_page()
        page.goto(f"{address}#model=tiny-llama")
        page.evaluate("tokenlight.ready")
        yield Model(site / "models/tiny-gpt2"), page
    context.close()


@pytest.fixture
def spoilt(shared: tuple[Model, Page]) -> Iterator[tuple[Model, Page]]:
    """After each test the other model still works."""
    model, page = shared
    yield shared
    model.write()
    assert page.evaluate("tokenlight.analyze('one').then(run => run.model.id)") == "tiny-llama"


def load(page: Page) -> str:
    """What the page says when it is asked to load the spoilt model: the error, which it also shows, or 'loaded'."""
    answer = page.evaluate("tokenlight.load('tiny-gpt2').then(() => 'loaded', (error) => error.message)")
    expect(page.locator("html")).to_have_attribute("data-state", "ready")
    assert answer == "loaded" or page.locator("#notice p").inner_text() == re.sub(r"\s+", " ", answer)
    return answer


def tokenizers(honest: dict[str, Any]) -> dict[str, tuple[bytes, str]]:
    """tokenizer.json made unusable in many ways, with a word of the answer."""
    model = honest["model"]
    vocabulary: dict[str, int] = model["vocab"]

    def with_vocabulary(change: Callable[[int], Any]) -> dict[str, Any]:
        return {**honest, "model": {**model, "vocab": {token: change(i) for token, i in vocabulary.items()}}}

    split = {"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated"}
    documents: dict[str, tuple[Any, str]] = {
        "a number": (5, "not usable"),
        "null": (None, "not usable"),
        "a list": ([], "not usable"),
        "empty": ({}, "not usable"),
        "no vocabulary": ({**honest, "model": {**model, "vocab": None}}, "not usable"),
        "empty vocabulary": ({**honest, "model": {**model, "vocab": {}, "merges": []}}, "finds no token"),
        "unknown model": ({**honest, "model": {"type": "Other", "vocab": {}, "merges": []}}, "token id"),
        "ids beyond the vocabulary": (with_vocabulary(lambda i: i + 10**6), "the model's end at 599"),
        "negative ids": (with_vocabulary(lambda i: -1 - i), "token id"),
        "ids that are texts": (with_vocabulary(str), "token id"),
        "ids that are fractions": (with_vocabulary(lambda i: i + 0.5), "token id"),
        "merges of the wrong kind": ({**honest, "model": {**model, "merges": 5}}, "not usable"),
        "wrong regular expression": ({**honest, "pre_tokenizer": split}, "Invalid regular expression"),
    }
    cases = {name: (json.dumps(document).encode(), said) for name, (document, said) in documents.items()}
    cases["nothing"] = (b"", "not valid JSON")
    cases["truncated"] = (json.dumps(honest).encode()[:-100], "not valid JSON")
    cases["not UTF-8"] = (b"\xff\xfe\0", "not valid JSON")
    cases["very deep"] = (b"[" * 100_000 + b"]" * 100_000, "is nested too deeply")
    deep = json.dumps({**honest, "decoder": "DEEP"}).replace('"DEEP"', "[" * 5000 + "]" * 5000)
    cases["deep in one part"] = (deep.encode(), "is nested too deeply")
    return cases


def test_hostile_tokenizers(spoilt: tuple[Model, Page]) -> None:
    model, page = spoilt
    honest = json.loads(model.read("tokenizer.json"))
    for name, (data, said) in tokenizers(honest).items():
        model.replace("tokenizer.json", data)
        answer = load(page)
        assert answer.startswith(f"{DAMAGED} tokenizer.json") and said in answer, name
        assert "build" not in answer and "\n" not in answer, name
    model.replace("tokenizer_config.json", b"5")
    assert "not usable (Config must be a valid object)" in load(page)


def test_an_id_that_only_some_text_gives(spoilt: tuple[Model, Page]) -> None:
    """It cannot be seen at load; the text that needs it gets a sentence, other texts are read."""
    model, page = spoilt
    honest = json.loads(model.read("tokenizer.json"))
    token = {"id": 700, "content": "<picture>", "special": True, "normalized": False, "lstrip": False, "rstrip": False}
    honest["added_tokens"].append({**token, "single_word": False})
    model.replace("tokenizer.json", json.dumps(honest).encode())
    assert load(page) == "loaded"
    say = "text => tokenlight.analyze(text).then((run) => run.tokens.length, (error) => error.message)"
    assert page.evaluate(say, "A <picture> of") == (
        f"{DAMAGED} tokenizer.json gives the token id 700, but the model's end at 599."
    )
    assert page.evaluate(say, "A picture of") > 3
    page.evaluate("tokenlight.load('tiny-llama')")


def test_files_that_do_not_fit_together(spoilt: tuple[Model, Page]) -> None:
    """A manifest that describes another graph: refused at load, before a text is read."""
    model, page = spoilt
    inputs, outputs = model.manifest["inputs"], model.manifest["outputs"]
    layers, cache = model.manifest["layers"], model.manifest["cache"]
    fit = "do not match"
    changes: list[tuple[dict[str, Any], str]] = [
        ({"heads": 8}, fit),
        ({"kv_heads": 1024}, fit),
        ({"head_size": 7}, fit),
        ({"hidden_size": 65536}, fit),
        ({"vocab_size": 700}, "logits has 600 numbers for one token, not 700"),
        ({"vocab_size": 300, "reference": None}, "the model's end at 299"),
        ({"inputs": {"past": inputs["past"]}}, fit),
        ({"inputs": {**inputs, "past": [5] * layers}}, fit),
        ({"inputs": {**inputs, "position_ids": None}}, fit),
        ({"inputs": {**inputs, "input_ids": "__proto__"}}, fit),
        ({"inputs": {**inputs, "lens": "other"}}, fit),
        ({"outputs": {**outputs, "logits": "other"}}, "no output other"),
        ({"outputs": {**outputs, "hidden_states": ["logits"] * (layers + 1)}}, fit),
        ({"cache": {**cache, "added": [["a", "b"]] * layers}}, fit),
        ({"cache": {**cache, "added": [["logits", "logits"]] * layers}}, fit),
        ({"cache": {**cache, "recent": [["a", "b"]] * layers}}, fit),
        ({"cache": {**cache, "recent": [5] * layers}}, fit),
        ({"cache": {**cache, "recent": []}}, "do not fit its layers"),
        ({"cache": 5}, "do not fit its layers"),
        ({"prefix": {"id": 10**9, "text": "x"}}, "prefix is not a token of the model"),
        ({"prefix": {"id": -5, "text": "x"}}, "prefix is not a token of the model"),
        ({"eos": 5}, "eos is not a list"),
        ({"reference": {"ids": [1, 2, 10**9], "logprob": [-1, -1]}}, "its reference is no text"),
        ({"reference": {"ids": [1, 2, 3], "logprob": [-1]}}, "its reference is no text"),
        ({"name": 5}, "it has no name"),
        ({"name": "x" * 1_000_000}, "it has no name"),
        ({"examples": [{"id": "x", "name": "../../../x.json"}]}, "an example has an unsafe name"),
    ]
    for change, said in changes:
        model.write(**change)
        answer = load(page)
        assert said in answer and answer.startswith(DAMAGED) and "build" not in answer, change


def test_a_manifest_that_is_nested_too_deeply(spoilt: tuple[Model, Page]) -> None:
    """At any depth that Python, or a copy between threads, could fail at; one within the limit is loaded."""
    model, page = spoilt
    for depth in (100, 500, 5000, 100_000):
        model.write(notes="DEEP")
        path = model.folder / "manifest.json"
        path.write_text(path.read_text().replace('"DEEP"', "[" * depth + "0" + "]" * depth))
        date = next(model.clock)
        os.utime(path, (date, date))
        assert load(page) == f"{DAMAGED} models/tiny-gpt2/manifest.json is nested too deeply."
    model.write(notes=json.loads("[" * 99 + "0" + "]" * 99))
    assert load(page) == "loaded"
    page.evaluate("tokenlight.load('tiny-llama')")


def test_chunks_of_the_wrong_length(spoilt: tuple[Model, Page]) -> None:
    """Truncated, longer than stated, empty: named, and nothing of it is kept."""
    model, page = spoilt
    page.evaluate("caches.keys().then((names) => Promise.all(names.map((name) => caches.delete(name))))")
    weights = next(file for file in model.manifest["files"] if file["path"] == "weights.bin")
    name = weights["chunks"][0]["name"]
    honest = (model.folder / name).read_bytes()
    for data in (honest[:-1], honest + b"\0", b"", honest * 3):
        (model.folder / name).write_bytes(data)
        answer = load(page)
        assert "weights.bin does not match the manifest" in answer and name in answer
    (model.folder / name).write_bytes(honest)
    assert load(page) == "loaded"
    page.evaluate("tokenlight.load('tiny-llama')")


def test_graphs_that_are_none(spoilt: tuple[Model, Page]) -> None:
    """Right hashes, wrong content."""
    model, page = spoilt
    for path in ("page.onnx", "weights.bin"):
        honest = model.read(path)
        for data in (b"no graph" * 100, honest[: len(honest) // 2]):
            model.replace(path, data)
            answer = load(page)
            assert "could not be started" in answer or "do not match" in answer or "not usable" in answer


def test_weights_described_wrongly(spoilt: tuple[Model, Page]) -> None:
    """Where the manifest says how weights.bin is decoded: wrong kinds, huge shapes, places outside the file."""
    model, page = spoilt
    decode = model.manifest["decode"]
    first = decode["tensors"][0]
    part = next(iter(first["parts"]))

    def with_first(**changes: Any) -> dict[str, Any]:
        return {**decode, "tensors": [{**first, **changes}, *decode["tensors"][1:]]}

    def placed(**changes: Any) -> dict[str, Any]:
        return with_first(parts={**first["parts"], part: {**first["parts"][part], **changes}})

    cases = [
        5,
        {},
        {**decode, "tensors": 5},
        {**decode, "tensors": []},
        {**decode, "file": 5},
        {**decode, "on_processor": [5]},
        with_first(shape=[10**9, 10**9]),
        with_first(shape=[-1, 3]),
        with_first(shape="x"),
        with_first(parts={}),
        with_first(block=0),
        with_first(axis=2),
        placed(at=-8),
        placed(at=10**12),
        placed(at=0.5),
        placed(bytes=10**12),
        placed(type="other"),
    ]
    for case in cases:
        model.write(decode=case)
        answer = load(page)
        assert "description of weights.bin is wrong" in answer or "could not be started" in answer, case


def test_a_tokenizer_that_never_ends_can_be_stopped(spoilt: tuple[Model, Page]) -> None:
    """A regular expression of exponential time: Stop, and after a while the worker is started again."""
    model, page = spoilt
    honest = json.loads(model.read("tokenizer.json"))
    honest["pre_tokenizer"] = {"type": "Split", "pattern": {"Regex": "(x+)+y"}, "behavior": "Isolated"}
    model.replace("tokenizer.json", json.dumps(honest).encode())
    page.clock.install()
    assert load(page) == "loaded"
    page.evaluate("globalThis.end = tokenlight.analyze('x'.repeat(60)).then(() => 'read', (e) => e.message); null")
    expect(page.locator("#stop")).to_be_enabled()
    page.click("#stop")
    page.clock.fast_forward(21_000)
    assert "it did not respond to Stop" in page.evaluate("end")
    expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)
    page.evaluate("tokenlight.load('tiny-llama')")
