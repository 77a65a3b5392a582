"""The Python lens: the run it works on, passes of the model, values, errors, endless loops, links, hostile code."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from numpy.testing import assert_allclose
from playwright.sync_api import Page, expect

from pyscripts.colour import colourings
from pyscripts.native import Model
from tests.e2e.lab import begun, ended, over, run, shading, stopped, write
from tests.e2e.layers import finished, fresh, until
from tests.e2e.test_likelihood_page import violations
from tests.native.test_page import same

TEXT = "The quick brown fox jumps over the lazy dog."
EXAMPLES = Path(__file__).parents[2] / "site/lab/examples"


@pytest.fixture(scope="module")
def opened(lens_page: Page) -> Page:
    return over(lens_page, TEXT)


@pytest.fixture
def page(opened: Page) -> Page:
    return fresh(opened, "python")


def test_an_array_of_the_run_colours_the_text(page: Page, native: Model) -> None:
    found = run(page, "print(len(run.ids), model.manifest['layers'])\ncoloured(run.logprob)")
    expected = native.read(TEXT)
    assert found["printed"] == f"{len(expected.ids)} {native.manifest['layers']}\n"
    page.select_option("#code-example", "gltr")
    until(page, "async () => document.getElementById('code').shadowRoot.textContent.includes('GLTR')")
    page.click("#run-code")
    ended(page)
    colours = shading(page)
    assert colours is not None and colours["title"] == "your code"
    assert colours["light"]["background"] == colourings.gltr(expected.statistics).light.background
    expect(page.locator("#legend")).to_contain_text("top 1,000")
    found = run(page, "import numpy\nnumpy.round(run.logprob, 6).tolist()")
    assert "Colours the text" in found["value"]
    page.click("#tab-tokens")
    assert shading(page) is None
    page.click("#tab-python")


def test_what_was_computed_for_another_run_says_so(page: Page) -> None:
    """Colours, which the text has no more, and other values."""
    colours, others = "These colours are of another run", "Computed for another run"
    for code, words in (("run.logprob", colours), ("len(run.ids)", others)):
        run(page, code)
        expect(page.locator("#code-value")).not_to_contain_text("another run")
        page.evaluate("tokenlight.analyze('Another text')")
        expect(page.locator("#code-value")).to_contain_text(words)
        expect(page.locator("#code-value")).not_to_contain_text("Colours the text")
        assert shading(page) is None
        over(page, TEXT)
    page.click("#run-code")
    ended(page)
    expect(page.locator("#code-value")).not_to_contain_text("another run")


def test_the_numbers_are_those_without_a_browser(page: Page, native: Model) -> None:
    expected = native.read(TEXT)
    sums = "[float(abs(run.resid).sum()), float((run.attentions ** 2).sum()), float(run.entropy.sum())]"
    found = run(page, f"repr({sums})")
    numbers = [float(each) for each in found["value"].strip("[]").split(",")]
    arrays = [abs(expected.resid).sum(), (expected.attentions**2).sum(), expected.entropy.sum()]
    assert_allclose(numbers, np.array(arrays, float), rtol=1e-4)
    found = run(page, "lens = await run.lens(4)\nrepr([lens.rank.tolist(), lens.logprob.tolist()])")
    rank, logprob = (each.strip("[]").split(",") for each in found["value"].split("], ["))
    assert [int(each) for each in rank] == expected.lens(4).rank.tolist()
    assert_allclose([float(each) for each in logprob], expected.lens(4).logprob, atol=1e-3)


def test_examples_give_the_numbers_of_native_python(page: Page, native: Model) -> None:
    expected, twice = native.read(TEXT), native.read(f"{TEXT}\n{TEXT}")
    last = len(expected.ids) - 1
    for name, values in [
        ("induction", twice.reading.trace.heads_on_text().induction),
        ("ablation", native.head_sweep(expected, last, scope="text")),
        ("excess", expected.statistics.surprise_excess),
    ]:
        answer = page.evaluate(
            """async code => {
                const {runCode} = await import(new URL('page/lab.js', document.baseURI));
                const {answer: {json, arrays}} = await runCode(code, () => {}, () => {});
                return json.values ?? [...arrays.values.data];
            }""",
            (EXAMPLES / f"{name}.py").read_text(encoding="utf-8"),
        )
        assert_allclose(answer, np.ravel(values), atol=2e-4, err_msg=name)


def test_the_model_reads_and_writes_for_the_code_alone(page: Page, native: Model) -> None:
    before = page.evaluate("tokenlight.state()")
    code = """
other = await model.read("A dog.", interventions={"heads": [{"layer": 1, "head": 2, "scale": 0}]}, keep="attn_out")
written = await model.generate("The quick", max_tokens=6, temperature=0.9, seed=3, stop_at_end=False)
repr([other.logprob.tolist(), float(abs(other.attn_out).sum()), written.ids.tolist(), written.text])
"""
    found = run(page, code)
    other = native.read("A dog.", interventions={"heads": [{"layer": 1, "head": 2, "scale": 0}]}, keep="attn_out")
    written = native.generate("The quick", max_tokens=6, temperature=0.9, seed=3, stop_at_end=False)
    logprob, size, ids, text = ast.literal_eval(found["value"])
    assert_allclose(logprob, other.logprob, atol=1e-4)
    assert_allclose(size, abs(other.attn_out).sum(), rtol=1e-4)
    assert ids == written.ids.tolist() and text == written.text
    printed = run(page, f"import json{code.replace('repr(', 'print(json.dumps(written.to_json())), repr(')}")["printed"]
    same(json.loads(printed), written.to_json())
    assert page.evaluate("tokenlight.state()") == before
    assert "no text" in run(page, 'await model.read("")')["value"]
    assert "temperature must be" in run(page, 'await model.generate("a", temperature=-1)')["value"]


def test_a_page_s_run_goes_first_and_the_code_goes_on(page: Page) -> None:
    write(page, "import time\nend, i = time.monotonic() + 6, 0\nwhile time.monotonic() < end:\n"
                "    assert len((await model.read(f'Text {i}', keep=())).ids) > 1\n    print(i)\n    i += 1\ni")
    page.click("#run-code")
    page.locator("#code-printed").wait_for()
    busy = page.evaluate(
        """async texts => {
            const {busy} = await import(new URL('page/lab.js', document.baseURI));
            const found = [];
            for (const text of texts) {
                await tokenlight.analyze(text, {});
                found.push(busy.value);
            }
            return found;
        }""",
        ["One text", "Another text", TEXT],
    )
    found = ended(page)
    assert busy == [True] * 3, "the code was still busy when the page's run ended"
    assert found["printed"].split() == [str(i) for i in range(int(found["value"]))] and int(found["value"]) > 3


def test_values_of_every_kind(page: Page) -> None:
    run(page, "run.attentions[0, 1]")
    chart = page.locator("#code-value .chart-stage")
    positions = page.evaluate("tokenlight.state().run.tokens") + 1
    expect(chart).to_have_attribute("aria-label", f"Heatmap of {positions} by {positions} numbers")
    chart.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#code-value .readout")).to_contain_text("1")
    run(page, "{'token': run.texts, 'logprob': run.logprob}")
    assert page.locator("#code-value tbody tr").count() == page.evaluate("tokenlight.state().run.tokens")
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20"/></svg>'
    run(page, repr(svg))
    picture = page.locator("#code-value img")
    until(page, "async () => document.querySelector('#code-value img')?.naturalWidth === 40")
    assert (picture.get_attribute("src") or "").startswith("blob:")
    assert run(page, "'<b onclick=alert(1)>bold</b>'")["value"] == "<b onclick=alert(1)>bold</b>"


def test_errors_mark_their_lines(page: Page) -> None:
    found = run(page, "def f(x):\n    return x[99]\n\nf(run.logprob)")
    assert found["value"].splitlines()[-1].startswith("IndexError: index 99 is out of bounds")
    assert found["marked"] == ["    return x[99]", "f(run.logprob)"]
    assert run(page, "a = (")["marked"] == ["a = ("]
    assert "write await" in run(page, "model.read('a').logprob")["value"]
    found = run(page, "1\nmodel.read('a')")
    assert found["value"] == "The last line gives a coroutine, not its result. Write await before it."
    assert found["printed"] == "" and found["marked"] == ["model.read('a')"]
    assert "plot() draws numbers from" in run(page, "plot([1e308, -1e308])")["value"]
    assert run(page, "1 + 1") == {"printed": "", "value": "2", "marked": []}


def test_endless_code_is_stopped_and_the_page_goes_on(page: Page) -> None:
    begun(page, "import sys\nsys.same = 1\nprint('begun')\nwhile True: pass")
    page.evaluate("text => tokenlight.analyze(text, {})", "It reads meanwhile.")
    assert stopped(page) == "Stopped."
    assert run(page, "import sys\nsys.same")["value"] == "1"  # it was interrupted, and is the same Python
    begun(page, "import collections\nprint('begun')\ncollections.deque(iter(int, 1), maxlen=0)")  # a loop in C
    assert "its Python was ended" in stopped(page)
    begun(page, "while True:\n    await model.read('a', keep=())\n    print('begun')")
    assert stopped(page) == "Stopped."
    page.evaluate("text => tokenlight.analyze(text, {})", TEXT)
    finished(page)


def test_memory_errors_end_the_lab_alone(page: Page) -> None:
    found = run(page, "kept = []\nwhile True: kept.append(np.ones(2 ** 26))")
    assert "MemoryError" in found["value"] or "stopped working" in found["value"]
    assert run(page, "len(run.ids)")["value"] != ""
    assert page.evaluate("document.documentElement.dataset.state") == "ready"


def test_code_that_ends_python_is_ended(page: Page) -> None:
    for code in ("import os\nos._exit(1)", "await model.read('a', keep=())\nimport os\nos._exit(0)"):
        assert "Python stopped working (Program terminated with exit(" in run(page, code)["value"]
        assert run(page, "len(run.ids)")["value"] != ""
    expect(page.locator("#notice")).to_be_hidden()


def test_python_that_code_has_damaged_is_restarted(page: Page) -> None:
    """What code changes in a module or built-in stays for the code after it, until Python is restarted."""
    run(page, "from pyscripts.metrics import METRICS\nimport builtins\nMETRICS.clear()\nbuiltins.repr = None")
    assert "There is no column" in run(page, "run.metric('surprisal')")["value"]
    assert "not callable" in run(page, "repr(1)")["value"]
    page.click("#restart-python")
    expect(page.locator("#notice")).to_contain_text("Python was restarted.")
    assert run(page, "repr(len(run.metric('surprisal')) == len(run.ids))")["value"] == "True"


HOSTILE = """
import js
found = []
names = '''fetch XMLHttpRequest WebSocket EventSource WebTransport Worker SharedWorker BroadcastChannel caches indexedDB
    importScripts localStorage sessionStorage document window parent top'''.split()
for name in names:
    if hasattr(js, name):
        found.append(name)
for name in 'locks storage serviceWorker'.split():
    if hasattr(js.navigator, name):
        found.append(f'navigator.{name}')
async def tries():
    import pyodide_js
    from pyodide.code import run_js
    from pyodide.http import pyfetch
    yield 'pyfetch', pyfetch('STRANGER')
    yield 'pyfetch of the page', pyfetch('./index.html')
    pyodide_js.loadPackage(['STRANGER/x-1.0-py3-none-any.whl', js.location.origin + '/x-1.0-py3-none-any.whl'])
    yield 'js', run_js
    yield 'eval', js.eval
    yield 'constructor', js.Object.constructor
async for name, what in tries():
    try:
        if callable(what):
            what('1')
        else:
            await what
        found.append(name)
    except BaseException as error:
        print(name, type(error).__name__)
repr(found)
"""


def test_hostile_code_gets_nowhere(page: Page) -> None:
    requests: list[str] = []
    listen = lambda request: requests.append(request.url)  # noqa: E731
    page.on("request", listen)
    found = run(page, HOSTILE.replace("STRANGER", "https://example.invalid"))
    page.remove_listener("request", listen)
    assert found["value"] == "[]", found
    assert not [url for url in requests if "example.invalid" in url or url.endswith(("index.html", ".whl"))]


def test_code_is_kept_and_code_of_a_link_waits(page: Page) -> None:
    write(page, "'mine'")
    key = "Object.entries(localStorage).find(([key]) => /^tokenlight code [^ ]+$/.test(key))[1]"
    assert page.evaluate(key) == "'mine'"
    code = "print('from a link')"
    page.evaluate("hash => { location.hash = hash; }", f"lens=python&code={quote(code)}")
    expect(page.locator("#code-from-link")).to_be_visible()
    assert page.locator("#code .cm-content").inner_text() == code
    assert page.evaluate(key) == "'mine'"  # until it is changed
    assert page.locator("#code-printed").count() == 0 or "from a link" not in page.locator("#code-printed").inner_text()
    page.select_option("#code-example", "own")
    assert page.locator("#code .cm-content").inner_text() == "'mine'"


def test_keys_of_the_editor_stay_in_it(page: Page) -> None:
    write(page, "")
    page.locator("#code .cm-content").click()
    page.keyboard.type("'?'")
    assert not page.locator("#help").evaluate("dialog => dialog.open")
    before = page.evaluate("tokenlight.state().run.id")
    page.keyboard.press("Control+Enter")
    assert ended(page)["value"] == "?" and page.evaluate("tokenlight.state().run.id") == before


def test_names_of_the_run_are_completed_with_their_words(page: Page) -> None:
    run(page, "1")  # Python has started
    write(page, "")
    page.locator("#code .cm-content").click()
    page.keyboard.type("run.entr")
    offered = page.locator("#code .cm-tooltip-autocomplete")
    expect(offered).to_contain_text("entropy")
    words = page.locator("#code .cm-completionInfo")
    expect(words).to_contain_text("[token] nats, of the distribution before the token")
    page.wait_for_timeout(200)  # CodeMirror takes no key for a choice in the first 75 ms
    page.keyboard.press("Tab")
    assert page.locator("#code .cm-content").inner_text() == "run.entropy"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_axe_violations(page: Page, scheme: Any) -> None:
    run(page, "print('printed')\nrun.attentions[0, 1]")
    page.emulate_media(color_scheme=scheme)
    assert violations(page) == []
