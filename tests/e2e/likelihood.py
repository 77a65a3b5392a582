"""What the tests of the text and the tokens lens share: one page for a module, ways to read and ask it. Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.e2e.layers import until

TEXT = "The people of the village went down to the river.\nThe people of the village went home 🙂 again.\n"
# characters of several scripts, indentation, code
MIXED = "The people of the village 🙂 went\tdown to the river.\n\n  東京 naïve — def add(a, b):\n    return a + b\n" * 2
# lines that run both ways, characters of several tokens
SCRIPTS = [
    "Naïve café. Ελληνικά, עברית, العربية and plain English.",
    "שלום עולם\nHello world\nsecond line\nend",
    'Hello\nשלום "quoted", =SUM(1)\n\nend',
    "He said:\nمرحبا بالعالم\nYes",
    "def f(a):\n    return a\n\tpass\nend",
    "a family of three " * 8 + "👩‍👩‍👧 and Москва 🙂",
]


@contextmanager
def open_view(browser: Browser, address: str, **context: Any) -> Iterator[Page]:
    """A page that can answer and shows a finished run; fails where the page threw an unhandled error."""
    opened = browser.new_context(service_workers="block", viewport={"width": 1280, "height": 900}, **context)
    errors: list[str] = []
    opened.on("weberror", lambda error: errors.append(str(error.error)))
    page = opened.new_page()
    page.goto(address)
    page.evaluate("tokenlight.ready")
    expect(page.locator("#remarks .card").first).to_be_visible(timeout=60_000)
    settled(page)
    yield page
    opened.close()
    assert not errors


def settled(page: Page) -> None:
    """Waits until nothing is being read."""
    expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)


def shows(text: str, p: float, bar: float = 0) -> bool:
    """Whether a percentage on the page, three digits or `< 0.01%`, stands for a probability known to within `bar`."""
    return p < 1e-4 + bar if text.startswith("<") else abs(float(text.rstrip("%")) / 100 - p) <= 0.01 * p + bar


def read_box(page: Page, text: str) -> None:
    """Reads a text through the box."""
    page.fill("#text", text)
    page.click("#run")
    settled(page)
    expect(page.locator("#tokens")).to_have_text(text, use_inner_text=False, timeout=60_000)
    expect(page.locator("#tokens .unread")).to_be_empty()


def read(page: Page, text: str) -> dict:
    """Reads a text through the box and returns its Run."""
    read_box(page, text)
    return page.evaluate("text => tokenlight.analyze(text, {topK: 50})", text)


def analyze(page: Page, text: str, **options: Any) -> dict:
    """The Run of a text."""
    return page.evaluate("([text, options]) => tokenlight.analyze(text, options)", [text, options])


def numbers_in(value: Any) -> list[float]:
    """All numbers in a JSON value, in order."""
    if isinstance(value, dict):
        return [n for part in value.values() for n in numbers_in(part)]
    if isinstance(value, list):
        return [n for part in value for n in numbers_in(part)]
    return [float(value)] if isinstance(value, int | float) else []


def shown_ids(page: Page) -> list[int]:
    """Ids of the tokens on the page."""
    return page.evaluate("import(new URL('page/state.js', location.href)).then(({run}) => run.value.tokens.ids)")


def logprobs(page: Page) -> list[float]:
    """Log-probabilities of the tokens on the page."""
    return page.evaluate(
        """import(new URL('page/state.js', location.href)).then(({run}) =>
          [...run.value.columns.logprob.data.slice(0, run.value.count)])"""
    )


def facts(page: Page) -> dict[str, str]:
    """The inspector's numbers by name."""
    names, values = (page.locator(f"#inspector .facts {tag}").all_inner_texts() for tag in ("dt", "dd"))
    return dict(zip(names, values, strict=True))


def colours(page: Page) -> list[str]:
    """[token] the background colours as the browser computed them."""
    return page.locator("#tokens .token").evaluate_all("all => all.map(e => getComputedStyle(e).backgroundColor)")


def colour_by(page: Page, colouring: str) -> None:
    """Chooses a colouring as a person would, and waits until the text looks different."""
    before, chosen = colours(page), page.input_value("#colouring")
    page.select_option("#colouring", colouring)
    if colouring != chosen:
        shown = "[...document.querySelectorAll('#tokens .token')].map((e) => getComputedStyle(e).backgroundColor)"
        until(page, f"before => {shown}.some((colour, i) => colour !== before[i])", before)


def covered(page: Page) -> list[list[str]]:
    """Characters of the text that something else lies over, or that cannot be pressed where they stand."""
    return page.evaluate(
        """() => {
      const root = document.getElementById('tokens');
      const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      const found = [];
      const letters = [];
      while (walker.nextNode()) {
        const node = walker.currentNode;
        const own = node.parentElement.closest('.group') ?? node.parentElement.closest('.token');
        for (const {segment, index} of new Intl.Segmenter('en').segment(node.data)) {
          if (/^\\s*$/.test(segment)) continue;
          const range = document.createRange();
          range.setStart(node, index);
          range.setEnd(node, index + segment.length);
          const {left, right, top, bottom, width} = range.getBoundingClientRect();
          if (width < 1) continue;
          letters.push({left, right, top, bottom, segment});
          const there = document.elementFromPoint((left + right) / 2, top + 6)?.closest('[data-index]');
          if (!there || (there.closest('.group') ?? there) !== own) found.push([segment, there?.dataset.index ?? null]);
        }
      }
      for (const mark of root.querySelectorAll('.end')) {
        const box = mark.getClientRects()[0];
        const after = getComputedStyle(mark).direction === 'rtl' ? -1 : 1; // the mark is 1ch wide, on this side
        const moved = mark.parentElement.classList.contains('line-end');
        const middle = box.left + after * 4 * (moved && mark === mark.parentElement.querySelector('.end') ? -1 : 1);
        for (const {left, right, top, bottom, segment} of letters)
          if (left < middle && middle < right && top < box.bottom - 4 && bottom > box.top + 4)
            found.push(['under a line end', segment]);
      }
      return found;
    }"""
    )
