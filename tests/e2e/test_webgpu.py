"""The graphics card: tested once beside the processor, offered only if it is as right and faster, left when it is lost.

On Chromium's software adapter, which computes what WebGPU asks for on the processor.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserType, Page, Route, expect

from tests import browser as chromium
from tests.e2e.conftest import WARM, Log, serving
from tests.e2e.hosting import link_site
from tests.e2e.reference import ReferenceModel

TEXT = "The people of the village went down to the river when the light of the morning came over the hill. " * 3
SOFTWARE = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"]
ADAPTER = "navigator.gpu?.requestAdapter().then(adapter => adapter?.info.architecture ?? null)"
TESTED = 120_000  # ms; the software adapter compiles every shader first
FIGURES = re.compile(r"64 tokens take [\d,]+ ms on it and [\d,]+ ms on the processor: ([\d.]+) times as fast\.")

# What stands for a fault of a driver: every exponential that a shader takes is a little off.
WRONG = """
const { createShaderModule } = GPUDevice.prototype;
GPUDevice.prototype.createShaderModule = function (descriptor) {
  return createShaderModule.call(this, { ...descriptor, code: descriptor.code.replace(/\\bexp\\(/g, 'exp(1.002 * ') });
};
"""
# A processor that needs three seconds more for the text that is timed.
SLOW = "if (this.#session.device === 'wasm') await new Promise((resolve) => setTimeout(resolve, 3000));"


@pytest.fixture(scope="module")
def card(
    browser_type: BrowserType, tiny_site: str, log: Log, monkeypatch_session: pytest.MonkeyPatch
) -> Iterator[Browser]:
    """A browser with a graphics card, in software."""
    launched = browser_type.launch(executable_path=chromium.find(), args=[*WARM, *SOFTWARE])
    opened = log.watch_all(launched, monkeypatch_session)
    page = opened.new_page()
    page.goto(f"{tiny_site}README.txt")
    adapter = page.evaluate(ADAPTER)
    page.close()
    if adapter != "swiftshader":
        opened.close()
        pytest.skip("this Chromium has no WebGPU adapter in software (SwiftShader)")
    yield opened
    opened.close()


def changed_site(folder: Path, models: Path, name: str, before: str, after: str) -> Path:
    """The page with one line of one of the inference worker's modules replaced."""
    site = link_site(folder)
    (site / "models").symlink_to(models)
    source = site / "inference"
    files = list(source.resolve().iterdir())
    source.unlink()
    source.mkdir()
    for file in files:
        (source / file.name).symlink_to(file)
    text = (source / name).read_text(encoding="utf-8")
    assert text.count(before) == 1
    (source / name).unlink()
    (source / name).write_text(text.replace(before, after), encoding="utf-8")
    return site


def start(page: Page, address: str) -> list[str]:
    """Opens the page; returns what it fetches of WebGPU's library, also later."""
    fetched: list[str] = []
    page.on("request", lambda r: fetched.append(r.url) if re.search(r"ort\.webgpu|asyncify", r.url) else None)
    page.goto(address)
    page.evaluate("tokenlight.ready")
    return fetched


def said(page: Page, pattern: str) -> str:
    """What the settings say of the graphics card, once that is what it should be."""
    place = page.locator("#graphics-card")
    expect(place).to_have_text(re.compile(pattern), timeout=TESTED)
    return place.text_content() or ""


def choose(page: Page, device: str) -> None:
    page.evaluate("document.getElementById('settings').showPopover()")
    page.select_option("#setting-device", device)
    page.evaluate("document.getElementById('settings').hidePopover()")


@pytest.mark.long  # a software adapter takes minutes
def test_slow_card_then_chosen_then_lost(card: Browser, tiny_site: str, checkpoints: Path) -> None:
    """Its numbers are right, it is slower, so it is not offered; who chooses it has it, until it is lost."""
    context = card.new_context(service_workers="block")
    page = context.new_page()
    fetched = start(page, f"{tiny_site}#model=tiny-gpt2")
    animations = "Math.max(globalThis.most ?? 0, document.getAnimations().length)"
    page.evaluate(f"setInterval(() => (globalThis.most = {animations}), 10)")
    found = FIGURES.search(said(page, "too slow to offer it"))
    assert found and float(found[1]) < 1.5
    assert "Same numbers: the largest difference in any output is" in said(page, "the limit is 0.0500%")
    assert page.evaluate("globalThis.most") == 0, "nothing is animated beside it"
    expect(page.locator("#offer")).to_be_empty()
    expect(page.locator("#header .status")).not_to_contain_text("WebGPU")
    assert fetched

    fetched.clear()
    page.reload()
    page.evaluate("tokenlight.ready")
    said(page, "too slow to offer it")
    assert not fetched, "once per adapter and version"

    choose(page, "webgpu")
    expect(page.locator("#header .status")).to_contain_text("WebGPU", timeout=TESTED)
    run = page.evaluate("text => tokenlight.analyze(text)", TEXT)
    reference = ReferenceModel(checkpoints / "tiny-gpt2")
    expected = reference.read([reference.prefix, *(t["id"] for t in run["tokens"])])
    np.testing.assert_allclose([t["logprob"] for t in run["tokens"]], expected.token_logprob(), atol=1e-3)
    np.testing.assert_allclose([t["entropy"] for t in run["tokens"]], expected.entropy(), atol=1e-3)
    norms = np.linalg.norm(expected.hidden_states, axis=2)[:, 1:]
    np.testing.assert_allclose(run["hidden_norm"], norms, rtol=1e-3)

    shown = page.locator("#tokens").inner_text()
    card.new_browser_cdp_session().send("Browser.crashGpuProcess")
    expect(page.locator("#notice")).to_contain_text("It was restarted on the processor", timeout=TESTED)
    expect(page.locator("#header .status")).not_to_contain_text("WebGPU")
    assert page.locator("#tokens").inner_text() == shown, "the run is kept"
    assert page.evaluate("tokenlight.state().run.tokens") == len(run["tokens"])
    assert "stopped working" in said(page, "so the processor is used")
    after = page.evaluate("text => tokenlight.analyze(text)", TEXT)
    np.testing.assert_allclose(
        [t["logprob"] for t in after["tokens"]], [t["logprob"] for t in run["tokens"]], atol=1e-3
    )
    context.close()


def test_wrong_numbers_are_refused(card: Browser, tmp_path: Path, tiny_models: Path) -> None:
    """Also to a user who asks for it, without whom nothing is loaded where the browser saves data."""
    line = "export default keeping("
    site = changed_site(tmp_path / "site", tiny_models, "ort_webgpu.js", line, WRONG + line)
    with serving(site) as address:
        page = card.new_context(service_workers="block").new_page()
        page.add_init_script("Object.defineProperty(NetworkInformation.prototype, 'saveData', { value: true })")
        fetched = start(page, f"{address}#model=tiny-gpt2")
        said(page, "has not been tested, since the browser saves data")
        assert not fetched
        choose(page, "webgpu")
        refused = said(page, "its numbers differ")
        difference = re.search(r"any output is ([\d.]+)%", refused)
        assert difference and float(difference[1]) > 0.05, refused
        expect(page.locator("#notice")).to_contain_text("WebGPU could not be used")
        expect(page.locator("#setting-device")).to_have_value("wasm")
        expect(page.locator("#offer")).to_be_empty()
        page.context.close()


def soon(page: Page) -> None:
    """The first trial begins a moment after the page is quiet, not three seconds."""
    def hurry(route: Route) -> None:
        text = route.fetch().text()
        assert text.count("QUIET = 3000") == 1
        route.fulfill(body=text.replace("QUIET = 3000", "QUIET = 50"), content_type="text/javascript")

    page.route("**/page/device_trial.js", hurry)


def test_a_card_that_crashes_the_browser_is_not_tried_a_third_time(card: Browser, tiny_site: str) -> None:
    """Here the page is gone in the middle of the trial; that it had begun is still known."""
    page = card.new_context(service_workers="block").new_page()
    soon(page)
    fetched = start(page, f"{tiny_site}#model=tiny-gpt2")
    for _ in range(2):
        said(page, "is being tested…")
        page.reload()
        fetched.clear()
    assert said(page, "its test failed").endswith(" is not used: its test failed (it did not finish).")
    assert not fetched
    page.context.close()


def test_a_device_with_little_memory_is_not_tried_unasked(card: Browser, tiny_site: str, tiny_models: Path) -> None:
    """With one byte less than four times the model's weights, which are fp32 in memory."""
    manifest = json.loads((tiny_models / "tiny-gpt2/manifest.json").read_text(encoding="utf-8"))
    page = card.new_context(service_workers="block").new_page()
    memory = (4 * 4 * manifest["parameters"] - 1) / 2**30
    page.add_init_script(f"Object.defineProperty(Navigator.prototype, 'deviceMemory', {{ value: {memory} }})")
    soon(page)
    fetched = start(page, f"{tiny_site}#model=tiny-gpt2")
    said(page, "has not been tested, since this device has little memory")
    assert not fetched
    page.context.close()


@pytest.mark.long  # a software adapter takes minutes
def test_offered_once(card: Browser, tmp_path: Path, tiny_models: Path) -> None:
    """Beside a slow processor the card is offered; the answer is remembered; a second model is tested by itself."""
    line = "const start = performance.now();"
    site = changed_site(tmp_path / "site", tiny_models, "device_trial.js", line, line + SLOW)
    with serving(site) as address:
        page = card.new_context(service_workers="block").new_page()
        start(page, f"{address}#model=tiny-gpt2")
        offer = page.locator("#offer")
        expect(offer).to_contain_text("times as fast on your graphics card, with the same numbers", timeout=TESTED)
        expect(page.locator("#header .status")).not_to_contain_text("WebGPU")
        page.click("#keep-processor")
        expect(offer).to_be_empty()
        kept = page.evaluate("Object.entries(localStorage).find(([key]) => key.includes('preferences'))[1]")
        assert json.loads(kept)["keepProcessor"] is True, "for later visits"

        choose(page, "webgpu")
        expect(page.locator("#header .status")).to_contain_text("WebGPU", timeout=TESTED)
        page.reload()
        page.evaluate("tokenlight.ready")
        expect(page.locator("#header .status")).to_contain_text("WebGPU", timeout=TESTED)
        page.evaluate("tokenlight.load('tiny-llama')")
        expect(page.locator("#header .status")).not_to_contain_text("WebGPU")
        expect(page.locator("#notice")).to_contain_text("runs on the graphics card now", timeout=TESTED)
        page.context.close()


def test_no_adapter(browser: Browser, tiny_site: str) -> None:
    page = browser.new_context(service_workers="block").new_page()
    fetched = start(page, tiny_site)
    said(page, "This browser offers no WebGPU adapter")
    choose(page, "webgpu")
    expect(page.locator("#notice")).to_contain_text("WebGPU could not be used")
    assert page.input_value("#setting-device") == "wasm"
    assert not fetched, "loaded only where it can be used"
    assert page.evaluate("tokenlight.analyze('The river').then(run => run.tokens.length)") > 1
    page.context.close()
