"""Patch in the page: the grids of Python without a browser, tokens paired by hand, cancelled and continued."""

import re
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from playwright.sync_api import Locator, Page, expect

from pyscripts.native import Model
from tests.e2e.layers import fresh, pin_and_read, read, until

A = "The quick brown fox jumps over the lazy dog."
B = "The lazy brown fox jumps over the quick dog."
GRID = "([options]) => tokenlight.patch(options).then(({data, ...others}) => ({...others, data: [...data]}))"


@pytest.fixture
def page(lens_page: Page) -> Page:
    lens_page.evaluate("""import(new URL('lenses/why/patch_choice.js', document.baseURI))
        .then(({copied}) => void (copied.value = 'residual'))""")
    return fresh(lens_page, "why")


def test_the_grid_is_that_without_a_browser(page: Page, native: Model) -> None:
    a, b = native.read(A), native.read(B)
    pin_and_read(page, A, B)
    asked: tuple[dict[str, Any], ...] = {}, {"target": 17}, {"target": 17, "versus": 9}
    for options in asked:
        found = page.evaluate(GRID, [options])
        expected = native.patch_sweep(a, b, **options)[:, a.reading.trace.first :]
        assert [found["layers"], found["tokens"]] == list(expected.shape)
        assert_allclose(found["data"], expected.ravel(), atol=2e-4)
    read(page, B + " more")
    longer = native.read(B + " more")
    for align in ("start", "end", "both", [[1, 0], [0, 4], [5, 2]]):
        found = page.evaluate(GRID, [{"target": 17, "align": align}])["data"]
        expected = native.patch_sweep(a, longer, 17, align=align)[:, a.reading.trace.first :]
        assert_allclose([np.nan if each is None else each for each in found], expected.ravel(), atol=2e-4)
    panel = page.locator("#panel-patch")
    panel.scroll_into_view_if_needed()
    panel.get_by_label("Aligned").select_option("end", timeout=20_000)
    expect(panel.locator(".lead")).to_contain_text("after A", timeout=20_000)
    said = page.evaluate("tokenlight.patch({}).catch((error) => error.message)")
    assert "change a text so that both have the same number of tokens" in said
    for wrong, words in (
        ("{other: 1}", "no option"), ("{kind: 'head'}", "kind must be"), ("{token: 1}", "kind: 'heads'"),
        ("{kind: 'heads', token: -1}", "index of a token"), ("{align: 'middle'}", "align must be"),
        ("{align: [[0, 1], [0, 2]]}", "token 0 of A is in two pairs"),
    ):
        assert words in page.evaluate(f"tokenlight.patch({wrong}).catch((error) => error.message)")


def test_heads_are_those_without_a_browser(page: Page, native: Model) -> None:
    """By the scripting interface and the panel, at the chosen token and at all; a head that is pressed is chosen."""
    off = {"heads": [{"layer": 1, "head": 2, "scale": 0.5}]}
    a, b = native.read(A, interventions=off), native.read(B)
    pin_and_read(page, A, B, interventions=off)
    for options, token in (({}, -1), ({"token": 4}, 4), ({"token": None}, None)):
        found = page.evaluate(GRID, [{"kind": "heads", "target": 17, "versus": 9, **options}])
        expected = native.patch_head_sweep(a, b, 17, 9, token=token)
        assert [found["layers"], found["heads"]] == list(expected.shape)
        assert_allclose(found["data"], expected.ravel(), atol=2e-4)
    panel = page.locator("#panel-patch")
    panel.scroll_into_view_if_needed()
    panel.get_by_label("What is copied").select_option("token", timeout=20_000)
    token = int((a.ids != b.ids).nonzero()[0][0]) + 1
    page.evaluate("t => import(new URL('page/choices.js', document.baseURI)).then(({pin}) => pin(t))", token)
    panel.locator("button", has_text="Compute the grid").click(timeout=20_000)
    expect(panel.locator(".attention-controls button")).to_have_count(1, timeout=20_000)
    expect(panel.locator(".panel-rest")).to_contain_text("Copied at")
    panel.locator("summary", has_text="As a table").click()
    row = panel.locator("table tbody tr", has_text=re.compile(r"^\s*0\s*3"))  # the last layer's cannot matter there
    value = native.patch_head_sweep(a, b, token=token)[0, 3]
    assert abs(value) > 1e-3
    shown = row.locator("td").last.inner_text(timeout=20_000)  # in bits
    assert float(shown.replace("−", "-")) == pytest.approx(value / np.log(2), abs=3e-4)
    panel.locator(".chart-stage").first.focus()
    for key in ("ArrowRight", "End", "Enter"):  # the first layer's last head
        page.keyboard.press(key)
    whole = native.patch_sweep(a, b)[-1, -1]  # the last row is what A itself predicts
    below = panel.locator(".panel-rest")
    expect(below).to_contain_text("% of the way to A")
    name, share = re.findall(r"head (\S+): .* ([+−]?\d+)% of the way to A", below.inner_text())[0]
    assert (name, float(share.replace("−", "-"))) == ("0.3", pytest.approx(100 * value / whole, abs=0.6))


def test_tokens_are_paired_by_hand(page: Page, native: Model) -> None:
    """From the texts one above the other, by mouse and by keys; what is not paired is blank in the grid."""
    pin_and_read(page, A, B + " more")
    panel = page.locator("#panel-patch")
    panel.scroll_into_view_if_needed()
    panel.get_by_label("Aligned").select_option("start", timeout=20_000)
    pairs = panel.locator(".pairs")
    of_a, of_b = pairs.locator("[data-side=a]"), pairs.locator("[data-side=b]")
    expect(pairs).to_contain_text(f"{len(native.read(A).ids)} pairs", timeout=20_000)
    pairs.get_by_role("button", name="Unpair all").click()
    expect(panel.locator(".lead")).to_contain_text("Pair at least one token", timeout=20_000)
    pairs.locator("[data-side=a]").nth(2).click()
    expect(of_a.nth(2)).to_have_attribute("aria-pressed", "true")
    pairs.get_by_label("This text, token 6:").click()
    expect(pairs).to_contain_text("1 pair.", timeout=20_000)
    pairs.get_by_label("A, token 1:").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")  # the third token of A and the sixth here are above each other
    expect(pairs.get_by_label("A, token 1:")).to_have_attribute("aria-label", re.compile("goes with"), timeout=20_000)
    expect(pairs).to_contain_text("1 pair.")
    pairs.get_by_label("A, token 2:").click()
    pairs.get_by_label("This text, token 2:").click()
    expect(pairs).to_contain_text("2 pairs.", timeout=20_000)
    panel.locator("button", has_text="Compute the grid").click()
    expect(panel.locator(".attention-controls button")).to_have_count(1, timeout=20_000)
    found = page.evaluate("""import(new URL('page/questions.js', document.baseURI)).then(({view}) => view('patch', {
        target: null, versus: null, align: [[0, 5], [1, 1]], sweep: true, heads: false, token: null}))
        .then(({json: {missing}, arrays: {deltas, levels}}) =>
            ({missing, data: [...deltas.data], levels: [...levels.data]}))""")
    a, b = native.read(A), native.read(B + " more")
    expected = native.patch_sweep(a, b, align=[(0, 5), (1, 1)])[:, a.reading.trace.first :]
    assert found["missing"] is None  # the panel has computed just these pairs
    assert_allclose([np.nan if each is None else each for each in found["data"]], expected.ravel(), atol=2e-4)
    levels = np.array(found["levels"]).reshape(expected.shape)[:-1]
    assert np.flatnonzero((levels >= 0).any(axis=0)).tolist() == [1, 5]
    assert len(of_b.all()) == len(b.ids)


def test_parts_of_characters_are_named_by_their_bytes(page: Page) -> None:
    """🦩 and 🦜 differ in their last byte only: where they do is seen, and named."""
    pin_and_read(page, "🦩 river", "🦜 river")
    page.locator("#panel-patch").scroll_into_view_if_needed()
    page.locator("#panel-patch summary", has_text="Align by hand").click(timeout=20_000)
    pairs = page.locator("#panel-patch .pairs")
    expect(pairs.locator("[data-side=a]").first).to_contain_text("bytes F0")
    expect(pairs).not_to_contain_text("\ufffd")
    a, b = (pairs.locator(f"[data-side={side}]").all_inner_texts() for side in "ab")
    differ = pairs.locator(".pair-column").evaluate_all("all => all.map(each => each.matches('.differ'))")
    assert differ == [one != other for one, other in zip(a, b, strict=True)] and any(differ)


def patch_panel(page: Page, pinned: str, shown: str) -> Locator:
    """The panel with one text pinned and another read, before its grid is computed."""
    pin_and_read(page, pinned, shown)
    panel = page.locator("#panel-patch")
    panel.scroll_into_view_if_needed()
    expect(panel.locator(".lead")).to_contain_text("after A", timeout=20_000)
    return panel


def test_a_grid_that_is_cancelled_is_taken_up_again(page: Page) -> None:
    panel = patch_panel(page, A, B)
    count = panel.locator("button", has_text="Compute the grid")
    page.evaluate("""() => {  // pressed as soon as it is there, long before the sweep could end
        new MutationObserver((_, observer) => {
            const buttons = [...document.querySelectorAll('#panel-patch button')];
            const cancel = buttons.find((one) => one.textContent === 'Cancel');
            const computed = /Computing… [1-9]/.test(document.querySelector('#panel-patch .lead').textContent);
            if (!cancel || !computed) return;
            observer.disconnect();
            cancel.click();
        }).observe(document.querySelector('#panel-patch'), {subtree: true, childList: true, characterData: true});
    }""")
    count.click()
    expect(panel.locator(".lead")).to_contain_text("computed.", timeout=20_000)
    page.wait_for_timeout(500)
    expect(panel.locator(".lead")).to_contain_text("computed.")
    expect(count).to_be_visible()
    count.click()
    expect(panel.locator(".attention-controls button")).to_have_count(1, timeout=20_000)  # only the one that pins
    expect(panel.locator(".lead")).not_to_contain_text("computed")
    shot = panel.locator(".chart-stage").first.bounding_box()
    assert shot and shot["width"] > 100


def test_a_grid_that_was_started_goes_on_out_of_sight(page: Page) -> None:
    panel = patch_panel(page, B, A)
    page.evaluate("""() => {  // one task: the lens is left before anything is computed
        const buttons = [...document.querySelectorAll('#panel-patch button')];
        buttons.find((one) => one.textContent === 'Compute the grid').click();
        document.querySelector('#tab-tokens').click();
    }""")
    expect(panel).to_be_hidden()
    until(page, """() => import(new URL('page/questions.js', document.baseURI))
        .then(({view}) => view('patch', {target: null, versus: null, align: null, sweep: true}))
        .then(({json}) => json.of > 0 && json.done === json.of)""")
