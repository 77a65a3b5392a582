"""Panels' Python in the Python lens, the model's passes it takes, plots, hover words, and the user's own metrics."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from playwright.sync_api import Page, expect

from pyscripts.lab.runner import execute
from pyscripts.lab.shade import coloured
from pyscripts.lab.values import shown
from pyscripts.native import Model, Run
from tests.awaited import awaited
from tests.e2e.lab import ended, over, run, write
from tests.e2e.layers import finished, fresh, step_to, until
from tests.native.panel_page import Awaited, AwaitedRun
from tests.unit.test_charts import call

TEXT = "The quick brown fox jumps over the lazy dog. The quick brown fox"
ASK = "target => import(new URL('lenses/why/choice.js', document.baseURI)).then(({askFor}) => askFor({target}))"
PANELS = Path(__file__).parents[2] / "site/lab/panels"
KEPT = "Object.entries(localStorage).find(([key]) => key.startsWith('tokenlight code') && !key.endsWith('before'))?.[1]"


@pytest.fixture(scope="module")
def expected(native: Model) -> Run:
    return native.read(TEXT)


@pytest.fixture(scope="module")
def opened(lens_page: Page) -> Page:
    return over(lens_page, TEXT)


@pytest.fixture
def page(opened: Page) -> Page:
    return fresh(opened, "python")


def code_of(page: Page) -> str:
    return "\n".join(page.locator("#code .cm-line").all_text_contents()).rstrip()


def show_python(page: Page, panel: str) -> str:
    """Presses “Show the Python for this number” of a panel and waits for its code."""
    title = PANELS.joinpath(f"{panel}.py").read_text(encoding="utf-8").splitlines()[0]
    button = page.locator(f"#panel-{panel} .show-python, #{panel} .show-python").first
    button.evaluate("button => { button.closest('details')?.setAttribute('open', ''); button.click(); }")
    expect(page.locator("#code .cm-line").first).to_have_text(title)
    return code_of(page)


def settings_of(page: Page, panel: str) -> set[str]:
    """The lines of a panel's code, without comments."""
    return {line.partition("  #")[0] for line in show_python(page, panel).splitlines()}


def test_every_panel_has_its_python(page: Page) -> None:
    panels = page.evaluate(
        """async () => {
            const {lenses} = await import(new URL('lenses/index.js', document.baseURI));
            return lenses.filter(({id}) => id !== 'python').flatMap(({panels}) => panels.map(({id}) => id));
        }"""
    )
    assert len(panels) == len(set(panels)) > 20
    assert set(panels) == {path.stem for path in PANELS.glob("*.py")}


def test_a_panel_opens_its_code_with_what_is_chosen(page: Page, native: Model, expected: Run) -> None:
    write(page, "'my own'")
    page.click("#tab-layers")
    step_to(page, 6)
    code = show_python(page, "focus")
    assert "token = 6  # its index in the text" in code
    assert page.evaluate("tokenlight.state().lens") == "python" and page.evaluate(KEPT) == "'my own'"
    expect(page.locator("#code-from-panel")).to_contain_text("Attention entropy")
    assert page.locator("#code-printed").count() == 0  # it waits for Run
    page.click("#run-code")
    ended(page)
    expect(page.locator("#code-value .chart-stage")).to_have_attribute(
        "aria-label", f"Heatmap of {native.manifest['layers']} by {native.manifest['heads']} numbers")
    page.locator("#code-from-panel button").click()
    assert code_of(page) == "'my own'" and page.locator("#code-from-panel").count() == 0


def test_edited_code_of_a_panel_leaves_the_user_s_own(page: Page) -> None:
    write(page, "'mine at first'")
    page.click("#tab-attention")
    show_python(page, "head")
    page.locator("#code .cm-content").press("Control+End")
    page.keyboard.type(" # edited")
    assert "# edited" in page.evaluate(KEPT)
    page.select_option("#code-example", "before")
    assert code_of(page) == "'mine at first'" == page.evaluate(KEPT)
    page.select_option("#code-example", "before")
    assert "# edited" in code_of(page)
    page.select_option("#code-example", "before")
    page.click("#tab-attention")
    show_python(page, "head")
    page.locator("#code .cm-content").press("Control+z")
    assert code_of(page) == "'mine at first'" and page.locator("#code-from-panel").count() == 0


def test_the_why_panels_answer_as_natively(page: Page, native: Model, expected: Run) -> None:
    token = 9
    page.click("#tab-why")
    page.evaluate("token => import(new URL('page/choices.js', document.baseURI)).then(({pin}) => pin(token))", token)
    page.evaluate(ASK, "ow")  # as if typed
    assert {f"token = {token}", 'target = "ow"'} <= settings_of(page, "why_context")
    page.click("#tab-why")
    page.evaluate(ASK, None)
    code = show_python(page, "why_adds")
    assert f"token = {token} " in code and "target = None " in code
    found = ast.literal_eval(run(page, code.removesuffix("  # [layer, head + 1]") + ".tolist().__repr__()")["value"])
    split = native.attribution(expected, token)
    assert_allclose(found, np.column_stack([split.heads, split.mlp]), atol=1e-4)
    sums = f"""
shares = await model.contribution_weights(run, {token})
mean = await model.head_sweep(run, {token}, scope="text", mean=True)
repr([(await model.dependence(run, {token})).tolist(), (await model.head_sweep(run, {token}, 400)).tolist(),
      mean.tolist(), shares.tolist()])
"""
    numbers = ast.literal_eval(run(page, sums)["value"])
    for ours, theirs in zip(numbers, [
        native.dependence(expected, token), native.head_sweep(expected, token, 400),
        native.head_sweep(expected, token, scope="text", mean=True), native.contribution_weights(expected, token),
    ], strict=True):
        assert_allclose(ours, theirs, atol=2e-4)
    assert "599" in run(page, f"await model.dependence(run, {token}, 600)")["value"]


CHOSEN = {  # in these panels; in the others, token 9
    "choice": {"token": 9, "options": {"temperature": 0.7, "topP": 0.9, "repetitionPenalty": 1.2}},
    "compare": {"other": TEXT[:-3] + "dog"},
    "fill-in": {"left": "The quick", "right": " fox", "candidates": [" brown", " lazy"]},
    "patch": {"other": TEXT[:-3] + "dog", "align": [[4, 2], [0, 0], [9, 11]], "heads": True, "token": None},
    "steer": {"layer": 1, "other": TEXT[:-3] + "dog"},
    "why_looks": {"token": 9, "weighted": True},
}


def test_every_code_gives_in_the_page_the_values_of_native_python(page: Page, native: Model, expected: Run) -> None:
    here = AwaitedRun(native, expected.reading, ())
    for path in sorted(PANELS.glob("*.py")):
        panel, settings = path.stem, CHOSEN.get(path.stem, {"token": 9})
        code = call("../lenses/python/filled", "filled", path.read_text("utf-8"), settings)
        found = page.evaluate(
            """async code => {
                const {runCode} = await import(new URL('page/lab.js', document.baseURI));
                const {answer: {json, arrays}} = await runCode(code, () => {}, () => {});
                return {...json, values: json.values ?? [...(arrays.values?.data ?? [])]};
            }""",
            code,
        )
        outcome = awaited(execute(code, {"run": here, "model": Awaited(native), "np": np}, lambda text: None))
        natively = shown(outcome.value, here)
        assert found["kind"] == natively["kind"], (panel, found)
        close(found["values"], np.ravel(natively.get("values", [])), panel)
        rows = [answer["rows"] if answer["kind"] == "table" else [] for answer in (found, natively)]
        for row, other in zip(*rows, strict=True):
            assert [each for each in row if isinstance(each, str)] == [each for each in other if isinstance(each, str)]
            close([each for each in row if not isinstance(each, str)],
                  [each for each in other if not isinstance(each, str)], panel)


def close(found: Any, other: Any, panel: str) -> None:
    """Within 2e-4; None: no number."""
    assert_allclose(np.array(found, float), np.array(other, float), atol=2e-4, rtol=1e-4, err_msg=panel)


def test_names_are_explained_on_hover(page: Page) -> None:
    run(page, "1")  # Python has started
    write(page, "x = run.entropy\nrun.metric('surprise_excess')\nawait model.generate(x)")
    shown = page.locator("#code .cm-tooltip-hover")
    for line, name, words in [
        (0, "entropy", inspect.getdoc(Run.entropy)), (1, "excess", "surprisal minus entropy (nats)"),
        (2, "generate", "Continues a prompt with the page's sampling"),
    ]:
        box = page.evaluate(
            """([line, name]) => {
                const node = document.getElementById('code').shadowRoot.querySelectorAll('.cm-line')[line];
                const range = document.createRange();
                const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
                while (walker.nextNode()) {
                    const at = walker.currentNode.data.indexOf(name);
                    if (at < 0) continue;
                    range.setStart(walker.currentNode, at + 1);
                    range.setEnd(walker.currentNode, at + 2);
                    const {x, y, width, height} = range.getBoundingClientRect();
                    return [x + width / 2, y + height / 2];
                }
            }""",
            [line, name],
        )
        page.mouse.move(*box, steps=4)
        expect(shown).to_contain_text(str(words))
        page.mouse.move(5, 5)
        expect(shown).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_plot_has_the_page_s_colours_and_is_saved(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    run(page, "plot({'surprisal': -run.logprob, 'entropy': run.entropy}, title='Two <lines>', y_label='nats')")
    picture = page.locator("#code-value img")
    until(page, "async () => document.querySelector('#code-value img')?.naturalWidth === 640")
    expect(picture).to_have_attribute("alt", "Two <lines>")
    with page.expect_download() as saved:
        page.click("#code-value button:has-text('SVG')")
    svg = saved.value.path().read_text(encoding="utf-8")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert "var(--" not in svg and f'height="320" fill="{background}"' in svg and "Two &lt;lines&gt;" in svg
    with page.expect_download() as saved:
        page.click("#code-value button:has-text('PNG')")
    data = saved.value.path().read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and int.from_bytes(data[16:20]) == 1280


OWN = """
from pyscripts.metrics import metric

@metric("squared surprisal", "", "a test")
def squared(scored):
    return scored.statistics.surprisal ** 2
"""


def painted(page: Page) -> list[str]:
    """The background that each token has."""
    each = "Array.from(document.querySelectorAll('#tokens [data-index]'), (token) => getComputedStyle(token)"
    return page.evaluate(f"{each}.backgroundColor)")


def rgb(colours: list[str]) -> list[str]:
    """CSS colours such as #aabbcc as the browser gives them."""
    return [f"rgb({int(each[1:3], 16)}, {int(each[3:5], 16)}, {int(each[5:7], 16)})" for each in colours]


def test_a_registered_metric_colours_the_run_it_is_of(page: Page, native: Model, expected: Run) -> None:
    usual = painted(page)
    run(page, OWN)
    expect(page.locator(".own-metric")).to_contain_text("“squared surprisal” is in the colour menu")
    page.select_option("#colouring", label="squared surprisal")
    colours = coloured(expected.statistics.surprisal ** 2)
    assert painted(page) != usual
    assert painted(page) == rgb(colours.light.background)
    expect(page.locator("#legend .legend")).to_contain_text(colours.legend.labels[-1])
    assert page.evaluate("tokenlight.state().run.tokens") == len(expected.ids)
    page.select_option("#colouring", "gltr")
    assert painted(page) != rgb(colours.light.background)
    page.click(".own-metric button")
    assert page.locator("#colouring").evaluate("menu => menu.selectedOptions[0].textContent") == "squared surprisal"
    other = "Another text altogether."
    page.evaluate("text => tokenlight.analyze(text, {})", other)
    finished(page)
    expect(page.locator("#notice")).to_contain_text("“squared surprisal” was computed for another run")
    expect(page.locator(".own-metric")).to_contain_text("was computed for another run")
    assert page.locator("#colouring optgroup").count() == 0
    assert page.locator("#colouring").input_value() == "gltr"
    page.click("#run-code")
    ended(page)
    page.click(".own-metric button")
    anew = coloured(native.read(other).statistics.surprisal ** 2)
    assert painted(page) == rgb(anew.light.background)
    page.select_option("#colouring", "hue")
    page.evaluate("text => tokenlight.analyze(text, {})", TEXT)
    finished(page)


def test_what_the_code_gave_is_saved_as_csv(page: Page) -> None:
    for code, first in (("{'a': [1, 2]}", "a"), ("np.eye(3)", ",0,1,2"), ("run.logprob", ",value")):
        run(page, code)
        with page.expect_download() as download:
            page.locator("#panel-python .files").get_by_role("button", name="CSV").click()
        assert download.value.suggested_filename == "tokenlight-python.csv"
        assert download.value.path().read_text("utf-8-sig").splitlines()[0] == first
