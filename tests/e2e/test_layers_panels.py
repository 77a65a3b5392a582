"""What the panels show and when: three in sight while stepping, nothing of another text, values by key and touch."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.layers import STATE, csv_of, finished, settled, step_to

SVG = "{http://www.w3.org/2000/svg}"
FIRST = "The people of the village went down to the river, and the river was high."
SECOND = "Nobody knew why the light had gone out."


def read(page: Page, text: str) -> int:
    """Reads a text; how many tokens it has."""
    page.evaluate("text => tokenlight.analyze(text)", text)
    return len(finished(page))


@pytest.mark.parametrize("model", ["tiny-gpt2", "smollm2"])
def test_three_panels_are_in_sight_while_stepping(
    model: str, request: pytest.FixtureRequest, open_page: Callable[..., Page]
) -> None:
    site = request.getfixturevalue("real_site" if model == "smollm2" else "tiny_site")
    page = open_page(f"{site}#model={model}&lens=layers")
    page.set_viewport_size({"width": 1400, "height": 900})
    read(page, FIRST)
    for token in (3, 9):
        page.locator(f"#token-{token}").click()
        settled(page, token)
        for panel in ("choice", "layers", "focus"):
            box = page.locator(f"#panel-{panel} .charts").bounding_box()
            assert box is not None and box["height"] > 40
            assert box["y"] >= 0 and box["y"] + box["height"] <= 900, f"{panel} at {box}"
    assert page.evaluate("scrollY") == 0


def test_a_panel_out_of_sight_shows_nothing_of_another_text(tiny_site: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{tiny_site}#lens=layers")
    page.set_viewport_size({"width": 1600, "height": 4000})
    count = read(page, FIRST)
    settled(page, count - 1)
    expect(page.locator(".panel .chart.blank")).to_have_count(0)
    page.set_viewport_size({"width": 900, "height": 400})
    page.locator(".panel").last.locator("h2").evaluate("title => title.scrollIntoView()")
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


def test_keys_read_every_value_of_a_chart(tiny_site: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{tiny_site}#lens=layers")
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


def test_touch_reads_a_value_and_leaves_it_shown(tiny_site: str, browser: Browser) -> None:
    context = browser.new_context(service_workers="block", has_touch=True, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{tiny_site}#lens=layers")
    page.evaluate("tokenlight.ready")
    read(page, FIRST)
    stage = page.locator("#panel-focus .chart-stage")
    stage.scroll_into_view_if_needed()
    settled(page, page.evaluate(f"{STATE}.then(run => run.count - 1)"))
    box = stage.bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + 40, box["y"] + 40)
    expect(page.locator("#panel-focus .readout")).to_contain_text("layer")
    expect(page.locator("#panel-focus .readout")).to_contain_text("on the sink")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_charts_name_the_chosen_unit_once(tiny_site: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{tiny_site}#lens=layers")
    read(page, FIRST)
    step_to(page, 4)
    for unit in ("nats", "bits"):
        page.evaluate(
            "unit => import(new URL('page/edits.js', location.href)).then(({set}) => set('units', unit))", unit
        )
        with page.expect_download() as download:
            page.locator("#panel-focus").get_by_label("save as SVG").click()
        root = ElementTree.parse(download.value.path()).getroot()
        assert [text.text for text in root.iter(f"{SVG}text")].count(unit) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_coloured_text_and_the_strip_can_be_saved(
    scheme: str, tiny_site: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(tiny_site)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
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
