"""The page around the likelihood view: accessibility, narrow and zoomed windows, first visit. Real Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserType, Page, Route, expect

from export.site.serve import SITE
from tests.browser import find
from tests.e2e.layers import AXE_RULES
from tests.e2e.likelihood import TEXT, colour_by, open_view, read

AXE = SITE / "node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="module")
def view(browser: Browser, tiny_site: str) -> Iterator[Page]:
    with open_view(browser, tiny_site) as page:
        read(page, TEXT)
        yield page


def violations(page: Page, within: str = "document") -> list[str]:
    """What axe finds on the page, or a part of it, as it is now."""
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(f"axe.run({within}, {AXE_RULES}).then(found => found.violations)")
    return [f"{v['id']}: {v['help']}: {v['nodes'][0]['html'][:200]}" for v in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(view: Page, scheme: Any) -> None:
    view.emulate_media(color_scheme=scheme)
    view.locator("#token-4").click()
    view.click("#keep") if view.locator("#keep").count() else None
    view.locator("#tokens").focus()
    view.keyboard.press("Shift+ArrowRight")
    view.click("#rank")
    expect(view.locator("#ranking")).to_be_visible()
    view.click("#settings-button")
    assert violations(view) == []
    view.keyboard.press("Escape")
    for id in view.locator("#colouring option").evaluate_all("options => options.map(o => o.value)"):
        colour_by(view, id)
        assert violations(view, "{include: [['#surface'], ['#legend']]}") == [], id
    view.select_option("#colouring", "hue")
    view.locator("#token-4").click()


# 320 × 256 CSS pixels are what is left of 1,280 × 1,024 at 400 % zoom; 640 wide is 200 %.
@pytest.mark.parametrize("width", [320, 390, 640])
def test_narrow_and_zoomed_windows_lose_nothing(view: Page, width: int) -> None:
    view.set_viewport_size({"width": width, "height": 800})
    try:
        assert view.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for name in ("model", "example", "text", "run", "stop", "continue", "undo", "colouring"):
            selector = f"#{name}"
            box = view.locator(selector).bounding_box()
            assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width, selector
        view.locator("#token-6").click()
        expect(view.locator("#inspector .facts")).to_be_in_viewport()
        view.locator("#pin").click()
    finally:
        view.set_viewport_size({"width": 1280, "height": 900})


def test_every_control_is_reached_by_tab(view: Page) -> None:
    """Walks the whole page with Tab; every enabled control of the view is on the way and shows that it is."""
    view.locator("#token-4").click()
    view.focus("#model")
    reached = {"model"}
    for _ in range(250):
        view.keyboard.press("Tab")
        found = view.evaluate(
            """() => {
              const e = document.activeElement;
              return [e.id || e.getAttribute('aria-label') || e.textContent.trim(), e.matches(':focus-visible')];
            }"""
        )
        assert found[1], found[0]
        reached.add(found[0])
        if found[0] == "Stored in this browser":
            break
    wanted = {"model", "tab-tokens", "example", "text", "run", "continue", "colouring", "tokens", "top-k"}
    assert wanted <= reached
    view.locator("#token-4").click()


def test_settings_last(browser: Browser, tiny_site: str) -> None:
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    page.goto(tiny_site)
    page.click("#settings-button")
    page.select_option("#setting-theme", "dark")
    page.check("#whitespace")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("#whitespace")).to_be_checked()
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
    context.close()


@pytest.fixture(scope="module")
def stranger(
    browser_type: BrowserType, browser_type_launch_args: dict, tiny_site: str
) -> Iterator[tuple[Browser, str]]:
    """A browser to which the site is not on this machine, and its address there."""
    port = urlsplit(tiny_site).port
    address = f"http://tokenlight.test:{port}/"
    flags = [
        *browser_type_launch_args["args"],
        "--host-resolver-rules=MAP tokenlight.test 127.0.0.1",
        f"--unsafely-treat-insecure-origin-as-secure={address[:-1]}",
    ]
    opened = browser_type.launch(**{**browser_type_launch_args, "executable_path": find(whole=True), "args": flags})
    yield opened, address
    opened.close()


def test_a_slow_server_still_shows_a_finished_example(tiny_site: str, page: Page) -> None:
    """Its text stands in the box before the models' list has arrived; its colours need neither model nor Python."""
    page.add_init_script("""
      new MutationObserver((_, all) => {
        if (!document.querySelector('#tokens .token[style]')) return;
        globalThis.phaseAtFirstTokens = document.documentElement.dataset.state;
        all.disconnect();
      }).observe(document, {subtree: true, childList: true, attributes: true});
    """)
    lists: list[Route] = []
    page.route("**/models/index.json", lambda route: lists.append(route))
    page.route("**/pyodide.asm.wasm", lambda route: None)  # never answered
    page.goto(tiny_site)
    expect(page.locator("#text")).not_to_have_value("")
    page.unroute("**/models/index.json")
    for route in lists:
        route.continue_()
    expect(page.locator("#tokens .token[style]").first).to_be_visible()
    assert page.evaluate("phaseAtFirstTokens") == "booting"


def test_a_first_visit_shows_a_finished_example_and_asks_before_the_download(stranger: tuple[Browser, str]) -> None:
    browser, address = stranger
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    chunks: list[str] = []
    page.on("request", lambda request: chunks.append(request.url) if request.url.endswith(".bin") else None)
    page.add_init_script("""
      globalThis.asked = 0;
      navigator.storage.persist = async () => Boolean(++globalThis.asked);
    """)
    page.goto(address)
    expect(page.locator("#tokens .token").first).to_be_visible()  # make bench says how soon
    # It can be explored: numbers, alternatives, lists, colourings, all computed when the site was built.
    page.locator("#token-2").click()
    expect(page.locator("#inspector .facts")).to_contain_text("%")
    assert page.locator(".alternatives tbody tr").count() >= 10
    expect(page.locator("#remarks .card")).to_have_count(3)
    before = page.locator("#token-2").evaluate("e => getComputedStyle(e).backgroundColor")
    page.select_option("#colouring", "entropy")
    assert page.locator("#token-2").evaluate("e => getComputedStyle(e).backgroundColor") != before
    page.select_option("#example", "facts")
    expect(page.locator("#tokens")).to_contain_text("The capital of France")
    # Nothing of the model has been fetched; the size is stated; a click fetches it, and the same text is read.
    expect(page.locator("#consent")).to_be_visible()
    expect(page.locator("#consent-notice")).to_contain_text("MB")
    assert chunks == []
    page.locator("#token-2").click()
    assert page.evaluate("asked") == 0
    page.click("#consent")
    assert page.evaluate("asked") == 1
    expect(page.locator("#storage details p").first).to_have_text(re.compile("keeps all this until you delete it"))
    expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)
    page.wait_for_function("import(new URL('page/state.js', location.href)).then(({run}) => run.value?.done)")
    expect(page.locator("#tokens")).to_contain_text("The capital of France")
    expect(page.locator("#token-2")).to_have_attribute("aria-selected", "true")
    assert chunks
    # What is stored is loaded without another question.
    again = context.new_page()
    again.goto(address)
    expect(again.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)
    expect(again.locator("#consent")).to_have_count(0)
    context.close()


def test_a_link_that_comes_before_the_consent_names_the_model(stranger: tuple[Browser, str]) -> None:
    """It is offered in place of the first, and not fetched before the visitor agrees."""
    browser, address = stranger
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    chunks: list[str] = []
    page.on("request", lambda request: chunks.append(request.url) if request.url.endswith(".bin") else None)
    page.goto(address)
    expect(page.locator("#consent-notice")).to_contain_text("tiny-gpt2")
    page.evaluate("location.hash = 'model=tiny-llama&lens=layers'")
    expect(page.locator("#consent-notice")).to_contain_text("tiny-llama")
    expect(page.locator("#layers")).to_be_visible()
    assert chunks == []
    page.click("#consent")
    expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)
    assert page.evaluate("tokenlight.state().model") == "tiny-llama"
    context.close()


def test_a_script_that_asks_gives_consent(stranger: tuple[Browser, str]) -> None:
    browser, address = stranger
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    page.goto(address)
    assert page.evaluate("tokenlight.analyze('The people').then(run => run.tokens.length)") >= 2
    context.close()


def test_the_precomputed_run_is_what_the_page_computes(view: Page, tiny_models: Path) -> None:
    """The example's numbers, made by onnxruntime and Python when the site was built, against the page's own."""
    import json

    manifest = json.loads((tiny_models / "tiny-gpt2/manifest.json").read_text(encoding="utf-8"))
    stored = json.loads((tiny_models / "tiny-gpt2" / manifest["examples"][0]["name"]).read_text(encoding="utf-8"))
    run = view.evaluate("text => tokenlight.analyze(text)", stored["text"])
    assert [t["id"] for t in run["tokens"]] == stored["page"]["tokens"]["ids"]
    assert [t["logprob"] for t in run["tokens"]] == pytest.approx(stored["page"]["columns"]["logprob"], abs=2e-4)
    assert [t["rank"] for t in run["tokens"]] == stored["page"]["columns"]["rank"]
