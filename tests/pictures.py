"""Takes the README's pictures from the real page, with SmolLM2: `make pictures`."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from export.site.serve import SITE  # noqa: E402
from tests import browser  # noqa: E402
from tests.e2e.conftest import FLAGS, serving  # noqa: E402
from tests.e2e.layers import finished, settled  # noqa: E402

FOLDER = ROOT / ".github/pictures"
SIZE = {"width": 1280, "height": 800}
SHOWN = 3  # the token that is pinned: one that surprised the model


def take(page: Page) -> None:
    """One picture of each lens, of the example that is read on a first visit."""
    page.evaluate("import(new URL('page/choices.js', document.baseURI)).then(({set}) => set('introduced', true))")
    finished(page)
    page.locator(f"#token-{SHOWN}").click()
    page.locator("#text").evaluate("box => box.blur()")
    page.mouse.move(0, 0)
    for lens in page.evaluate(
        "import(new URL('lenses/index.js', document.baseURI)).then(({lenses}) => lenses.map(({id}) => id))"
    ):
        page.click(f"#tab-{lens}")
        page.mouse.move(0, 0)
        if lens == "layers":
            settled(page, SHOWN)
        if lens == "attention":
            expect(page.locator("#panel-head .chart:not(.blank)").first).to_be_attached(timeout=60_000)
        if lens == "why":
            expect(page.locator("#panel-why_adds .lead")).to_contain_text("All parts sum to", timeout=60_000)
        if lens == "python":
            page.locator("#code .cm-content").wait_for()
            page.click("#run-code")
            expect(page.locator("#code-value")).not_to_be_empty(timeout=60_000)
        page.wait_for_timeout(500)  # the charts are drawn
        page.screenshot(path=FOLDER / f"{lens}.png")
        print(f"{FOLDER.relative_to(ROOT)}/{lens}.png")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright, serving(SITE) as address:
        chromium = playwright.chromium.launch(executable_path=browser.find(whole=True), args=FLAGS)
        page = chromium.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce", service_workers="block")
        page.goto(f"{address}#model=smollm2")
        page.evaluate("tokenlight.ready")
        take(page)
        chromium.close()


if __name__ == "__main__":
    main()
