"""What the address holds, and what a reload, a link or Back leave of a text. Real Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode

from playwright.sync_api import Page, expect

from tests.e2e.layers import until
from tests.e2e.likelihood import read_box as read
from tests.e2e.likelihood import settled as idle

Opener = Callable[..., Page]
SETTINGS = "import(new URL('page/state.js', document.baseURI)).then(({settings}) => settings.value)"
KEPT_CODE = "import(new URL('lenses/python/kept_code.js', document.baseURI))"
TEXT = "The people of the village went down to the river."


def test_the_address_holds_the_text_only_in_a_link(tiny_site: str, open_page: Opener) -> None:
    page = open_page(f"{tiny_site}#model=tiny-gpt2")
    read(page, TEXT)
    page.locator("#token-3").click()
    page.click("#tab-layers")
    until(page, "() => location.hash === '#model=tiny-gpt2&lens=layers&token=3'")
    page.click("#copy-link")
    until(page, "() => new URLSearchParams(location.hash.slice(1)).get('text') !== null")
    link = page.evaluate("location.href")
    expect(page.locator("#notice")).to_contain_text("Anyone with the link can read the text.")
    page.evaluate("tokenlight.analyze('Another text')")
    until(page, "() => !location.hash.includes('text=')")
    page.goto(link)
    idle(page)
    assert page.input_value("#text") == TEXT


def test_a_link_holds_the_settings(tiny_site: str, open_page: Opener) -> None:
    page = open_page(f"{tiny_site}#model=tiny-gpt2")
    read(page, TEXT)
    page.select_option("#colouring", "gltr")
    page.evaluate("""import(new URL('page/choices.js', document.baseURI)).then(async ({set}) => {
        const {settings} = await import(new URL('page/state.js', document.baseURI));
        set('sampling', {...settings.value.sampling, temperature: 0.25, stop: 'end'});
    })""")
    page.click("#copy-link")
    until(page, "() => location.hash.includes('settings=')")
    link, shown = page.evaluate("location.href"), page.evaluate(SETTINGS)
    page.select_option("#colouring", "hue")
    page.evaluate("tokenlight.analyze('Another text')")
    until(page, "() => !location.hash.includes('settings=')")
    page.evaluate("link => { location.href = link; }", link)
    expect(page.locator("#colouring")).to_have_value("gltr")
    idle(page)
    assert page.evaluate(SETTINGS) == shown and shown["sampling"]["temperature"] == 0.25
    hostile = {"units": "miles", "colouring": "constructor", "sampling": {"temperature": -3}, "theme": "dark"}
    query = urlencode({"model": "tiny-gpt2", "text": "Hello", "settings": json.dumps(hostile)})
    page.evaluate("hash => { location.hash = hash; }", query)
    expect(page.locator("#text")).to_have_value("Hello")
    found = page.evaluate(SETTINGS)
    assert (found["units"], found["sampling"]["temperature"], found["theme"]) == ("bits", 0.8, "system")
    expect(page.locator("#colouring")).to_have_value("hue")


def test_a_setting_of_one_tab_is_not_undone_by_one_of_another(tiny_site: str, open_page: Opener) -> None:
    one = open_page(f"{tiny_site}#model=tiny-gpt2", ready=False)
    expect(one.locator("#colouring option")).not_to_have_count(0, timeout=60_000)
    other = one.context.new_page()
    other.goto(f"{tiny_site}#model=tiny-gpt2")
    expect(other.locator("#colouring option")).not_to_have_count(0, timeout=60_000)
    change = """async ([temperature, name, value]) => {
        const {set} = await import(new URL('page/choices.js', document.baseURI));
        const {settings} = await import(new URL('page/state.js', document.baseURI));
        set('sampling', {...settings.value.sampling, [temperature]: 0.25});
        set(name, value);
    }"""
    one.evaluate(change, ["temperature", "theme", "dark"])
    other.evaluate(change, ["minP", "units", "nats"])
    one.reload()
    until(one, f"async () => (await {SETTINGS}).theme === 'dark'")
    found = one.evaluate(SETTINGS)
    assert (found["units"], found["sampling"]["temperature"], found["sampling"]["minP"]) == ("nats", 0.25, 0.25)
    other.close()


def test_a_reload_says_that_the_pinned_run_is_gone(tiny_site: str, open_page: Opener) -> None:
    page = open_page(f"{tiny_site}#model=tiny-gpt2")
    read(page, TEXT)
    page.click("#keep")
    read(page, "Another text")
    expect(page.locator("#compare .sides")).to_be_visible()
    expect(page.locator("#lost-a")).to_have_count(0)
    page.reload()
    expect(page.locator("#lost-a")).to_contain_text(f"“{TEXT}” is no longer pinned as A")
    page.evaluate("tokenlight.ready")
    idle(page)
    page.click("#keep")
    expect(page.locator("#lost-a")).to_have_count(0)
    page.get_by_role("button", name="Unpin A").click()
    page.reload()
    expect(page.locator("#keep")).to_be_visible()
    expect(page.locator("#lost-a")).to_have_count(0)


def test_a_text_that_is_too_long_for_a_link_is_said(tiny_site: str, open_page: Opener) -> None:
    page = open_page(f"{tiny_site}#model=tiny-gpt2")
    read(page, TEXT)
    page.fill("#text", "word " * 4000)
    page.click("#copy-link")
    expect(page.locator("#notice")).to_contain_text("too long for a link. Save the run as a file")
    assert "text=" not in page.evaluate("location.href")


def test_a_link_pasted_into_the_tab_and_back(tiny_site: str, open_page: Opener) -> None:
    page = open_page(f"{tiny_site}#model=tiny-gpt2")
    read(page, TEXT)
    until(page, "() => location.hash.includes('lens=tokens')")
    page.fill("#text", "Not read yet")
    page.wait_for_timeout(700)
    page.evaluate("location.hash = '#model=tiny-llama&lens=layers&text=From+a+link'")
    expect(page.locator("#text")).to_have_value("From a link")
    expect(page.locator("#layers")).to_be_visible()
    expect(page.locator("#model")).to_have_value("tiny-llama", timeout=60_000)
    idle(page)
    expect(page.locator("#tokens")).to_have_text("From a link")
    page.go_back()
    expect(page.locator("#text")).to_have_value(TEXT)
    expect(page.locator("#model")).to_have_value("tiny-gpt2", timeout=60_000)
    expect(page.locator("#tokens-lens")).to_be_visible()
    idle(page)
    versions = "import(new URL('page/versions.js', document.baseURI)).then(({versions}) => versions.value)"
    texts = [version["text"] for version in page.evaluate(versions)]
    assert "Not read yet" in texts, "an unsaved text is a version"


def test_a_link_to_a_token_of_a_text_that_waits(tiny_site: str, open_page: Opener) -> None:
    """The address names the token until the text is read, which pins it, or another text is typed."""
    link = "#model=tiny-gpt2&token=1&text=Hello%20dog"
    written = "() => history.state !== null"
    page = open_page(tiny_site + link)
    until(page, written)
    assert parse_qs(page.evaluate("location.hash.slice(1)"))["token"] == ["1"]
    page.click("#run")
    until(page, "() => tokenlight.state().token === 1")
    other = open_page(tiny_site + link)
    until(other, written)
    read(other, TEXT)
    until(other, "() => !location.hash.includes('token=')")
    assert other.evaluate("tokenlight.state().token") is None


def test_what_an_address_does_not_name_stays_unless_it_holds_a_text(tiny_site: str, open_page: Opener) -> None:
    page = open_page(f"{tiny_site}#model=tiny-gpt2")
    heads = [{"layer": 0, "head": 1, "scale": 0}]
    page.evaluate("([text, heads]) => tokenlight.analyze(text, {interventions: {heads}})", [TEXT, heads])
    page.locator("#token-3").click()
    page.evaluate("location.hash = '#lens=why'")
    expect(page.locator("#why")).to_be_visible()
    until(page, "() => location.hash.includes('token=3') && location.hash.includes('interventions=')")
    found = page.evaluate("tokenlight.state()")
    assert (found["token"], found["interventions"], found["model"]) == (3, {"heads": heads}, "tiny-gpt2")
    page.evaluate("location.hash = '#text=The+people+of+the+village+went+home'")
    until(page, "() => tokenlight.state().text.endsWith('home')")
    idle(page)
    found = page.evaluate("tokenlight.state()")
    assert (found["token"], found["interventions"], found["lens"]) == (None, {}, "why")
    page.go_back()
    until(page, "() => tokenlight.state().token === 3")
    idle(page)
    found = page.evaluate("tokenlight.state()")
    assert (found["text"], found["interventions"]) == (TEXT, {"heads": heads})


def test_an_address_that_names_a_model_that_is_not_here(tiny_site: str, open_page: Opener) -> None:
    """It is said, also if the text beside it is read, and the address names the model that answers."""
    page = open_page(f"{tiny_site}#model=tiny-gpt2")
    read(page, TEXT)
    for hash in ("#model=nope", "#model=nope&lens=layers&text=From+a+link&interventions=5"):
        page.evaluate("hash => { location.hash = hash; }", hash)
        expect(page.locator("#notice")).to_contain_text("There is no model “nope” here. Using tiny-gpt2 instead.")
        until(page, "() => location.hash.startsWith('#model=tiny-gpt2&')")
    expect(page.locator("#notice")).to_contain_text("The interventions in this link are not valid")
    idle(page)
    expect(page.locator("#tokens")).to_have_text("From a link")


def test_an_address_that_cannot_be_written_fails_no_run(tiny_site: str, open_page: Opener) -> None:
    """Safari throws after 100 calls of replaceState in a short time."""
    page = open_page(tiny_site, ready=False)
    page.add_init_script(
        """
        globalThis.refused = 0;
        history.replaceState = () => { refused++; throw new DOMException('too many calls', 'SecurityError'); };
        """
    )
    page.reload()
    page.evaluate("tokenlight.ready")
    idle(page)
    for text in ("One two", "Three four"):
        before = page.evaluate("refused")
        assert page.evaluate("text => tokenlight.analyze(text).then((run) => run.text)", text) == text
        until(page, "before => refused > before", before)
    idle(page)


def test_a_text_survives_a_reload_of_its_tab(tiny_site: str, open_page: Opener) -> None:
    page = open_page(tiny_site, ready=False)
    box = page.locator("#text")
    long = "A long text. " * 900  # longer than any address would hold
    box.fill(long)
    page.reload()
    expect(box).to_have_value(long)  # also one that was not read
    page.evaluate("tokenlight.ready")
    read(page, TEXT)
    page.reload()
    expect(box).to_have_value(TEXT)
    page.evaluate(
        "() => { Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }; }"
    )
    box.fill("More than the browser stores")
    page.locator("#storage summary").click()
    expect(page.locator("#storage")).to_contain_text("The browser refused to store the current text")
    page.evaluate(f"{KEPT_CODE}.then(({{keepCode}}) => keepCode('1 + 1'))")
    expect(page.locator("#storage")).to_contain_text("text and code of the Python lens: they last only until the page")
    page.reload()
    until(page, "() => document.querySelector('#text').value !== ''")
    assert page.input_value("#text") != TEXT, "an older text does not take the place of one that was not stored"
    other = page.context.new_page()
    other.goto(tiny_site)
    until(other, "() => document.querySelector('#text').value !== ''")
    assert other.input_value("#text") not in (TEXT, long), "another tab begins anew"
    other.close()


def test_a_reload_that_begins_before_the_address_changes(tiny_site: str, open_page: Opener) -> None:
    """The address lags behind the page, so a reload can find another one than the draft was kept with."""
    page = open_page(f"{tiny_site}#text=From+a+link", ready=False)
    expect(page.locator("#text")).to_have_value("From a link")
    with page.expect_event("load"):
        page.evaluate(
            """() => {
                const box = document.querySelector('#text');
                box.value = 'Typed over it';
                box.dispatchEvent(new Event('input', {bubbles: true}));
                location.reload();
                history.replaceState(null, '', '#lens=tokens&text=From+a+link');
            }"""
        )
    expect(page.locator("#text")).to_have_value("Typed over it")
    assert page.evaluate("performance.getEntriesByType('navigation')[0].type") == "reload"


def test_a_reload_in_a_lesson_keeps_the_text_and_the_lesson(tiny_site: str, open_page: Opener) -> None:
    """Also at its first step, with whose text it begins."""
    page = open_page(f"{tiny_site}#model=tiny-gpt2&lesson=easy-words")
    title = page.locator("#lesson-title")
    expect(title).to_be_visible()
    for step in (1, 2):
        read(page, f"{TEXT} {step}")
        with page.expect_event("load"):
            page.reload()
        expect(title).to_be_visible()
        idle(page)
        expect(page.locator(".lesson-place")).to_contain_text(f"Step {step} of")
        expect(page.locator("#text")).to_have_value(f"{TEXT} {step}")
        expect(page.locator("#tokens")).to_have_text(f"{TEXT} {step}")
        page.click("#lesson-next, #lesson-skip")
        until(page, f"() => location.hash.includes('step={step + 1}')")


def test_a_link_to_a_lesson_that_is_not_here_begins_the_page_as_without_one(tiny_site: str, open_page: Opener) -> None:
    page = open_page(f"{tiny_site}#lesson=nothing-here")
    expect(page.locator("#notice")).to_contain_text("There is no lesson “nothing-here” here.")
    expect(page.locator("#text")).not_to_have_value("")
    idle(page)
    expect(page.locator("#tokens .token").first).to_be_attached()
    expect(page.locator("#notice")).to_contain_text("There is no lesson “nothing-here” here.")


def test_a_reload_keeps_the_pinned_token_whatever_the_address_says(tiny_site: str, open_page: Opener) -> None:
    """One that is pinned stays pinned, and one that was unpinned does not come back."""
    page = open_page(tiny_site)
    read(page, TEXT)
    chosen = page.locator("#tokens [data-index='3']")
    reload = "(hash) => { location.reload(); history.replaceState(null, '', hash); }"
    chosen.click()
    with page.expect_event("load"):
        page.evaluate(reload, "#lens=tokens")
    expect(chosen).to_have_attribute("aria-selected", "true", timeout=60_000)
    idle(page)
    chosen.click()  # unpins it
    with page.expect_event("load"):
        page.evaluate(reload, "#lens=tokens&token=3")
    page.evaluate("tokenlight.ready")
    idle(page)
    expect(page.locator("#tokens")).to_have_text(TEXT)
    expect(page.locator("#tokens [aria-selected=true]")).to_have_count(0)
