"""Patch and Steer in the page: the grid of Python without a browser, cancelled and continued; a vector that steers."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest
from numpy.testing import assert_allclose
from playwright.sync_api import Locator, Page, expect

from pyscripts.native import Model, load
from tests.e2e.layers import STATE, finished, fresh, until

A = "The quick brown fox jumps over the lazy dog."
B = "The lazy brown fox jumps over the quick dog."
GRID = "([options]) => tokenlight.patch(options).then(({data, ...others}) => ({...others, data: [...data]}))"


@pytest.fixture(scope="module")
def native(tiny_models: Path) -> Model:
    return load(tiny_models / "tiny-gpt2", threads=1)


@pytest.fixture
def page(lens_page: Page) -> Page:
    lens_page.evaluate("""import(new URL('lenses/why/patch_choice.js', document.baseURI))
        .then(({copied}) => void (copied.value = 'residual'))""")
    return fresh(lens_page, "why")


def read(page: Page, text: str, **options: object) -> None:
    page.evaluate("([text, options]) => tokenlight.analyze(text, options)", [text, {"interventions": {}, **options}])
    finished(page)


def test_the_grid_is_that_without_a_browser(page: Page, native: Model) -> None:
    a, b = native.read(A), native.read(B)
    read(page, A)
    page.evaluate("tokenlight.pin()")
    read(page, B)
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
    read(page, A, interventions=off)
    page.evaluate("tokenlight.pin()")
    read(page, B)
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
    expect(row).to_contain_text(f"{abs(value):.2}"[:4], timeout=20_000)


def test_tokens_are_paired_by_hand(page: Page, native: Model) -> None:
    """From the texts one above the other, by mouse and by keys; what is not paired is blank in the grid."""
    read(page, A)
    page.evaluate("tokenlight.pin()")
    read(page, B + " more")
    panel = page.locator("#panel-patch")
    panel.scroll_into_view_if_needed()
    panel.get_by_label("Aligned").select_option("start", timeout=20_000)
    pairs = panel.locator(".pairs")
    of_a, of_b = pairs.locator("[data-side=a]"), pairs.locator("[data-side=b]")
    expect(pairs).to_contain_text(f"{len(native.read(A).ids)} pairs", timeout=20_000)
    pairs.get_by_role("button", name="Part all").click()
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


def patch_panel(page: Page, pinned: str, shown: str) -> Locator:
    """The panel with one text pinned and another read, before its grid is computed."""
    read(page, pinned)
    page.evaluate("tokenlight.pin()")
    read(page, shown)
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


def test_a_vector_steers_and_is_saved_and_opened(page: Page, native: Model, tmp_path: Path) -> None:
    """The chip, the text read again as without a browser, generation with and without, the file, the link."""
    read(page, A)
    page.evaluate("tokenlight.pin()")
    read(page, B)
    panel = page.locator("#panel-steer")
    panel.scroll_into_view_if_needed()
    panel.get_by_role("button", name="Take this vector").click(timeout=20_000)
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
    expect(page.locator("#notice")).to_contain_text("not of this")
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
    read(page, A)
    page.evaluate("tokenlight.pin()")
    read(page, B)
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
    expect(panel.locator(".lead")).to_contain_text("mean over 3 texts of A less 2 of B", timeout=20_000)
    with page.expect_download() as saved:
        panel.get_by_role("button", name="Save the vector").click()
    vector = json.loads(Path(saved.value.path()).read_text())["vector"]
    runs = [[native.read(text) for text in texts] for texts in lists]
    assert_allclose(vector, native.steering_vector(runs[0], runs[1], 1), atol=2e-4)
    panel.get_by_role("button", name="Discard it").click()


def test_panels_out_of_sight_do_not_claim_to_compute(page: Page) -> None:
    """Nothing is computed for them until they are in sight; they say so after another token is chosen, too."""
    read(page, A)
    page.evaluate("tokenlight.pin()")
    read(page, B)
    page.evaluate("import(new URL('page/choices.js', document.baseURI)).then((choices) => choices.pin(8))")
    panels = [f"#panel-{id}" for id in ("why_adds", "why_tokens", "why_heads", "why_context", "change", "steer")]
    for panel in panels:
        page.locator(panel).scroll_into_view_if_needed()
        expect(page.locator(panel)).not_to_contain_text("Computing…", timeout=20_000)
        expect(page.locator(panel)).to_contain_text("How is this computed?")
    page.evaluate("scrollTo(0, 0)")
    until(page, """() => import(new URL('lenses/in_sight.js', document.baseURI))
        .then(({inSight}) => !inSight.value.has('why_context') && !inSight.value.has('steer'))""")
    page.evaluate("import(new URL('page/choices.js', document.baseURI)).then((choices) => choices.pin(5))")
    read(page, B + " more")
    said = page.evaluate("""import(new URL('lenses/in_sight.js', document.baseURI)).then(({inSight}) =>
        [...document.querySelectorAll('#why .panel')].filter(({id}) => !inSight.value.has(id.replace('panel-', '')))
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
