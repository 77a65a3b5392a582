"""The Why lens and interventions in the page: the numbers of Python without a browser, whatever was read before."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from playwright.sync_api import Browser, Page, expect

from pyscripts.metrics import ablation
from pyscripts.metrics.heads import THRESHOLD
from pyscripts.native import load
from tests.e2e.layers import until

TEXT = "The quick brown fox jumps over the lazy dog. The quick brown fox jumps"
CUT = [{"query": 7, "keys": [2, 5]}, {"query": None, "keys": [3], "layers": [0]}]
OFF = {"heads": [{"layer": 1, "head": 2, "scale": 0}], "cut": CUT}
MODELS = pytest.mark.parametrize("model", ["tiny-gpt2", "tiny-llama"])


def logprobs(run: dict) -> np.ndarray:
    return np.array([token["logprob"] for token in run["tokens"]], float)


def analyze(page: Page, interventions: dict | None = None) -> np.ndarray:
    options = {} if interventions is None else {"interventions": interventions}
    run = page.evaluate("([text, options]) => tokenlight.analyze(text, options)", [TEXT, options])
    assert run["interventions"] == (interventions or {})
    return logprobs(run)


@MODELS
def test_runs_under_interventions_are_those_without_a_browser(tiny: Page, model: str, tiny_models: Path) -> None:
    """Also back and forth: nothing of one is reused for the other, of text, lens, attention or generation."""
    native = load(tiny_models / model, threads=1)
    vector = np.random.default_rng(3).normal(size=native.manifest["hidden_size"]).round(3).tolist()
    every = {**OFF, "add": [{"layer": 1, "position": 4, "vector": vector}]}
    clean, changed = native.read(TEXT), native.read(TEXT, interventions=every)
    assert np.abs(clean.logprob - changed.logprob).max() > 0.01
    off = native.read(TEXT, interventions=OFF)
    for given, expected in ((every, changed), ({}, clean), (OFF, off), (every, changed)):
        assert_allclose(analyze(tiny, given), expected.logprob, atol=2e-4)
        lens = tiny.evaluate("tokenlight.lens(9, 3)")
        assert lens["layers"][-1]["logprob"] == pytest.approx(float(expected.logprob[10]), abs=2e-4)
        data = tiny.evaluate("tokenlight.attention(1, 2).then(({ data }) => [...data])")
        assert_allclose(data, expected.attentions[1, 2].ravel(), atol=1e-5)
    written = tiny.evaluate(
        "([text, interventions]) => tokenlight.generate(text, {greedy: true, maxTokens: 5, interventions})",
        [TEXT, OFF],
    )
    found = native.generate(TEXT, greedy=True, max_tokens=5, interventions=OFF)
    assert [token["id"] for token in written["tokens"]] == found.ids.tolist()
    assert analyze(tiny, {}) == pytest.approx(clean.logprob, abs=2e-4)


@MODELS
def test_attribution_and_sweeps_are_those_without_a_browser(tiny: Page, model: str, tiny_models: Path) -> None:
    native = load(tiny_models / model, threads=1)
    token, other = 9, 17
    for given in ({}, OFF):
        analyze(tiny, given)
        run = native.read(TEXT, interventions=given)
        found = tiny.evaluate(f"""tokenlight.attribution({token}, {{versus: {other}}})
            .then(({{sources, ...others}}) => ({{...others, sources: [...sources]}}))""")
        expected = native.attribution(run, token, versus=other)
        assert found["shape"] == list(expected.sources.shape)
        assert_allclose(found["sources"], expected.sources.ravel(), atol=1e-4)
        values = [part["value"] for part in found["parts"]]
        assert sum(values) == pytest.approx(found["logit"], abs=1e-3) == pytest.approx(expected.logit, abs=1e-3)
        positions = tiny.evaluate(f"tokenlight.dependence({token}, {{target: {other}}})")["positions"]
        assert_allclose(positions, native.dependence(run, token, other), atol=2e-4)
        for scope in ("last", "text"):
            swept = tiny.evaluate(f"""tokenlight.sweep({{kind: 'heads', token: {token}, scope: '{scope}'}})
                .then(({{data, ...sizes}}) => ({{...sizes, data: [...data]}}))""")
            assert_allclose(swept["data"], native.head_sweep(run, token, scope=scope).ravel(), atol=2e-4)
            swept = tiny.evaluate(f"""tokenlight.sweep({{kind: 'heads', token: {token}, scope: '{scope}', mean: true}})
                .then(({{data}}) => [...data])""")
            assert_allclose(swept, native.head_sweep(run, token, scope=scope, mean=True).ravel(), atol=2e-4)
    analyze(tiny, {})


def test_wrong_interventions_reject_before_anything_runs(tiny: Page) -> None:
    analyze(tiny, {})
    before = tiny.evaluate("tokenlight.state().run.id")
    for given, words in (
        ("{heads: [{layer: 9, head: 0, scale: 0}]}", "heads[0].layer must be a whole number from 0 to 1"),
        ("{cut: [{query: 2, keys: [2]}]}", "cut[0].keys must come before the query, position 2"),
        ("{add: [{layer: 0, position: 0, vector: [NaN]}]}", "add[0].vector must be a list of"),
        ("{off: []}", "interventions has no off"),
    ):
        said = tiny.evaluate(f"tokenlight.analyze('x', {{interventions: {given}}}).catch((error) => error.message)")
        assert words in said
    assert tiny.evaluate("tokenlight.state().run.id") == before
    assert "no option other" in tiny.evaluate("tokenlight.attribution(1, {other: 2}).catch((error) => error.message)")


def test_the_lens_and_its_chips(tiny: Page) -> None:
    """Sum beside the logit, heads off from the panel, the change, the address, chips removed."""
    clean = analyze(tiny, {})
    tiny.click("#tab-why")
    expect(tiny.locator("#panel-why_adds .lead")).to_contain_text("All parts sum to")
    menu = tiny.locator("#panel-why_question").get_by_label("Target", exact=True)
    assert menu.locator("optgroup").get_attribute("label") == "Alternatives · surprisal (bits)"
    options = menu.locator("optgroup option").all_text_contents()
    assert len(options) > 3 and all(re.search(r" · \d+\.\d\d$", option) for option in options), options
    for panel, words in (
        ("why_tokens", "hidden from the position"),
        ("why_heads", "switched off"),
        ("why_context", "after only the last"),
        ("why_heads", "switched off"),
        ("change", "The model is unchanged"),
    ):
        tiny.locator(f"#panel-{panel}").scroll_into_view_if_needed()  # panels out of sight ask nothing
        expect(tiny.locator(f"#panel-{panel} .lead")).to_contain_text(words, timeout=20_000)
    tiny.fill("#panel-change input[name=heads]", "1.2, 0.1")
    tiny.click("#panel-change >> text=Switch off")
    expect(tiny.locator("#interventions .chip")).to_have_count(2)
    expect(tiny.locator("#panel-change .lead")).to_contain_text("than the unchanged model’s", timeout=20_000)
    until(tiny, "() => decodeURIComponent(location.hash).includes('interventions={\"heads\":')")
    tiny.click("#interventions >> text=Remove all")
    expect(tiny.locator("#interventions .chip")).to_have_count(0)
    expect(tiny.locator("html")).to_have_attribute("data-state", "ready")
    assert tiny.evaluate("tokenlight.state().interventions") == {}
    assert_allclose(analyze(tiny), clean, atol=1e-6)
    tiny.click("#tab-tokens")


def test_heads_off_together_and_a_head_at_its_mean(tiny: Page, tiny_models: Path) -> None:
    """The most needed heads off at once, beside the sum of their own changes, by zero and mean ablation; the chip."""
    native = load(tiny_models / "tiny-gpt2", threads=1)
    run, token = native.read(TEXT), 9
    analyze(tiny, {})
    tiny.click("#tab-why")
    tiny.evaluate(f"import(new URL('page/choices.js', document.baseURI)).then((choices) => choices.stepTo({token}))")
    panel = tiny.locator("#panel-why_heads")
    panel.scroll_into_view_if_needed()
    panel.get_by_role("button", name="Off together").click(timeout=20_000)
    for name, mean in (("zero", False), ("mean", True)):
        panel.get_by_label("What stands in for a head").select_option(name)
        alone = native.head_sweep(run, token, mean=mean)
        most = [divmod(i, alone.shape[1]) for i in np.argsort(alone, axis=None)[:3].tolist()]
        expect(panel.locator(".lead")).to_contain_text(f"{name} ablation", timeout=20_000)
        expect(tiny.locator("#off-together")).to_contain_text(", ".join(f"{a}.{b}" for a, b in most), timeout=20_000)
        bold = tiny.locator("#off-together strong").all_text_contents()
        shown = [float(each.replace("\u2212", "-")) for each in bold]
        both = native.heads_off(run, token, most, mean=mean), sum(alone[place] for place in most)
        assert_allclose(shown, np.array(both) / np.log(2), atol=0.006)
        told = "another takes over" if ablation.take_over(both[1], both[0]) else "none of them is seen to take over"
        expect(tiny.locator("#off-together")).to_contain_text(told)
    tiny.evaluate("""import(new URL('page/interventions.js', document.baseURI))
        .then(({meanHead}) => meanHead({layer: 1, head: 2}))""")
    expect(tiny.locator("#interventions .chip")).to_have_count(1)
    expect(tiny.locator("#interventions .chip")).to_contain_text("head 1.2 at its mean")
    (added,) = tiny.evaluate("tokenlight.state().interventions.add")
    assert_allclose(added["vector"], native.head_means(run)[1, 2], atol=2e-5)
    given = tiny.evaluate("tokenlight.state().interventions")
    assert_allclose(analyze(tiny, given), native.read(TEXT, interventions=given).logprob, atol=2e-4)
    tiny.click("#interventions .chip button")
    expect(tiny.locator("#interventions .chip")).to_have_count(0)
    expect(tiny.locator("html")).to_have_attribute("data-state", "ready")
    assert tiny.evaluate("tokenlight.state().interventions") == {}
    tiny.click("#tab-tokens")


def test_the_induction_heads_are_those_that_python_names(browser: Browser, tiny_site: str, tiny_models: Path) -> None:
    """Also when the lens is left and opened again, and while they are off."""
    manifest = json.loads((tiny_models / "tiny-gpt2/manifest.json").read_text("utf-8"))
    scores = np.zeros((manifest["layers"], manifest["heads"]))
    scores[0, 1], scores[1, 0], scores[1, 2] = THRESHOLD + 0.01, THRESHOLD, 0.9
    manifest["head_scores"] |= {"induction": scores.tolist()}
    context = browser.new_context(service_workers="block", reduced_motion="reduce")
    page = context.new_page()
    page.route("**/tiny-gpt2/manifest.json", lambda route: route.fulfill(json=manifest))
    page.goto(f"{tiny_site}#model=tiny-gpt2")
    page.evaluate("tokenlight.ready")
    analyze(page, {})
    page.click("#tab-why")
    page.locator("#panel-change").scroll_into_view_if_needed()
    button = page.get_by_role("button", name="Induction heads off (2)")
    expect(button).to_have_attribute("title", "1.2, 0.1")
    page.click("#tab-tokens")
    page.click("#tab-why")
    button.click()
    expect(page.locator("#interventions .chip")).to_have_text([re.compile("head 0.1 off"), re.compile("head 1.2 off")])
    expect(page.locator("#panel-change .lead")).to_contain_text("the unchanged model’s", timeout=20_000)
    expect(button).to_be_visible()
    context.close()


def test_many_heads_have_one_chip_that_lists_theirs(tiny: Page) -> None:
    heads = [{"layer": layer, "head": head, "scale": 0} for layer in (0, 1) for head in (0, 1)]
    analyze(tiny, {"heads": heads[:3]})
    chips = tiny.locator("#interventions .chip")
    expect(chips).to_have_count(3)
    analyze(tiny, {"heads": heads})
    expect(chips).to_have_count(1)
    expect(chips).to_contain_text("4 heads off")
    tiny.get_by_role("button", name="4 heads off", expanded=False).click()
    expect(chips).to_have_count(5)
    tiny.get_by_role("button", name="Remove: head 1.1 off").click()
    expect(chips).to_have_text([re.compile(f"head {name} off") for name in ("0.0", "0.1", "1.0")])
    analyze(tiny, {"heads": heads})
    tiny.get_by_role("button", name="Remove: 4 heads off").click()
    expect(chips).to_have_count(0)
    expect(tiny.locator("html")).to_have_attribute("data-state", "ready")
    assert tiny.evaluate("tokenlight.state().interventions") == {}


@MODELS
def test_the_context_curve_keeps_what_is_changed_at_its_tokens(tiny: Page, model: str, tiny_models: Path) -> None:
    """Vectors and cut links, too; with all of the text it is the run's own log-probability."""
    native, token = load(tiny_models / model, threads=1), 9
    vector = np.random.default_rng(3).normal(size=native.manifest["hidden_size"]).round(3).tolist()
    given = {**OFF, "add": [{"layer": 1, "position": p, "vector": vector} for p in (7, None)]}
    analyze(tiny, given)
    run = native.read(TEXT, interventions=given)
    expected = native.context_curve(run, token)
    found = tiny.evaluate(
        """token => import(new URL('page/questions.js', document.baseURI))
            .then(({wholeView}) => wholeView('why_context', {token, target: null, versus: null}))
            .then(({json, arrays}) => [json.lengths, [...arrays.logprobs.data]])""",
        token,
    )
    assert found[0] == expected.tokens.tolist()
    assert_allclose(found[1], expected.logprob, atol=2e-4)
    assert expected.logprob[-1] == pytest.approx(float(run.logprob[token]), abs=1e-5)


def test_a_chosen_head_does_not_outlive_its_model(tiny: Page) -> None:
    """It is chosen again with its model; one with as many heads has another in its place."""
    analyze(tiny, {})
    tiny.click("#tab-why")
    panel = tiny.locator("#panel-why_adds")
    expect(panel.locator(".lead")).to_contain_text("All parts sum to", timeout=20_000)
    panel.locator(".chart-stage").first.focus()
    for key in ("ArrowRight", "End", "ArrowLeft", "ArrowDown", "Enter"):
        tiny.keyboard.press(key)
    expect(panel.locator(".panel-rest")).to_contain_text("Head 1.")
    for model, offered in (("tiny-llama", False), ("tiny-gpt2", True)):
        tiny.evaluate("id => tokenlight.load(id).then(() => null)", model)
        analyze(tiny, {})
        expect(panel.locator(".lead")).to_contain_text("All parts sum to", timeout=20_000)
        expect(panel.get_by_role("button", name="Show its attention")).to_have_count(int(offered))
    tiny.click("#tab-tokens")


def test_the_legend_names_the_target(tiny: Page) -> None:
    analyze(tiny, {})
    tiny.click("#tab-why")
    tiny.locator("#token-9").click()
    legend, menu = tiny.locator("#legend"), tiny.get_by_label("Target", exact=True)
    expect(legend).to_contain_text("added directly to")
    option = menu.locator("optgroup option").first
    name = option.inner_text().split(" · ")[0]
    assert f"added directly to {name}" not in legend.inner_text()
    menu.select_option(option.get_attribute("value"))
    expect(legend).to_contain_text(f"added directly to {name}")
    tiny.click("#tab-tokens")
