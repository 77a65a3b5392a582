"""What the panels show and when: three in sight while stepping, nothing of another text, values by key and touch."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from pyscripts.native import Model
from tests.e2e.conftest import serving
from tests.e2e.hosting import change_python, link_site
from tests.e2e.layers import STATE, csv_of, finished, fresh, generate, numbers, open_lens, settled, step_to, until

SVG = "{http://www.w3.org/2000/svg}"
FIRST = "The people of the village went down to the river, and the river was high."
SECOND = "Nobody knew why the light had gone out."


@pytest.fixture
def page(lens_page: Page) -> Page:
    return fresh(lens_page)


def read(page: Page, text: str) -> int:
    """Reads a text; how many tokens it has."""
    page.evaluate("text => tokenlight.analyze(text)", text)
    return len(finished(page))


def test_a_panel_out_of_sight_shows_nothing_of_another_text(page: Page) -> None:
    page.set_viewport_size({"width": 1600, "height": 4000})
    count = read(page, FIRST)
    settled(page, count - 1)
    expect(page.locator("#layers .panel .chart.blank")).to_have_count(0)
    page.set_viewport_size({"width": 900, "height": 400})
    page.locator("#layers .panel").last.locator("h2").evaluate("title => title.scrollIntoView()")
    expect(page.locator("#panel-choice")).not_to_be_in_viewport()
    read(page, SECOND)
    expect(page.locator("#panel-word_classes .chart:not(.blank)")).to_have_count(1)
    hidden = page.locator("#panel-choice")
    expect(hidden).to_have_attribute("data-token", "")
    expect(hidden.locator(".chart.blank")).to_have_count(1)
    assert "Entropy" not in hidden.inner_text() and "river" not in hidden.inner_text()
    inked = """panel => [...panel.querySelectorAll('canvas')].some((canvas) =>
      canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean))"""
    assert not hidden.evaluate(inked)
    hidden.scroll_into_view_if_needed()
    expect(hidden.locator(".chart:not(.blank)")).to_have_count(1)
    assert hidden.evaluate(inked)


def test_a_hidden_state_that_is_not_kept_is_computed_again(
    browser: Browser, tiny_models: Path, tmp_path: Path, native: Model
) -> None:
    """Only the first five positions' are kept: the panel has every token's, and no notice is shown."""
    site = link_site(tmp_path / "site")
    (site / "models").symlink_to(tiny_models)
    manifest = native.manifest
    limit = 4 * (manifest["layers"] + 1) * manifest["hidden_size"] * 5

    def limited(name: str, text: str) -> str:
        return re.sub(r"(?m)^HIDDEN_BYTES = [0-9_]+", f"HIDDEN_BYTES = {limit}", text)

    change_python(site, limited)
    with serving(site) as address, open_lens(browser, f"{address}#model=tiny-gpt2&lens=layers") as page:
        page.set_viewport_size({"width": 1600, "height": 4000})
        last = read(page, FIRST) - 1
        run = native.read(FIRST, keep=("resid",))
        for token in (last, 2, last - 1):
            step_to(page, token)
            panel = page.locator(f"#panel-dimensions[data-token='{token}']")
            expect(panel.locator(".peaks dt")).to_have_count(6)
            assert "Peaks among the first 4 tokens" in panel.inner_text()
            values = numbers(csv_of(page, "dimensions"), "value")
            middle = manifest["layers"] // 2
            assert values == pytest.approx(run.resid[middle, run.position(token)].tolist(), abs=1e-4)
        assert not page.locator("#notice").inner_text()


def test_the_logit_lens_is_about_the_pinned_token_or_the_next(page: Page, native: Model) -> None:
    read(page, FIRST)
    token, run = 4, native.read(FIRST, keep=("resid",))
    step_to(page, token)
    panel = page.locator("#panel-lens")
    for menu, words, of in [
        (None, "Most likely at this token", token),
        ("next", "Most likely next token", token + 1),
        ("this", "In the text: “", token),
    ]:
        if menu:
            panel.get_by_label("Prediction").select_option(menu)
        expect(panel.locator(".lead")).to_contain_text(words)
        expect(panel.locator(".lead")).to_contain_text(f"n the text: “{run.texts[of].replace(' ', '␣')}”")
        expected = run.lens(run.position(of) - 1, top_k=1)
        logprob = numbers(csv_of(page, "lens"), "its probability")
        assert logprob == pytest.approx(np.exp(expected.logprob).tolist(), rel=2e-3)
    page.evaluate("text => tokenlight.analyze(text, {prefix: false})", FIRST)
    finished(page)
    page.locator("#token-0").click()
    expect(panel).to_contain_text("First token: no probability.")
    panel.get_by_label("Prediction").select_option("next")
    expect(panel.locator(".lead")).to_contain_text("Most likely next token")
    panel.get_by_label("Prediction").select_option("this")


def test_the_logit_lens_of_the_whole_text(page: Page, native: Model) -> None:
    """Under the run's own interventions."""
    off = {"heads": [{"layer": 0, "head": 1, "scale": 0}]}
    page.evaluate("([text, interventions]) => tokenlight.analyze(text, {interventions})", [FIRST, off])
    finished(page)
    run = native.read(FIRST, keep=("resid",), interventions=off)
    alone = [run.lens(run.position(token), top_k=0) for token in range(len(run.ids))]
    panel = page.locator("#panel-layer_map")
    panel.scroll_into_view_if_needed()
    menu = panel.get_by_label("Quantity")
    for name, number in [("lens_rank", "rank"), ("lens_logprob", "logprob"), ("lens_divergence", "divergence")]:
        menu.select_option(name)
        title = menu.locator("option:checked").inner_text()
        expect(panel.locator(".chart-stage")).to_have_attribute("aria-label", re.compile(f"^{re.escape(title)} of"))
        expect(panel).not_to_contain_text("Computing…")
        rows = [list(row.values())[2 : 2 + len(alone[0].rank)] for row in csv_of(page, "layer_map")]
        found = np.array([[float(cell or "nan") for cell in row] for row in rows])  # [token, layer]
        expected = np.array([getattr(each, number) for each in alone], float)
        if number == "rank":
            expected[expected == 0] = np.nan
        np.testing.assert_allclose(found, expected, atol=2e-3)
    stage, readout = panel.locator(".chart-stage"), panel.locator(".readout")
    stage.focus()
    page.keyboard.press("ArrowDown")
    expect(readout).to_contain_text("bits")
    panel.locator("summary", has_text="As a table").click()
    table = panel.locator("table.plain")
    expect(table.locator("caption")).to_have_text("logit lens: KL to the final distribution (bits)")
    shown = table.locator("tbody tr").nth(3).locator("td").nth(4).inner_text()
    assert float(shown) == pytest.approx(expected[3, 2] / np.log(2), abs=3e-3)
    panel.locator("summary", has_text="As a table").click()
    menu.select_option("hidden_norm")
    page.evaluate("text => tokenlight.analyze(text, {interventions: {}})", FIRST)
    finished(page)


def test_keys_read_every_value_of_a_chart(page: Page) -> None:
    read(page, FIRST)
    step_to(page, 4)
    panel = page.locator("#panel-layers")
    stage, readout = panel.locator(".chart-stage"), panel.locator(".readout")
    rows = csv_of(page, "layers")
    stage.focus()
    for row in rows:
        page.keyboard.press("ArrowDown")
        said = readout.inner_text()
        assert row["name"] in said
        assert float(said.rsplit(": ", 1)[1].replace(",", "")) == pytest.approx(float(row["hidden_norm"]), rel=0.006)
    page.keyboard.press("ArrowRight")
    expect(readout).to_contain_text("Change by the layer")
    page.keyboard.press("Escape")
    expect(readout).to_contain_text("Point at a bar")
    assert page.evaluate("import(new URL('page/state.js', location.href)).then(({current}) => current.value)") == 4


def test_touch_reads_a_value_and_leaves_it_shown(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    read(page, FIRST)
    stage, readout = page.locator("#panel-focus .chart-stage"), page.locator("#panel-focus .readout")
    stage.scroll_into_view_if_needed()
    settled(page, page.evaluate(f"{STATE}.then(run => run.count - 1)"))
    expect(readout).to_contain_text("Point at")
    box = stage.bounding_box()
    assert box is not None
    finger = page.context.new_cdp_session(page)
    point = {"x": box["x"] + 40, "y": box["y"] + 40}
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(readout).to_contain_text("layer")
    expect(readout).to_contain_text("on the sink")
    finger.detach()


def test_narrow_charts_of_choices_have_their_numbers(page: Page) -> None:
    """Three panels share a row: at a width of 1,920 px this one has 230 px."""
    generate(page, FIRST, maxTokens=2, topK=1, temperature=1)
    page.evaluate("""() => {
        globalThis.written = [];
        const {fillText} = CanvasRenderingContext2D.prototype;
        globalThis.usualText = fillText;
        CanvasRenderingContext2D.prototype.fillText = function (...given) {
            written.push(given[0]);
            return fillText.apply(this, given);
        };
    }""")
    page.set_viewport_size({"width": 1920, "height": 1080})
    last = page.evaluate(f"{STATE}.then(run => run.count - 1)")
    step_to(page, last)
    panel = page.locator("#panel-choice")
    assert panel.locator(".chart-stage").evaluate("stage => stage.clientWidth") < 240
    probability = panel.locator(".facts dd").nth(2).inner_text()
    until(page, "probability => written.includes(probability)", probability)
    page.evaluate("() => void (CanvasRenderingContext2D.prototype.fillText = usualText)")
    expect(panel).to_contain_text("top-k kept 1 token and removed")


def test_charts_name_the_chosen_unit_once(page: Page) -> None:
    read(page, FIRST)
    step_to(page, 4)
    for unit in ("nats", "bits"):
        page.evaluate(
            "unit => import(new URL('page/choices.js', location.href)).then(({set}) => set('units', unit))", unit
        )
        with page.expect_download() as download:
            page.locator("#panel-focus").get_by_label("save as SVG").click()
        root = ElementTree.parse(download.value.path()).getroot()
        assert [text.text for text in root.iter(f"{SVG}text")].count(unit) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_coloured_text_and_the_strip_can_be_saved(scheme: Literal["light", "dark"], page: Page) -> None:
    page.emulate_media(color_scheme=scheme)
    read(page, FIRST + "\n\tSecond <line> & more")
    run = page.evaluate(f"{STATE}.then(run => ({{texts: run.tokens.texts, colours: run.colours.{scheme}.background}}))")
    page.get_by_text("Table and files").click()
    files = {}
    for title in ("Coloured text", "Surprisal and entropy"):
        for kind in ("SVG", "PNG"):
            with page.expect_download() as download:
                page.locator("#along").get_by_label(f"{title}: save as {kind}").click()
            files[title, kind] = Path(download.value.path())
    assert all(files[title, "PNG"].read_bytes().startswith(b"\x89PNG") for title, _ in files)
    root = ElementTree.parse(files["Coloured text", "SVG"]).getroot()
    written = "".join(text.text or "" for text in root.iter(f"{SVG}text"))
    assert "".join(run["texts"]).replace("\n", "").replace("\t", "    ") in written
    fills = [rect.attrib["fill"] for rect in root.iter(f"{SVG}rect")]
    assert set(run["colours"]) - {"transparent"} <= set(fills)
    bars = ElementTree.parse(files["Surprisal and entropy", "SVG"]).getroot().findall(f"{SVG}rect")
    assert len(bars) >= len(run["texts"]) - 2  # one a token with a probability, and the ground
    expect(page.locator("#along table tbody tr")).to_have_count(len(run["texts"]))


def test_a_wide_chart_stays_where_the_visitor_scrolled(page: Page) -> None:
    """Also when it is drawn again; another token is brought into sight."""
    size = page.viewport_size
    page.set_viewport_size({"width": 360, "height": 900})
    tokens = read(page, FIRST * 4)
    stage = page.locator("#panel-layer_map .chart-stage")
    page.locator("#panel-layer_map").scroll_into_view_if_needed()
    stage.wait_for()
    until(page, "() => document.querySelector('#panel-layer_map .chart-stage').scrollLeft > 0")  # the newest token
    stage.evaluate("stage => (stage.scrollLeft = 0)")
    page.locator("#panel-layer_map").get_by_label("Quantity").select_option("change_norm")
    expect(stage).to_have_attribute("aria-label", re.compile("^Change by the layer of"))
    assert stage.evaluate("stage => stage.scrollLeft") == 0
    step_to(page, tokens - 2)
    until(page, "() => document.querySelector('#panel-layer_map .chart-stage').scrollLeft > 0")
    page.locator("#panel-layer_map").get_by_label("Quantity").select_option("hidden_norm")
    if size:
        page.set_viewport_size(size)
