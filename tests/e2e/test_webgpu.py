"""WebGPU, opted into: the same numbers as transformers on the software adapter; without an adapter, WebAssembly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, BrowserType, Page, expect

from tests import browser as chromium
from tests.e2e.conftest import WARM
from tests.e2e.reference import ReferenceModel

TEXT = "The people of the village went down to the river when the light of the morning came over the hill. " * 3
SOFTWARE = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"]


def choose_webgpu(page: Page, address: str) -> None:
    page.goto(address)
    page.evaluate("tokenlight.ready")
    page.get_by_role("button", name="Settings").first.click()
    page.select_option("#setting-device", "webgpu")
    expect(page.locator("html")).to_have_attribute("data-state", "booting")
    expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=120_000)


def test_equal_to_transformers(browser_type: BrowserType, tiny_site: str, checkpoints: Path) -> None:
    opened = browser_type.launch(executable_path=chromium.find(), args=[*WARM, *SOFTWARE])
    page = opened.new_context(service_workers="block").new_page()
    choose_webgpu(page, tiny_site)
    expect(page.locator("#header")).to_contain_text("WebGPU")
    run = page.evaluate("text => tokenlight.analyze(text)", TEXT)
    opened.close()
    reference = ReferenceModel(checkpoints / "tiny-gpt2")
    expected = reference.read([reference.prefix, *(t["id"] for t in run["tokens"])])
    np.testing.assert_allclose([t["logprob"] for t in run["tokens"]], expected.token_logprob(), atol=1e-3)
    np.testing.assert_allclose([t["entropy"] for t in run["tokens"]], expected.entropy(), atol=1e-3)
    norms = np.linalg.norm(expected.hidden_states, axis=2)[:, 1:]
    np.testing.assert_allclose(run["hidden_norm"], norms, rtol=1e-3)


def test_falls_back_with_a_message(browser: Browser, tiny_site: str) -> None:
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    choose_webgpu(page, tiny_site)
    expect(page.locator("#notice")).to_contain_text("WebGPU could not be used")
    assert not [url for url in fetched if "webgpu" in url or "asyncify" in url], "loaded only where it can be used"
    assert page.evaluate("tokenlight.analyze('The river').then(run => run.tokens.length)") > 1
    context.close()
