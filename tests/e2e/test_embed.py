"""The code that embeds a coloured text in another page, and what the embed page refuses; real Chromium."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.layers import until
from tests.e2e.likelihood import analyze, read_box
from tests.e2e.test_saved_runs import TEXT

COLOURS = "nodes => nodes.map(node => getComputedStyle(node).backgroundColor)"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_code_embeds_the_coloured_text(
    tiny: Page, tiny_site: str, browser: Browser, theme: Literal["light", "dark"]
) -> None:
    """In a page of another origin, without isolation: only the embed page's own files are fetched."""
    read_box(tiny, TEXT.replace("\r\n", "\n"))
    run = analyze(tiny, TEXT.replace("\r\n", "\n"))
    tiny.click("#save > summary")
    tiny.click("#embed")
    code = tiny.input_value("#embed-code")
    tiny.keyboard.press("Escape")
    context = browser.new_context(color_scheme=theme, service_workers="block")
    page, fetched = context.new_page(), list[str]()
    page.on("request", lambda request: fetched.append(request.url.split("#")[0]))
    page.set_content(f"<h1>An article</h1>{code}")
    frame = page.frame_locator("iframe")
    tokens = frame.locator("#tokens > span")
    expect(tokens).to_have_count(len(run["tokens"]))
    expect(frame.locator("#tokens")).to_have_text(run["text"], use_inner_text=False)
    tiny.emulate_media(color_scheme=theme)
    assert tokens.evaluate_all(COLOURS) == tiny.locator("#tokens .token").evaluate_all(COLOURS)
    tiny.emulate_media(color_scheme="light")
    tokens.nth(4).hover()
    expect(frame.locator("#card")).to_contain_text(f"rank {run['tokens'][4]['rank']:,}")
    expect(frame.locator("figcaption")).to_contain_text("tiny-gpt2 (fp32")
    tokens.nth(4).focus()
    for said in (tokens.nth(4).get_attribute("aria-label") or "", frame.locator("#card").inner_text()):
        assert f"rank {run['tokens'][4]['rank']:,}" in said and said.count("; ") >= 4
    last = len(run["tokens"]) - 1
    for key, to in (("ArrowRight", 5), ("ArrowDown", 6), ("ArrowLeft", 5), ("Home", 0), ("End", last)):
        page.keyboard.press(key)
        expect(tokens.nth(to)).to_be_focused()
        expect(frame.locator("#tokens > [tabindex='0']")).to_have_count(1)
        expect(frame.get_by_role("option", selected=True)).to_have_count(1)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(tokens.last).to_be_focused()
    page.keyboard.press("Tab")
    expect(frame.locator("#open")).to_be_focused()
    files = {Path(address).name for address in fetched} - {"icon.svg"}
    assert files == {"embed.html", "embed.css", "embed.js", "packed.js"}
    link = frame.locator("#open").get_attribute("href")
    assert link and parse_qs(link.split("#")[1])["text"] == [run["text"]]
    context.close()


def test_what_cannot_be_embedded_is_said(tiny: Page, tiny_site: str, browser: Browser) -> None:
    read_box(tiny, "The people")
    whole = json.loads(tiny.evaluate("tokenlight.export('embed').then((blob) => blob.text())"))
    pack = """value => import(new URL('shared/packed.js', document.baseURI))
        .then(({packed, unpacked}) => packed(value).then(async (one) => [one, await unpacked(one)]))"""
    hostile = json.loads(json.dumps(whole))
    hostile["tokens"][0]["light"][0] = "red;background:url(https://example.org/x)"
    markup = json.loads(json.dumps(whole))
    markup["tokens"][0]["text"] = "<img src=x onerror=alert(1)>"
    markup["text"] = markup["text"].replace("The", "<img src=x onerror=alert(1)>", 1)
    assert whole["tokens"][0]["text"] == "The" and whole["text"].startswith("The")
    legend = [{**whole["legend"][0], "light": [whole["legend"][0]["light"]]}]
    letters = {}
    refused = {
        "hostile": hostile, "other": {"schema": "tokenlight.embed/2"}, "model": {**whole, "model": {"id": 5}},
        "empty": {**whole, "tokens": []}, "differs": {**whole, "text": "Another text"},
        "list": {**whole, "legend": legend},
    }  # fmt: skip
    for name, value in {"markup": markup, **refused}.items():
        letters[name], again = tiny.evaluate(pack, json.dumps(value))
        assert json.loads(again) == value
    page = browser.new_page()
    nothing = "does not say which text"
    for hash_, said in (
        ("", nothing), ("run=", "damaged"), ("run=%%%", "damaged"), (f"run={letters['markup'][:40]}", "damaged"),
        *((f"run={letters[name]}", "not a text that “Embed” saved") for name in refused),
        ("file=../secret.json", nothing), ("file=https://example.org/x.json", nothing),
        ("file=none.json", "none.json is missing"), (f"run={letters['markup']}", "<img src=x onerror=alert(1)> people"),
    ):
        page.goto("about:blank")
        page.goto(f"{tiny_site}embed.html#{hash_}")
        expect(page.locator("#tokens")).to_contain_text(said)
        expect(page.locator("#tokens img")).to_have_count(0)
    page.route("**/beside.json", lambda route: route.fulfill(json=whole))
    page.route("**/broken.json", lambda route: route.fulfill(body='{"schema":'))
    page.route("**/away.json", lambda route: route.abort())
    away = "away.json could not be loaded. Check the connection and reload the page."
    damaged = "broken.json is damaged. Save it again with “Embed”."
    for file, shown in (("beside", "The people"), ("broken", damaged), ("away", away)):
        page.goto("about:blank")
        page.goto(f"{tiny_site}embed.html#file={file}.json")
        expect(page.locator("#tokens")).to_have_text(shown)
    page.goto(f"{tiny_site}embed.html#file=beside.json")
    expect(page.locator("figcaption")).to_contain_text("tiny-gpt2 (fp32")
    expect(page).to_have_title("The people")
    page.evaluate("location.hash = 'run=damaged'")
    expect(page.locator("#tokens")).to_contain_text("is damaged")
    for part in ("card", "key", "facts"):
        expect(page.locator(f"#{part}")).to_be_empty()
    expect(page.locator("#open")).to_be_hidden()
    assert page.locator("#open").get_attribute("href") is None
    expect(page).to_have_title("Tokenlight: a text")
    page.evaluate("location.hash = 'file=beside.json'")
    expect(page.locator("#open")).to_be_visible()
    page.close()


def test_the_newest_address_is_shown_however_slow_an_older_one_is(tiny: Page, tiny_site: str, browser: Browser) -> None:
    read_box(tiny, "The people")
    whole = json.loads(tiny.evaluate("tokenlight.export('embed').then((blob) => blob.text())"))
    page, held = browser.new_page(), list[Route]()
    page.route("**/beside.json", lambda route: route.fulfill(json=whole))
    page.route("**/slow.json", lambda route: held.append(route))
    for newer, shown in (("file=beside.json", "The people"), ("file=../secret.json", "does not say which text")):
        page.goto("about:blank")
        with page.expect_request("**/slow.json"):
            page.goto(f"{tiny_site}embed.html#file=slow.json")
        with page.expect_event("requestfailed", lambda request: request.url.endswith("slow.json")):  # it is ended
            page.evaluate("hash => { location.hash = hash; }", newer)
        expect(page.locator("#tokens")).to_contain_text(shown)
        expect(page.locator("#open")).to_be_visible(visible=newer == "file=beside.json")
    # One that had come when the address changed, and was still to be read.
    page.add_init_script("""
        const usual = Response.prototype.json;
        const held = Promise.withResolvers();
        Response.prototype.json = async function () {
            const value = await usual.call(this);
            globalThis.come = true;
            await held.promise;
            return value;
        };
        globalThis.read = () => (held.resolve(), new Promise((resolve) => setTimeout(resolve)));
    """)
    page.goto("about:blank")
    page.goto(f"{tiny_site}embed.html#file=beside.json")
    until(page, "() => globalThis.come")
    page.evaluate("location.hash = 'file=../secret.json'")
    expect(page.locator("#tokens")).to_contain_text("does not say which text")
    page.evaluate("read()")
    expect(page.locator("#tokens")).to_contain_text("does not say which text")
    page.close()
