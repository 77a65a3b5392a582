"""What strangers can put into an address or the box: it is text, and nothing runs. Real Chromium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.conftest import serving
from tests.e2e.hosting import FOLDER

Opener = Callable[..., Page]

MARKUP = '<img src=x onerror="globalThis.ran = 1"><script>globalThis.ran = 1</script>'
# what stands behind #text=, and what must stand in the box
TEXTS = {
    "markup": ("%3Cimg src=x onerror=%22globalThis.ran = 1%22>%3Cscript>globalThis.ran = 1%3C/script>", MARKUP),
    "markup, not encoded": (MARKUP, MARKUP),
    "template": ("${globalThis.ran=1}{{ran}}", "${globalThis.ran=1}{{ran}}"),
    "javascript:": ("javascript:globalThis.ran=1", "javascript:globalThis.ran=1"),
    "bidi controls": ("%E2%80%AEabc%E2%81%A6%E2%80%8F", "\u202eabc\u2066\u200f"),
    "NULs": ("a%00b%00", "a\0b\0"),
    "lone percent": ("100%", "100%"),
    "half an encoding": ("%E0%A4%A", "\ufffd%A"),
    "not hex": ("%zz", "%zz"),
    "lone surrogate": ("%ED%A0%80", "\ufffd\ufffd\ufffd"),
    "overlong encoding": ("%C0%AF", "\ufffd\ufffd"),
    "twice": ("first&text=second", "first"),
    "plus": ("a+b%2Bc", "a b+c"),
    "one megabyte": ("word%20" * 143_000, "word " * 143_000),
}


def test_texts_of_the_address_are_text(idle_root: Path, page: Page) -> None:
    """Every one of them stands in the box, character by character; nothing of it runs."""
    with serving(idle_root / FOLDER) as address:
        for name, (encoded, text) in TEXTS.items():
            page.goto("about:blank")
            page.goto(f"{address}#text={encoded}")
            expect(page.locator("#run")).to_be_visible()
            assert page.input_value("#text") == text, name
            assert page.evaluate("globalThis.ran ?? null") is None, name
            assert page.locator("main img, main script, main iframe").count() == 0, name


def test_nothing_runs_until_the_person_asks(tiny_site: str, open_page: Opener) -> None:
    """The text waits, although reading follows typing; Run reads exactly it, and shows it as text."""
    page = open_page(f"{tiny_site}#model=%3Cb%3E&lens=__proto__&text={TEXTS['markup'][0]}")
    expect(page.locator("#live")).to_be_checked()
    page.wait_for_timeout(400)
    assert page.locator("#tokens .token").count() == 0
    assert page.evaluate("import(new URL('page/state.js', location.href)).then(({ run }) => run.value)") is None
    expect(page.locator("#notice")).to_contain_text("There is no model “<b>” here")
    page.click("#run")
    expect(page.locator("#tokens")).to_have_text(MARKUP)
    assert page.locator("#tokens img, #tokens script").count() == 0
    assert page.evaluate("globalThis.ran ?? null") is None


def test_a_very_long_text_is_read_as_far_as_the_context_goes(tiny_site: str, open_page: Opener) -> None:
    """Words, one word without an end, and characters that show nothing."""
    page = open_page(tiny_site)
    for text in ("'word '.repeat(20_000)", "'a'.repeat(200_000)", "'\\u202e'.repeat(60_000)"):
        run = page.evaluate(f"tokenlight.analyze({text})")
        assert len(run["tokens"]) == 255
