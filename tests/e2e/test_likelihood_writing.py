"""Writing with the likelihood view: alternatives, undo, blanks, live mode, comparison. Real Chromium, tiny models."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.likelihood import TEXT, logprobs, open_view, read, settled, shown_ids
from tests.e2e.reference import ReferenceModel

PLAIN = "The people of the village went down to the river."


@pytest.fixture(scope="module")
def view(browser: Browser, tiny_site: str) -> Iterator[Page]:
    with open_view(browser, tiny_site) as page:
        yield page


@pytest.fixture(scope="module")
def model(checkpoints: Path) -> ReferenceModel:
    return ReferenceModel(checkpoints / "tiny-gpt2")


def until_ids(page: Page, ids: list[int]) -> None:
    page.wait_for_function(
        "ids => import(new URL('page/state.js', location.href)).then(({run}) => run.value?.tokens.ids.join() === ids)",
        arg=",".join(map(str, ids)),
    )
    settled(page)


def test_an_alternative_in_place_undo_and_redo(view: Page, model: ReferenceModel) -> None:
    """Exactly that token changes, what is read is what the model says of the new ids, and there is a way back."""
    run = read(view, PLAIN)
    before = [t["id"] for t in run["tokens"]]
    view.locator("#token-3").click()
    row = view.locator(".alternatives tbody tr:not(.actual)").nth(1)
    wanted = next(top["id"] for top in [t for t in run["tokens"][3]["top"] if t["id"] != before[3]][1:2])
    row.get_by_role("button", name="Replace with").click()
    after = [*before[:3], wanted, *before[4:]]
    until_ids(view, after)
    expect(view.locator("#token-3")).to_have_attribute("aria-selected", "true")
    bos = model.prefix
    np.testing.assert_allclose(logprobs(view), model.read([bos, *after]).token_logprob(), atol=2e-4)
    assert view.input_value("#text") != PLAIN
    view.click("#undo")
    until_ids(view, before)
    assert view.input_value("#text") == PLAIN
    view.locator("#tokens").focus()
    view.keyboard.press("Control+Shift+z")
    until_ids(view, after)
    view.keyboard.press("Control+z")
    until_ids(view, before)


def test_writing_on_from_an_alternative(view: Page) -> None:
    run = read(view, PLAIN)
    before = [t["id"] for t in run["tokens"]]
    view.locator("#token-5").click()
    view.locator(".alternatives tbody tr").nth(2).get_by_role("button", name="Continue from").click()
    expect(view.locator("#tokens .generated").first).to_be_visible()
    settled(view)
    ids = shown_ids(view)
    assert ids[:5] == before[:5]
    assert ids[5] == run["tokens"][5]["top"][2]["id"]
    assert len(ids) > 6
    assert view.locator("#tokens .generated").count() == len(ids) - 6
    view.click("#undo")
    until_ids(view, before)


def reference_ranking(
    model: ReferenceModel, left: list[int], right: list[int], candidates: list[list[int]]
) -> list[tuple]:
    """[candidate] p(candidate | left) and the share with both sides, by one whole pass for each."""
    bos = model.prefix
    first, both = [], []
    for ids in candidates:
        logprob = model.read([bos, *left, *ids, *right]).token_logprob()
        own = logprob[len(left) : len(left) + len(ids)].sum()
        first.append(np.exp(own))
        both.append(own + logprob[len(left) + len(ids) :].sum())
    share = np.exp(np.array(both) - max(both))
    return list(zip(first, share / share.sum(), strict=True))


def test_candidates_for_selected_tokens_equal_transformers(view: Page, model: ReferenceModel) -> None:
    """Batches behind the cache of the left side, rows of unequal length, against whole passes."""
    run = read(view, PLAIN)
    ids = [t["id"] for t in run["tokens"]]
    view.locator("#tokens").focus()
    view.keyboard.press("Home")
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight"):
        view.keyboard.press(key)
    view.fill("#words", "house, light of the morning")
    view.click("#rank")
    expect(view.locator("#ranking")).to_be_visible()
    ranked = view.evaluate(
        "import(new URL('lenses/tokens/blanks.js', location.href)).then(({ranking}) => ranking.value.ranked)"
    )
    assert ids[2:4] in [r["ids"] for r in ranked]
    assert max(len(r["ids"]) for r in ranked) > 2  # a candidate of several tokens
    assert len(ranked) >= 30
    expected = reference_ranking(model, ids[:2], ids[4:], [r["ids"] for r in ranked])
    np.testing.assert_allclose([r["probability"] for r in ranked], [p for p, _ in expected], rtol=2e-3, atol=1e-9)
    np.testing.assert_allclose([r["share"] for r in ranked], [share for _, share in expected], rtol=5e-3, atol=1e-9)
    assert [r["share"] for r in ranked] == sorted((r["share"] for r in ranked), reverse=True)
    other = next(i for i, r in enumerate(ranked) if r["ids"] != ids[2:4])
    view.locator("#ranking tbody tr").nth(other).get_by_role("button").click()
    until_ids(view, [*ids[:2], *ranked[other]["ids"], *ids[4:]])


def test_a_typed_blank(view: Page, model: ReferenceModel) -> None:
    """“the ___ went”: the space belongs to the candidate, and the text is put together again."""
    read(view, PLAIN)
    view.fill("#text", "The people of the ___ went down.")
    view.fill("#words", "village")
    view.click("#rank")
    row = view.locator("#ranking tbody tr", has_text="␣village")
    expect(row).to_have_count(1)
    row.get_by_role("button").click()
    expect(view.locator("#tokens")).to_have_text("The people of the village went down.")
    settled(view)


def test_a_typed_blank_comes_before_a_selection_in_the_text_before_it(view: Page) -> None:
    read(view, PLAIN)
    view.locator("#token-2").click()
    view.keyboard.press("Shift+ArrowRight")
    blank = view.locator("#fill-in .context mark")
    expect(blank).not_to_have_text("___")
    view.evaluate("import(new URL('page/choices.js', location.href)).then(({set}) => set('live', false))")
    view.fill("#text", "The people of the ___ went down.")
    expect(blank).to_have_text("___")
    view.evaluate("""import(new URL('page/choices.js', location.href)).then(({select, set}) => {
        set('live', true);
        select({pinned: null, span: null});
    })""")


def test_live_mode_reads_while_typing(view: Page) -> None:
    """What has not changed is not computed again, and the chosen token stays chosen."""
    read(view, PLAIN)
    view.focus("#text")
    view.keyboard.press("Control+End")
    view.locator("#token-2").dispatch_event("click")  # as a list does: the caret stays
    view.keyboard.type(" The people", delay=40)
    expect(view.locator("#tokens")).to_have_text(f"{PLAIN} The people")
    settled(view)
    expect(view.locator("#token-2")).to_have_attribute("aria-selected", "true")
    run = view.evaluate("text => tokenlight.analyze(text)", f"{PLAIN} The people")
    np.testing.assert_allclose(logprobs(view), [t["logprob"] for t in run["tokens"]], atol=1e-5)
    view.click("#pin")
    expect(view.locator("#token-2")).to_have_attribute("aria-selected", "false")


def test_the_same_text_with_another_model(view: Page, checkpoints: Path) -> None:
    """Each token's change is the difference of what the two models say of it."""
    first = read(view, TEXT)
    view.fill("#text", "")
    expect(view.locator("#keep")).to_be_disabled()
    view.click("#undo")
    settled(view)
    view.click("#keep")
    expect(view.locator("#compare")).to_contain_text("tiny-gpt2")
    view.select_option("#compare-with", "tiny-llama")
    expect(view.locator("#compare .sides section")).to_have_count(2, timeout=60_000)
    second = view.evaluate("text => tokenlight.analyze(text)", TEXT)
    assert second["model"]["id"] == "tiny-llama"
    expect(view.locator("#compare .sides section")).to_have_count(2)
    found = view.evaluate(
        """import(new URL('lenses/tokens/comparing.js', location.href)).then(({comparison: {value}}) =>
          Object.fromEntries(Object.entries(value.arrays).map(([name, {data}]) => [name, Array.from(data)])))"""
    )
    change = [b["logprob"] - a["logprob"] for a, b in zip(first["tokens"], second["tokens"], strict=True)]
    np.testing.assert_allclose(found["b_change"], change, atol=1e-4)
    np.testing.assert_allclose(found["a_change"], np.negative(change), atol=1e-4)
    most = max(range(len(change)), key=lambda i: abs(change[i]))
    view.locator("#compare .changes button").first.click()
    expect(view.locator(f"#token-{most}")).to_have_attribute("aria-selected", "true")
    expect(view.locator("#compare .changes button").first).to_have_attribute("aria-pressed", "true")


def test_two_texts(view: Page) -> None:
    """Passages both texts have are compared, the others are not."""
    read(view, "The people of the village went home.")
    view.locator("#compare").get_by_role("button", name=re.compile("^Pin th")).click()
    read(view, "Once more: the people of the village went down.")
    expect(view.locator("#compare .sides section")).to_have_count(2)
    a, b = (view.locator(f"#compare section[aria-label='Run {name}'] .tokens") for name in "AB")
    expect(a).to_have_text("The people of the village went home.")
    expect(b).to_have_text("Once more: the people of the village went down.")
    for side, passage in ((a, " people of the village went"), (b, " people of the village went")):
        both = "all => all.map(e => [e.textContent, getComputedStyle(e).backgroundColor])"
        tokens = side.locator(".token").evaluate_all(both)
        coloured = "".join(text for text, colour in tokens if colour != "rgba(0, 0, 0, 0)")
        assert passage in coloured
        assert "home" not in coloured and "down" not in coloured and "Once" not in coloured
    view.get_by_role("button", name="Unpin A").click()
    expect(view.locator("#compare .sides")).to_have_count(0)


def test_two_texts_that_share_nothing_or_are_alike(view: Page) -> None:
    """Said in the chosen unit."""
    compare = view.locator("#compare")
    read(view, "The people")
    compare.get_by_role("button", name=re.compile("^Pin th")).click()
    read(view, "12345!")
    expect(compare).to_contain_text("The two texts have no passage in common.")
    read(view, "The people")
    expect(compare).to_contain_text("No token changed by 0.0144 bits or more.")
    expect(compare).not_to_contain_text("hanged model")
    view.get_by_role("button", name="Unpin A").click()


def test_each_side_says_what_was_changed_inside_its_model(view: Page) -> None:
    off = {"heads": [{"layer": 1, "head": 2, "scale": 0}, {"layer": 0, "head": 1, "scale": 0.5}]}
    view.evaluate("([text, given]) => tokenlight.analyze(text, {interventions: given})", ["The people went home.", off])
    compare = view.locator("#compare")
    compare.get_by_role("button", name=re.compile("^Pin th")).click()
    view.evaluate("tokenlight.analyze('The people went home.', {interventions: {}})")
    said = "head 0.1 × 0.5, head 1.2 off"
    sides = compare.locator(".sides section .hint")
    expect(sides).to_have_count(2)
    expect(sides.first).to_contain_text(f"Changed model: {said}")
    expect(sides.last).to_contain_text("Unchanged model")
    expect(compare.locator(".row .hint")).to_contain_text(f"(changed: {said})")
    view.get_by_role("button", name="Unpin A").click()


def test_a_closed_lens_draws_nothing(tiny_site: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{tiny_site}#lens=layers")
    page.evaluate("tokenlight.analyze('One two three')")
    expect(page.locator("#panel-choice")).to_have_attribute("data-token", re.compile(r"\d"))
    assert page.locator("#remarks .card, #inspector *, #compare *").count() == 0
    page.locator("#tab-tokens").click()
    expect(page.locator("#remarks .card")).not_to_have_count(0)
    page.evaluate("tokenlight.analyze('One two three four five six')")
    page.wait_for_timeout(500)
    expect(page.locator("#panel-choice")).to_have_attribute("data-token", "")  # nor does it keep the last text's values
