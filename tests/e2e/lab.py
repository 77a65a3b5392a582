"""Drives the Python lens for its tests: writes code, runs it, waits for its end."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.layers import finished, fresh, until

STATE = "import(new URL('page/state.js', document.baseURI))"


def over(page: Page, text: str) -> Page:
    """The lens over a text that was read."""
    page.evaluate("text => tokenlight.analyze(text, {interventions: {}})", text)
    finished(page)
    fresh(page, "python")
    page.locator("#code .cm-content").wait_for()
    return page


def write(page: Page, code: str) -> None:
    page.evaluate(
        """async code => {
            const {EditorView} = await import(new URL('vendor/codemirror.js', document.baseURI));
            const view = EditorView.findFromDOM(document.getElementById('code').shadowRoot.querySelector('.cm-editor'));
            view.dispatch({changes: {from: 0, to: view.state.doc.length, insert: code}});
        }""",
        code,
    )


def run(page: Page, code: str) -> dict[str, Any]:
    """Runs code and waits for its end: what was printed, the value's words, and the lines that are marked."""
    write(page, code)
    page.click("#run-code")
    return ended(page)


def ended(page: Page) -> dict[str, Any]:
    until(page, "async () => !(await import(new URL('page/lab.js', document.baseURI))).busy.value")
    return page.evaluate(
        """() => ({
            printed: document.getElementById('code-printed')?.textContent ?? '',
            value: document.querySelector('#code-value :is(.code-text, .code-error strong, .hint)')?.textContent ?? '',
            marked: Array.from(document.getElementById('code').shadowRoot.querySelectorAll('.wrong-line'),
                (line) => line.textContent),
        })"""
    )


def shading(page: Page) -> dict[str, Any] | None:
    return page.evaluate(f"{STATE}.then(({{shading}}) => shading.value)")


def begun(page: Page, code: str) -> None:
    write(page, code)
    page.click("#run-code")
    expect(page.locator("#code-printed")).to_contain_text("begun", timeout=30_000)


def stopped(page: Page) -> str:
    page.click("#stop-code")
    return str(ended(page)["value"])
