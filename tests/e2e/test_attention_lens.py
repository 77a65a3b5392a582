"""The attention lens in Chromium: the text shaded as transformers attends, pinned, unpinned; heads opened, zoomed."""

from __future__ import annotations

import hashlib
import html
import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.layers import csv_of, finished, fresh, open_lens, until
from tests.e2e.likelihood import shows
from tests.e2e.reference import ReferenceModel

TEXT = "The people of the village went down to the river, and the people of the village came home."
CHOICE = "import(new URL('lenses/attention/choice.js', document.baseURI))"


@pytest.fixture
def page(lens_page: Page) -> Page:
    fresh(lens_page, "attention")
    lens_page.evaluate(f"{CHOICE}.then(c => {{ c.scope.value = 'all'; c.by.value = 'mean'; c.direction.value = 'to';"
                  " c.sinkHidden.value = false; c.pointed.value = null; c.picked.value = new Set(); })")
    lens_page.mouse.move(0, 0)
    return lens_page


def read(page: Page, text: str) -> list[int]:
    page.evaluate("text => tokenlight.analyze(text)", text)
    return finished(page)


@pytest.fixture(scope="module")
def attentions(lens_page: Page, checkpoints: Path) -> np.ndarray:
    """[layer, head, position, position] of TEXT, by transformers."""
    model = ReferenceModel(checkpoints / "tiny-gpt2")
    return model.read([model.prefix, *read(lens_page, TEXT)]).attentions


def shades(page: Page) -> list[str]:
    """[token] the background of each token."""
    return page.locator("#tokens .token").evaluate_all("all => all.map(e => getComputedStyle(e).backgroundColor)")


def shaded(page: Page, row: np.ndarray) -> None:
    """Waits until the tokens have the palette's colours for a row of weights [token]."""
    levels = np.rint(255 * row / row.max()).astype(int).tolist()
    until(page, """async levels => {
        const {palettes} = await import(new URL('page/state.js', document.baseURI));
        const tokens = [...document.querySelectorAll('#tokens .token')];
        const hex = (code) => [1, 3, 5].map((i) => parseInt(code.slice(i, i + 2), 16));
        const read = (code) => code.startsWith('#') ? hex(code) : code.match(/\\d+/g).map(Number);
        const near = (a, b) => read(a).every((value, i) => Math.abs(value - read(b)[i]) <= 4);
        return levels.every((level, i) => {
            const has = getComputedStyle(tokens[i]).backgroundColor;
            return near(has, palettes.value.magnitude.light[level]);
        });
    }""", levels)


def test_pointing_shades_the_text_and_pressing_pins_it(page: Page, attentions: np.ndarray) -> None:
    """What is shaded is transformers' mean over all heads; a press pins it, another unpins it."""
    read(page, TEXT)
    mean = attentions.mean(axis=(0, 1))[1:, 1:]
    for token in (3, 9):
        page.locator(f"#token-{token}").hover()
        shaded(page, mean[token][: token + 1])
    page.locator("#token-9").click()
    page.locator("#token-4").hover()
    shaded(page, mean[9][:10])
    said = page.locator("#panel-looks_at .lead strong")
    expect(page.locator("#panel-looks_at .lead")).to_contain_text("looks at")
    assert shows(said.inner_text(), float(mean[9, 4]))
    page.wait_for_timeout(700)  # sooner it would be a double click
    page.locator("#token-9").click()
    expect(page.locator("#token-9")).to_have_attribute("aria-selected", "false")
    page.locator("#token-6").hover()
    shaded(page, mean[6][:7])


def test_what_looks_at_a_token_and_one_head_of_it(page: Page, attentions: np.ndarray) -> None:
    read(page, TEXT)
    count = attentions.shape[2] - 1
    page.get_by_role("button", name="Looked at by").click()
    page.get_by_label("Heads", exact=True).select_option("layer")
    page.get_by_label("Combined by").select_option("max")
    layer = page.evaluate(f"{CHOICE}.then(c => c.head.value.layer)")
    page.locator("#token-5").click()
    column = attentions[layer].max(axis=0)[1:, 1:][:, 5]
    page.mouse.move(0, 0)
    until(page, """async ([from, count]) => {
        const tokens = [...document.querySelectorAll('#tokens .token')];
        const plain = (token) => getComputedStyle(token).backgroundColor === 'rgba(0, 0, 0, 0)';
        return tokens.slice(0, from).every(plain) && tokens.length === count;
    }""", [5, count])
    listed = csv_of(page, "looks_at")
    np.testing.assert_allclose([float(row["weight"]) for row in listed], column[5:], atol=1e-5)


def test_keys_move_pin_and_unpin(page: Page) -> None:
    read(page, TEXT)
    page.locator("#tokens").focus()
    heading = page.locator("#attention .about-token .hint")
    page.keyboard.press("Home")
    expect(heading).to_contain_text("token 1,")
    page.keyboard.press("ArrowRight")
    expect(heading).to_contain_text("token 2,")
    page.keyboard.press("Enter")
    expect(page.locator("#token-1")).to_have_attribute("aria-selected", "true")
    page.locator("#token-7").hover()
    expect(heading).to_contain_text("token 2,")
    page.locator("#tokens").focus()
    page.keyboard.press("Escape")
    expect(page.locator("#token-1")).to_have_attribute("aria-selected", "false")


def test_a_finger_pins_and_unpins(browser: Browser, tiny_site: str) -> None:
    with open_lens(browser, f"{tiny_site}#model=tiny-gpt2&lens=attention", has_touch=True) as page:
        read(page, TEXT)
        heading = page.locator("#attention .about-token .hint")
        page.locator("#token-3").tap()
        expect(heading).to_contain_text("token 4,")
        expect(page.locator("#token-3")).to_have_attribute("aria-selected", "true")
        page.wait_for_timeout(700)  # sooner it would be a double tap
        page.locator("#token-3").tap()
        expect(page.locator("#token-3")).to_have_attribute("aria-selected", "false")


def matrix(page: Page) -> Any:
    return page.locator("#panel-head .chart-stage").first


def test_a_head_opens_and_its_matrix_zooms(page: Page, attentions: np.ndarray) -> None:
    read(page, TEXT)
    page.set_viewport_size({"width": 1400, "height": 1600})
    page.get_by_label("Layer", exact=True).select_option("1")
    page.get_by_label("Head", exact=True).select_option("2")
    expect(page.locator("#panel-head .lead")).to_contain_text("Head 1.2")
    stage, readout = matrix(page), page.locator("#panel-head .readout").first
    stage.focus()
    for key in ("ArrowDown",) * 7 + ("ArrowRight",) * 4:
        page.keyboard.press(key)
    said = readout.inner_text()
    row, column = (int(part.split(")")[0]) for part in said.split("(")[1:3])
    value = attentions[1, 2, row, column]
    number = float(said.rsplit(" ", 1)[1].rstrip("%")) / 100
    assert number == pytest.approx(value, rel=0.01, abs=1e-4)
    whole = page.get_by_role("button", name="Whole matrix")
    expect(whole).to_be_disabled()
    page.keyboard.press("+")
    expect(whole).to_be_enabled()
    page.keyboard.press("0")
    expect(whole).to_be_disabled()
    box = stage.bounding_box()
    assert box
    page.mouse.move(box["x"] + 150, box["y"] + 150)
    page.mouse.wheel(0, -300)
    expect(whole).to_be_enabled()
    whole.click()
    expect(whole).to_be_disabled()
    page.set_viewport_size({"width": 1400, "height": 600})
    stage.scroll_into_view_if_needed()
    stage.focus()
    page.mouse.move(0, 0)
    box = stage.bounding_box()
    assert box
    top = page.evaluate("scrollY")
    page.mouse.move(box["x"] + 150, max(box["y"] + 100, 100))
    page.mouse.wheel(0, 120)
    until(page, "top => scrollY > top", top)
    expect(whole).to_be_disabled()


def test_pointing_at_a_head_previews_it_and_pressing_opens_it(page: Page, attentions: np.ndarray) -> None:
    read(page, TEXT)
    page.set_viewport_size({"width": 1400, "height": 1600})
    page.locator("#token-8").click()
    expect(page.locator("#panel-head_grid .chart:not(.blank)")).to_have_count(1)
    stage = page.locator("#panel-head_grid .chart-stage")
    box = stage.bounding_box()
    assert box
    shown = page.locator("#panel-head_grid .readout")
    page.mouse.move(box["x"] + 28 + 5, box["y"] + 34 + 5)
    expect(shown).to_contain_text("Head 0.0")
    shaded(page, attentions[0, 0, 1:, 1:][8][:9])
    page.mouse.move(box["x"] + 5, box["y"] + 2)
    shaded(page, attentions.mean(axis=(0, 1))[1:, 1:][8][:9])
    page.mouse.click(box["x"] + 28 + 5, box["y"] + 34 + 5)
    expect(page.locator("#panel-head .lead")).to_contain_text("Head 0.0")
    page.mouse.move(0, 0)
    shaded(page, attentions[0, 0, 1:, 1:][8][:9])


@pytest.mark.parametrize("width", [320, 390, 599])
def test_what_the_shades_mean_is_said_on_a_phone(page: Page, width: int) -> None:
    """In a row of its own with its legend, not in what the buttons leave."""
    page.set_viewport_size({"width": width, "height": 800})
    read(page, TEXT)
    page.locator("#token-8").click()
    said = page.locator("#legend .shading").bounding_box()
    assert said is not None and said["width"] >= 0.4 * width


def test_shades_end_with_the_lens_and_the_run(page: Page) -> None:
    read(page, TEXT)
    page.locator("#token-8").click()
    expect(page.locator("#legend .shading")).to_be_visible()
    attention = shades(page)
    page.click("#tab-tokens")
    expect(page.locator("#legend .shading")).to_have_count(0)
    assert shades(page) != attention
    page.click("#tab-attention")
    expect(page.locator("#legend .shading")).to_be_visible()
    read(page, "Nobody knew why.")
    expect(page.locator("#legend .shading")).to_be_visible()
    expect(page.locator("#tokens .unread")).to_be_empty()


def test_pictures_carry_what_they_are_of(page: Page) -> None:
    """The SVG's metadata name the model, the text's hash and what was shown; the PNG's text chunk says the same."""
    read(page, TEXT)
    page.set_viewport_size({"width": 1400, "height": 1600})
    page.locator("#token-4").click()
    panel = page.locator("#panel-looks_at")
    expect(panel.locator(".chart:not(.blank)")).to_have_count(1)
    saved = []
    for kind in ("SVG", "PNG"):
        with page.expect_download() as download:
            panel.get_by_role("button", name=f"save as {kind}").click()
        saved.append(Path(download.value.path()).read_bytes())
    found = re.search(r"<metadata>(.*?)</metadata>", saved[0].decode())
    assert found
    about = json.loads(html.unescape(found[1]))
    assert about["model"]["id"] == "tiny-gpt2" and about["token"] == 4 and about["arguments"]["direction"] == "to"
    assert about["model"]["weights"] == "fp32" and about["interventions"] == {} and about["prefix"] is not None
    assert about["made_by"].startswith("Tokenlight ")
    assert about["text_sha256"] == hashlib.sha256(TEXT.encode()).hexdigest()
    texts, at, png = [], 8, saved[1]
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        name, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length]) == (zlib.crc32(name + data),), name
        texts += [data] if name == b"iTXt" else []
        at += 12 + length
    (text,) = texts
    assert text.startswith(b"Description\0\0\0\0\0") and json.loads(text[16:]) == about


def test_the_matrix_that_is_saved_is_the_one_in_the_table(page: Page, attentions: np.ndarray) -> None:
    """Every cell of the SVG has the palette's colour for the CSV's weight, which is transformers'; none is missing."""
    read(page, TEXT)
    page.set_viewport_size({"width": 1400, "height": 1600})
    page.get_by_label("Layer", exact=True).select_option("0")
    page.get_by_label("Head", exact=True).select_option("3")
    panel = page.locator("#panel-head")
    expect(panel.locator(".lead")).to_contain_text("Head 0.3")
    with page.expect_download() as download:
        panel.get_by_role("button", name="save as SVG").first.click()
    saved = Path(download.value.path()).read_text(encoding="utf-8")
    rows = [list(row.values()) for row in csv_of(page, "head")]
    weights = np.array([[float(cell or "nan") for cell in row[2 : 2 + len(rows)]] for row in rows])
    np.testing.assert_allclose(np.tril(np.nan_to_num(weights)), attentions[0, 3], atol=1e-5)
    palette = page.evaluate(
        "import(new URL('page/state.js', document.baseURI)).then(({palettes}) => palettes.value.magnitude.light)"
    )
    cells = max(re.findall(r"<g[^>]*>(.*?)</g>", saved, re.DOTALL), key=len)
    squares = [
        (float(x), float(y), float(wide), float(high), palette.index(fill))
        for path, fill in re.findall(r'<path d="([^"]*)" fill="([^"]*)"', cells)
        for x, y, wide, high in re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)", path)
    ]
    left, top, side = min(s[0] for s in squares), min(s[1] for s in squares), squares[0][3]
    drawn = np.full(weights.shape, -1)
    for x, y, wide, _, level in squares:
        column, row = round((x - left) / side), round((y - top) / side)
        drawn[row, column : column + round(wide / side)] = level
    shown = ~np.isnan(weights)
    assert (drawn[shown] >= 0).all() and (drawn[~shown] < 0).all()
    expected = (len(palette) - 1) * weights[shown] / weights[shown].max()
    alike = [[i for i, colour in enumerate(palette) if colour == palette[level]] for level in drawn[shown]]
    assert all(np.abs(np.subtract(levels, level)).min() <= 0.51 for levels, level in zip(alike, expected, strict=True))
    assert len(set(drawn[shown].tolist())) > 50
