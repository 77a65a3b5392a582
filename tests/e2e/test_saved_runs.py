"""A run saved from the page, read by other programs, and opened again with and without its model; real Chromium."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.layers import until
from tests.e2e.likelihood import analyze, facts, read_box, settled
from tests.run_schema import check

ROOT = Path(__file__).resolve().parents[2]
TEXT = "=The people of the village 🙂 went\tdown \"to\" the <b>river</b>.\r\nThe people of the village went home.\n"
NUMBERS = ("id", "text", "bytes", "hex", "control", "logprob", "rank", "entropy")
SHOWN = """import(new URL('page/state.js', document.baseURI)).then(({run, colours}) => {
  const {tokens, columns, conditions, kind, given, count} = run.value;
  const of = (name) => [...columns[name]?.data.slice(0, count) ?? []];
  return {ids: tokens.ids, texts: tokens.texts, conditions, kind, given, colours: colours.value?.light.background ?? [],
          logprob: of('logprob'), rank: of('rank'), entropy: of('entropy')};
})"""


def saved(page: Page, kind: str, to: Path) -> Path:
    """The run of the page as a file, by its button."""
    page.click("#save > summary")
    with page.expect_download() as download:
        page.click(f"#save-{kind}")
    page.keyboard.press("Escape")
    path = to / download.value.suggested_filename
    download.value.save_as(path)
    assert path.suffix == f".{kind}"
    return path


def choose(page: Page, path: Path) -> None:
    page.locator('#sources input[type="file"]').set_input_files(path)


def opened(page: Page, path: Path) -> dict:
    """Opens a file by the button, and what is shown then."""
    choose(page, path)
    expect(page.locator("#opened")).to_contain_text(path.name, timeout=60_000)
    until(page, "() => document.querySelector('#tokens .token')?.style.backgroundColor")
    expect(page.locator("#notice")).not_to_contain_text("replaced")
    return page.evaluate(SHOWN)


def test_every_file_says_what_the_page_says(tiny: Page, tmp_path: Path) -> None:
    read_box(tiny, TEXT)
    run = analyze(tiny, TEXT, interventions={"heads": [{"layer": 0, "head": 1, "scale": 0.5}]})
    found = json.loads(saved(tiny, "json", tmp_path).read_text(encoding="utf-8"))
    check(found)
    assert {**found, "timings": 0} == {**run, "timings": 0} and found["interventions"]["heads"][0]["scale"] == 0.5
    with saved(tiny, "csv", tmp_path).open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [bytes.fromhex(row["bytes"]) for row in rows] == [bytes.fromhex(token["hex"]) for token in run["tokens"]]
    np.testing.assert_allclose([float(row["log-probability (nats)"]) for row in rows],
                               [token["logprob"] for token in run["tokens"]], rtol=1e-12)
    assert rows[0]["token"].startswith("'=")
    with np.load(saved(tiny, "npz", tmp_path), allow_pickle=False) as arrays:
        matrix = tiny.evaluate("tokenlight.attention(1, 0).then(({data}) => [...data])")
        positions = len(run["tokens"]) + 1
        assert arrays["attentions"].shape == (2, 4, positions, positions)
        np.testing.assert_array_equal(arrays["attentions"][1, 0].ravel(), np.array(matrix, np.float32))
        np.testing.assert_array_equal(arrays["logprob"], [token["logprob"] for token in run["tokens"]])
        norms = np.linalg.norm(arrays["resid"].astype(float), axis=2)[:, 1:]
        np.testing.assert_allclose(norms, np.array(run["hidden_norm"]), rtol=1e-5)
    blob = tiny.evaluate("tokenlight.export('json').then(async (blob) => [blob.type, await blob.text()])")
    assert blob[0] == "application/json" and {**json.loads(blob[1]), "timings": 0} == {**run, "timings": 0}
    with pytest.raises(Exception, match="kinds are json, csv, npz, html, embed"):
        tiny.evaluate("tokenlight.export('pdf')")


def test_the_page_of_coloured_text_works_without_scripts(tiny: Page, browser: Browser, tmp_path: Path) -> None:
    read_box(tiny, TEXT)
    run = analyze(tiny, TEXT)
    path = saved(tiny, "html", tmp_path)
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(path.as_uri())
    tokens = page.locator(".text > span")
    assert tokens.count() == len(run["tokens"])
    shown = "".join(tokens.nth(i).evaluate("node => node.firstChild?.nodeType === 3 ? node.firstChild.data : ''")
                    for i in range(tokens.count()))
    assert shown == run["text"].replace("\r\n", "\n")  # a parser's line ends
    for i in (0, 3, len(run["tokens"]) - 2):
        tokens.nth(i).hover()
        card = tokens.nth(i).locator(".card")
        expect(card).to_be_visible()
        expect(card).to_contain_text(f"rank {run['tokens'][i]['rank']:,}")
        expect(card).to_contain_text(f"{-run['tokens'][i]['logprob'] / np.log(2):.2f} bits")
    link = page.locator("a").get_attribute("href")
    assert link and link.startswith(tiny.evaluate("location.origin")) and "text=" in link
    context.close()


def test_a_run_is_opened_as_it_was_saved(tiny: Page, tmp_path: Path) -> None:
    """Also under interventions, and generated; then read anew by the model."""
    written = tiny.evaluate("""tokenlight.generate('The people', {maxTokens: 6, seed: 3, temperature: 0.9,
        interventions: {heads: [{layer: 1, head: 2, scale: 0}]}})""")
    tiny.evaluate("""import(new URL('page/state.js', location.href)).then(({models}) => {
        models.value = models.value.map((model) => ({...model, name: `The ${model.id}`})); })""")
    before, files = tiny.evaluate(SHOWN), [saved(tiny, kind, tmp_path) for kind in ("json", "npz")]
    for file in files:
        analyze(tiny, "Something else.", interventions={})
        after = opened(tiny, file)
        assert after.pop("kind") == "opened"
        expect(tiny.locator("#announcer")).to_have_text(
            f"{file.name} is open: {len(after['ids'])} tokens, read by The tiny-gpt2.")
        assert after == {name: value for name, value in before.items() if name != "kind"}, file
        assert tiny.input_value("#text") == written["text"]
        again = tiny.evaluate("tokenlight.export('json').then((blob) => blob.text())")
        assert {**json.loads(again), "timings": 0} == {**written, "timings": 0}
        expect(tiny.locator("#opened")).to_contain_text("read by The tiny-gpt2, with interventions")
    tiny.click("#tab-layers")
    expect(tiny.locator("#panel-layers .lead")).not_to_contain_text("Computing", timeout=30_000)
    tiny.click("#undo")
    expect(tiny.locator("#text")).to_have_value("Something else.")
    settled(tiny)
    tiny.click("#redo")
    tiny.click("#run")
    settled(tiny)
    expect(tiny.locator("#opened")).to_have_count(0)
    tiny.click("#tab-tokens")


def test_a_reading_that_was_stopped_is_opened_with_its_whole_text(tiny: Page, tmp_path: Path) -> None:
    """Its file has the tokens that were read, and the text of all; the rest has no colour until it is read."""
    read_box(tiny, TEXT)
    run = analyze(tiny, TEXT)
    path = saved(tiny, "json", tmp_path)
    read_box(tiny, "Something else.")
    stopped = run | {"tokens": run["tokens"][:5], "summary": run["summary"] | {"tokens": 5, "scored_tokens": 5}}
    stopped["attention_entropy"] = [[head[:5] for head in layer] for layer in run["attention_entropy"]]
    stopped["hidden_norm"] = [layer[:5] for layer in run["hidden_norm"]]
    path.write_text(json.dumps(stopped), encoding="utf-8")
    shown = opened(tiny, path)
    assert shown["ids"] == [token["id"] for token in run["tokens"][:5]]
    text = TEXT.replace("\r\n", "\n")
    expect(tiny.locator("#tokens .unread")).to_have_text(text[len("".join(t["text"] for t in run["tokens"][:5])):],
                                                         use_inner_text=False)
    assert tiny.input_value("#text") == text
    expect(tiny.locator("#summary")).to_contain_text(f"5 of {len(run['tokens'])}")
    tiny.locator("#token-3").click()
    expect(tiny.locator("#inspector")).to_contain_text("Token 4 of 5")
    tiny.keyboard.press("Escape")
    tiny.click("#undo")
    expect(tiny.locator("#text")).to_have_value("Something else.")
    settled(tiny)
    tiny.click("#redo")
    settled(tiny)
    expect(tiny.locator("#tokens .token")).to_have_count(len(run["tokens"]))


def test_a_file_without_alternatives_is_opened_and_saved_again(tiny: Page, tmp_path: Path) -> None:
    run = analyze(tiny, TEXT, topK=0)
    path = saved(tiny, "json", tmp_path)
    for kind in ("json", "npz"):
        opened(tiny, path)
        for token in (4, 5, 6):
            tiny.click(f"#token-{token}")
            listed = tiny.locator(".alternatives tbody tr").all_inner_texts()
            assert len(listed) == 1 and str(run["tokens"][token]["rank"]) in listed[0].replace(",", "")
            expect(tiny.locator(".alternatives")).not_to_contain_text("NaN")
        tiny.keyboard.press("Escape")
        path = saved(tiny, kind, tmp_path)


def test_what_cannot_be_opened_is_said_and_the_run_stays(tiny: Page, tmp_path: Path) -> None:
    read_box(tiny, TEXT)
    before = tiny.evaluate(SHOWN)
    whole, other = saved(tiny, "npz", tmp_path).read_bytes(), io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("notes.txt", "A zip of something else")
    for name, data, said in (
        ("cut.npz", whole[: len(whole) // 2], "cut.npz is damaged"),
        ("later.json", b'{"schema": "tokenlight.run/9"}', "This version opens"),
        ("half.json", b'{"schema": "tokenlight.run/2"}', "half.json is not a whole Run"),
        ("deep.json", b'{"schema": "tokenlight.run/2", "tokens": ' + b"[" * 100_000, "it is nested too deeply"),
        ("empty.txt", b"", "empty.txt is empty."),
        ("other.zip", other.getvalue(), "other.zip is not a saved run (NPZ)."),
    ):
        (tmp_path / name).write_bytes(data)
        choose(tiny, tmp_path / name)
        expect(tiny.locator("#notice")).to_contain_text(said)
        assert tiny.evaluate(SHOWN) == before
    (tmp_path / "other.json").write_text('{"a": 1}')
    choose(tiny, tmp_path / "other.json")
    expect(tiny.locator("#text")).to_have_value('{"a": 1}')
    settled(tiny)


def test_a_run_is_opened_without_its_model(
    tiny_site: str, tiny_models: Path, tiny: Page, page: Page, tmp_path: Path
) -> None:
    """In a page that can load no model: one saved by the command line, and one with attention."""
    line = [sys.executable, "-m", "pyscripts", "read", "--model", str(tiny_models / "tiny-gpt2"), TEXT]
    made = subprocess.run(line, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    (tmp_path / "read.json").write_text(made, encoding="utf-8")
    run = json.loads(made)
    analyze(tiny, TEXT)
    whole = saved(tiny, "npz", tmp_path)

    page.route("**/models/**", lambda route: route.fulfill(status=404))
    page.goto(tiny_site)
    expect(page.locator("html")).to_have_attribute("data-state", "error", timeout=60_000)
    shown = opened(page, tmp_path / "read.json")
    assert shown["ids"] == [token["id"] for token in run["tokens"]]
    np.testing.assert_allclose(shown["logprob"], [token["logprob"] for token in run["tokens"]], rtol=1e-6)
    assert shown["rank"] == [token["rank"] for token in run["tokens"]]
    expect(page.locator("#summary")).to_contain_text("Perplexity")
    expect(page.locator("#remarks .card").first).to_be_visible()
    page.locator("#token-3").click()
    expect(page.locator("#inspector")).to_contain_text(f"rank {run['tokens'][3]['rank']}".replace("rank ", ""))
    rarest = max(range(len(run["tokens"])), key=lambda i: run["tokens"][i]["rank"])
    page.locator(f"#token-{rarest}").click()
    page.mouse.move(2, 2)
    assert facts(page)["Probability ranked above it"] == "–", "the file does not say"
    page.click("#tab-layers")
    expect(page.locator("#layers")).to_contain_text("holds no attention or hidden states")

    opened(page, whole)
    expect(page.locator("#panel-layers .lead")).not_to_contain_text("Computing", timeout=30_000)
    page.locator("#panel-lens").scroll_into_view_if_needed()
    expect(page.locator("#panel-lens")).to_contain_text("needs the model that read the text")
    page.click("#tab-attention")
    expect(page.locator("#panel-head_grid .chart").first).to_be_visible()
    expect(page.locator("#notice")).not_to_contain_text("No model")
    with io.BytesIO(whole.read_bytes()) as file, np.load(file, allow_pickle=False) as arrays:
        expected = arrays["attentions"][0, 3].ravel()
    data = page.evaluate("""import(new URL('page/questions.js', document.baseURI))
        .then(({view}) => view('attention', {layer: 0, head: 3})).then(({arrays}) => [...arrays.data.data])""")
    np.testing.assert_array_equal(np.array(data, np.float32), expected)
