"""Steer in the page: vectors taken, used, saved and opened; panels out of sight; links without long vectors."""

import json
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest
from numpy.testing import assert_allclose
from playwright.sync_api import Locator, Page, expect

from pyscripts.native import Model
from tests.e2e.layers import STATE, finished, fresh, pin_and_read, read, until

A = "The quick brown fox jumps over the lazy dog."
B = "The lazy brown fox jumps over the quick dog."


@pytest.fixture
def page(lens_page: Page) -> Page:
    return fresh(lens_page, "why")


def test_a_vector_steers_and_is_saved_and_opened(page: Page, native: Model, tmp_path: Path) -> None:
    """The chip, the text read again as without a browser, generation with and without, the file, the link."""
    pin_and_read(page, A, B)
    panel = page.locator("#panel-steer")
    panel.scroll_into_view_if_needed()
    panel.get_by_role("button", name="Take this vector").click(timeout=20_000)
    sizes = panel.locator(".why-tools :is(label, output, button)").evaluate_all(
        "all => all.map((each) => getComputedStyle(each).fontSize)")
    assert len(sizes) > 3 and len(set(sizes)) == 1
    panel.locator("input[type=range]").evaluate("e => { e.value = '6'; e.dispatchEvent(new Event('change')); }")
    panel.get_by_role("button", name="Steer", exact=True).click()
    expect(page.locator("#interventions .chip")).to_have_count(1)
    finished(page)
    vector = native.steering_vector(native.read(A), native.read(B), 1)
    given = {"add": [{"layer": 1, "position": None, "vector": (6 * vector).tolist()}]}
    run = page.evaluate("tokenlight.state().interventions")
    assert_allclose(run["add"][0]["vector"], 6 * vector, atol=1e-4)
    page.evaluate("""import(new URL('page/choices.js', document.baseURI)).then(async (choices) => {
        const {settings} = await import(new URL('page/state.js', document.baseURI));
        choices.set('sampling', {...settings.value.sampling, greedy: true, maxTokens: 6, stopAtEnd: false}); })""")
    panel.get_by_role("button", name="Generate before and after").click()
    until(page, "async () => document.querySelectorAll('#steered section').length === 2"
                " && !document.querySelector('#steered').textContent.includes('…')")
    finished(page)
    texts = page.locator("#steered .tokens").all_text_contents()
    for text, interventions in zip(texts, ({}, given), strict=True):
        found = native.generate(B, greedy=True, max_tokens=6, interventions=interventions, stop_at_end=False)
        assert text == found.text
    assert texts[0] != texts[1]
    with page.expect_download() as saved:
        panel.get_by_role("button", name="Save the vector").click()
    file = tmp_path / "vector.json"
    saved.value.save_as(file)
    stored = json.loads(file.read_text())
    assert_allclose(stored["vector"], vector, atol=1e-4)
    panel.get_by_role("button", name="Discard it").click()
    expect(page.locator("#interventions .chip")).to_have_count(0)
    finished(page)
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**stored, "model": "0" * 64}))
    page.set_input_files("#vector-file", other)
    expect(page.locator("#notice")).to_contain_text("not for this")
    page.set_input_files("#vector-file", file)
    expect(panel.locator(".lead")).to_contain_text("Vector before layer 1: from vector.json")
    assert np.linalg.norm(stored["vector"]) > 0


def steer_panel(page: Page) -> Locator:
    """The panel in sight, without a vector of another test."""
    panel = page.locator("#panel-steer")
    panel.scroll_into_view_if_needed()
    discard = panel.get_by_role("button", name="Discard it")
    if discard.count():
        discard.click()
    return panel


@pytest.mark.parametrize("ending", ["document.getElementById('stop').click()", f"void tokenlight.analyze('{A}')"])
def test_the_vector_comes_back_whatever_ends_before_and_after(page: Page, ending: str) -> None:
    """Ended while the text without the vector is generated: by Stop, or by another run."""
    pin_and_read(page, A, B)
    panel = steer_panel(page)
    panel.get_by_role("button", name="Take this vector").click(timeout=20_000)
    panel.get_by_role("button", name="Steer", exact=True).click()
    finished(page)
    steering = page.evaluate("tokenlight.state().interventions")
    assert len(steering["add"]) == 1
    page.evaluate("""import(new URL('page/choices.js', document.baseURI)).then(async (choices) => {
        const {settings} = await import(new URL('page/state.js', document.baseURI));
        choices.set('sampling', {...settings.value.sampling, greedy: true, maxTokens: 200, stopAtEnd: false}); })""")
    page.evaluate(f"""import(new URL('page/state.js', document.baseURI)).then(({{run}}) => new Promise((resolve) => {{
        run.subscribe(({{kind, conditions}}) => {{  // as soon as the text without the vector is shown
            if (kind === 'generate' && conditions.interventions === '{{}}') setTimeout(resolve);
        }});
        const buttons = [...document.querySelectorAll('#panel-steer button')];
        buttons.find((one) => one.textContent.startsWith('Generate')).click();
    }})).then(() => {{ {ending}; }})""")
    until(page, f"() => {STATE}.then((run) => run.done && run.conditions.interventions !== '{{}}')")
    assert page.evaluate("tokenlight.state().interventions") == steering
    assert page.evaluate(f"{STATE}.then(run => JSON.parse(run.conditions.interventions))") == steering
    expect(page.locator("#interventions .chip")).to_have_count(1)
    panel.get_by_role("button", name="Discard it").click()
    finished(page)
    assert page.evaluate("tokenlight.state().interventions") == {}


def test_a_vector_from_two_lists_of_texts(page: Page, native: Model) -> None:
    read(page, A)
    panel = steer_panel(page)
    lists = [A, "The quick fox", "A model"], [B, "The river"]
    panel.locator("summary", has_text="two lists").click()
    for name, texts in zip("ab", lists, strict=True):
        panel.locator(f"textarea[name={name}]").fill("\n".join(texts) + "\n")
    panel.get_by_role("button", name="Take the mean").click()
    expect(panel.locator(".lead")).to_contain_text("mean over 3 texts of A minus 2 of B", timeout=20_000)
    with page.expect_download() as saved:
        panel.get_by_role("button", name="Save the vector").click()
    vector = json.loads(Path(saved.value.path()).read_text())["vector"]
    runs = [[native.read(text) for text in texts] for texts in lists]
    assert_allclose(vector, native.steering_vector(runs[0], runs[1], 1), atol=2e-4)
    panel.get_by_role("button", name="Discard it").click()


def test_a_new_vector_takes_the_place_of_the_one_held(page: Page) -> None:
    """Without discarding it first: a new pair is pinned and read, and what steered by the old one stops."""
    pin_and_read(page, A, B)
    panel = steer_panel(page)
    panel.get_by_role("button", name="Take this vector").click(timeout=20_000)
    pin_and_read(page, "The river was high", A)
    panel.get_by_role("button", name="Steer", exact=True).click()
    finished(page)
    expect(page.locator("#interventions .chip")).to_have_count(1)
    expect(panel.get_by_role("button", name="Take this vector")).to_have_count(0)
    panel.get_by_text("Take a new vector …").click()
    expect(panel.locator("#new-vector")).to_contain_text("A (“The river was high”) minus this text")
    panel.get_by_role("button", name="Take this vector").click(timeout=20_000)
    expect(page.locator("#interventions .chip")).to_have_count(0)
    finished(page)
    expect(panel.locator(".lead")).to_have_count(1)
    expect(panel.locator(".lead")).to_contain_text(f"Vector before layer 1: A minus “{A[:40]}…”")
    panel.get_by_role("button", name="Discard it").click()
    expect(panel.get_by_text("Take a new vector …")).to_have_count(0)
    panel.get_by_role("button", name="Take this vector").click(timeout=20_000)
    assert panel.locator("#new-vector").evaluate("details => details.open") is False
    panel.get_by_role("button", name="Discard it").click()


def test_panels_out_of_sight_do_not_claim_to_compute(page: Page) -> None:
    """Nothing is computed for them until they are in sight; they say so after another token is chosen, too."""
    pin_and_read(page, A, B)
    page.evaluate("import(new URL('page/choices.js', document.baseURI)).then((choices) => choices.pin(8))")
    panels = [f"#panel-{id}" for id in ("why_adds", "why_tokens", "why_heads", "why_context", "change", "steer")]
    for panel in panels:
        page.locator(panel).scroll_into_view_if_needed()
        expect(page.locator(panel)).not_to_contain_text("Computing…", timeout=20_000)
        expect(page.locator(panel)).to_contain_text("How is this computed?")
    page.evaluate("scrollTo(0, 0)")
    until(page, """() => import(new URL('lenses/in_sight.js', document.baseURI))
        .then(({isSeen}) => !isSeen('why_context') && !isSeen('steer'))""")
    page.evaluate("import(new URL('page/choices.js', document.baseURI)).then((choices) => choices.pin(5))")
    read(page, B + " more")
    said = page.evaluate("""import(new URL('lenses/in_sight.js', document.baseURI)).then(({isSeen}) =>
        [...document.querySelectorAll('#why .panel')].filter(({id}) => !isSeen(id.replace('panel-', '')))
            .map(({id, textContent}) => [id, textContent]))""")
    assert {"panel-why_context", "panel-steer"} <= {id for id, _ in said}
    assert [each for each in said if "Computing…" in each[1]] == []
    assert "Computed when you scroll to it." in dict(said)["panel-why_context"]


def test_a_link_says_that_it_leaves_out_vectors_that_are_too_long(page: Page, native: Model) -> None:
    """The other interventions stay in it, and the run keeps all of them."""
    heads = [{"layer": 0, "head": 1, "scale": 0}]
    row = np.random.default_rng(5).normal(size=native.manifest["hidden_size"]).tolist()
    given = {"heads": heads, "add": [{"layer": 1, "position": place, "vector": row} for place in range(1, 9)]}
    read(page, A, interventions=given)
    page.click("#copy-link")
    expect(page.locator("#notice")).to_contain_text("too long for a link and are left out: save them as files")
    linked = parse_qs(page.evaluate("location.hash.slice(1)"))["interventions"]
    assert json.loads(linked[0]) == {"heads": heads}
    assert len(page.evaluate("tokenlight.state().interventions.add")) == 8
    read(page, A)
