"""What lessons keep: what a reload, a link and leaving bring back, and what can be seen on small screens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.layers import finished, until
from tests.e2e.lessons import INDEX, OWN, SITE, choose, pin, run

Opener = Callable[..., Page]
VERSIONS = "import(new URL('page/versions.js', document.baseURI)).then((v) => v.versions.value.map(({text}) => text))"


def test_interventions_say_both_means_and_their_difference(lens_page: Page) -> None:
    """The mean under the interventions is the unchanged model's plus the change, in the chosen unit."""
    page = lens_page
    page.evaluate("text => tokenlight.analyze(text, {interventions: {}})", OWN)
    before = page.evaluate("tokenlight.analyze('The dog saw a dog.').then(({summary}) => summary.mean_logprob)")
    off = "{interventions: {heads: [{layer: 0, head: 0, scale: 0}, {layer: 1, head: 1, scale: 0}]}}"
    after = page.evaluate(
        f"tokenlight.analyze('The dog saw a dog.', {off}).then(({{summary}}) => summary.mean_logprob)"
    )
    page.click("#tab-why")
    lead = page.locator("#panel-change .lead")
    page.locator("#panel-change").scroll_into_view_if_needed()
    expect(lead).to_contain_text("than the unchanged model’s", timeout=20_000)
    said = lead.inner_text().replace("−", "-")
    found = re.fullmatch(r"Mean log-probability (\S+) bits, (\S+) (lower|higher) than .* model’s (\S+)\.", said)
    assert found, said
    bits = [nats / 0.693147 for nats in (after, abs(after - before), before)]
    assert [float(found[i]) for i in (1, 2, 4)] == pytest.approx(bits, abs=0.02)
    assert found[3] == ("lower" if after < before else "higher")
    page.evaluate("tokenlight.analyze('x', {interventions: {}})")


def start_writing(page: Page) -> None:
    page.click("#settings-button")
    page.click("#write-lesson")
    expect(page.locator("#writer-title")).to_be_focused()


def test_a_lesson_being_written_survives_a_reload_and_other_lessons(tiny_site: str, open_page: Opener) -> None:
    """It is discarded only on request; one that is safe in a file gives way to the lesson that is open."""
    page = open_page(f"{tiny_site}#model=tiny-gpt2")
    page.fill("#text", OWN)
    run(page)
    start_writing(page)
    page.fill("#writer-name", "Mine")
    page.locator(".writer-steps").get_by_label("What to do").fill("Press Run, of course.")
    page.reload()
    expect(page.locator("#writer-name")).to_have_value("Mine", timeout=60_000)
    expect(page.locator(".writer-steps").get_by_label("What to do")).to_have_value("Press Run, of course.")
    page.click("#writer-close")
    page.wait_for_timeout(500)
    page.reload()
    page.evaluate("tokenlight.ready")
    expect(page.locator(".writer")).to_have_count(0)
    choose(page, "attention")
    start_writing(page)
    expect(page.locator("#writer-name")).to_have_value("Mine")
    expect(page.locator("#notice")).to_contain_text("This is your unfinished lesson.")
    with page.expect_download():
        page.click("#writer-save")
    choose(page, "attention")
    start_writing(page)
    expect(page.locator("#writer-name")).to_have_value("What attention focuses on")
    page.click("#writer-discard")
    expect(page.locator(".writer")).to_have_count(1)
    page.click("#writer-discard")
    expect(page.locator(".writer")).to_have_count(0)
    start_writing(page)
    expect(page.locator("#writer-name")).to_have_value("")
    keys = page.evaluate("Object.keys(sessionStorage)")
    path = urlsplit(tiny_site).path
    assert any(" lesson " in key for key in keys)
    assert all(key.split(" ")[0] == "tokenlight" and key.split(" ")[2] == path for key in keys), "removed with the rest"


@pytest.mark.parametrize("choice", ["lesson attention", "facts"])
def test_undo_leads_to_the_readers_own_text_after_a_reload(tiny_site: str, open_page: Opener, choice: str) -> None:
    page = open_page(f"{tiny_site}#model=tiny-gpt2")
    page.fill("#text", OWN)
    run(page)
    page.fill("#text", OWN + " And this was typed only.")
    page.select_option("#example", choice)
    expect(page.locator("#text")).not_to_have_value(re.compile("^Nobody"))
    page.wait_for_timeout(500)
    text = page.input_value("#text")
    for _ in range(2):
        page.reload()
        expect(page.locator("#text")).to_have_value(text)
        page.evaluate("tokenlight.ready")
        finished(page) if choice == "facts" else None
        assert page.evaluate(VERSIONS)[-3:] == [OWN, OWN + " And this was typed only.", text]
    page.click("#undo")
    expect(page.locator("#text")).to_have_value(OWN + " And this was typed only.")
    finished(page)
    page.click("#undo")
    expect(page.locator("#text")).to_have_value(OWN)


def test_a_reload_keeps_as_many_versions_as_there_is_room_for(lens_page: Page) -> None:
    kept = lens_page.evaluate(
        """import(new URL('page/versions.js', document.baseURI)).then((v) => {
            v.keepOnlyCurrent();
            for (const size of [400_000, 90_000, 600_000]) v.add({ text: 'x'.repeat(size) });
            const { versions, current } = v.recentVersions();
            const last = v.versions.value.at(-2).id;
            v.keepOnlyCurrent();
            v.restoreVersions({ versions: [{ id: 1, text: 5 }], current: 1 });
            return [versions.map(({ text }) => text.length), current === last, v.versions.value.length];
        })"""
    )
    assert kept[0][-2:] == [400_000, 90_000] and kept[1:] == [True, 1]
    lens_page.evaluate("text => tokenlight.analyze(text)", OWN)


@pytest.mark.parametrize(("width", "height"), [(390, 844), (360, 740)])
def test_on_a_phone_the_page_scrolls_above_its_sheets(real: Page, width: int, height: int) -> None:
    """With a token pinned, the inspector's sheet is on the lesson's; the tabs can still be pressed."""
    page = real
    page.set_viewport_size({"width": width, "height": height})
    choose(page, "induction")
    run(page)
    page.click("#lesson-next")
    pin("orbit", 2)(page)
    page.click("#lesson-next")
    sheet = page.locator("#inspector").bounding_box()
    assert sheet and sheet["height"] > 0.2 * height
    assert page.locator("[aria-selected=true].token").bounding_box()["y"] < sheet["y"]
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    tab = page.locator("#tab-attention").bounding_box()
    assert tab and tab["y"] + tab["height"] <= sheet["y"]
    page.mouse.click(tab["x"] + 0.5 * tab["width"], tab["y"] + 0.5 * tab["height"])
    expect(page.locator(".lesson-see")).to_be_visible()
    page.click("#lesson-leave")


@pytest.mark.parametrize("id", ["induction", "easy-words", "code", "half-characters", "attention"])
def test_the_whole_text_of_a_lesson_is_in_sight(real: Page, id: str) -> None:
    page = real
    page.set_viewport_size({"width": 1440, "height": 900})
    page.fill("#text", OWN)
    choose(page, id)
    run(page)
    expect(page.locator(".lesson-see")).to_be_visible()
    if id == "induction":
        page.click("#tab-why")
        page.locator("#panel-change").scroll_into_view_if_needed()
        page.get_by_role("button", name="Induction heads off").click()
        finished(page)
        for _ in range(4):
            page.click("#lesson-next, #lesson-skip")
        expect(page.locator(".lesson-see")).to_be_visible()
    seen, all_of_it = page.evaluate("(({clientHeight, scrollHeight}) => [clientHeight, scrollHeight])(surface)")
    assert seen >= all_of_it
    assert page.locator("#surface").bounding_box()["y"] + seen < 900
    page.click("#lesson-leave")
    page.evaluate("tokenlight.analyze('x', {interventions: {}})")


LENS_AND_UNITS = """import(new URL('page/state.js', document.baseURI)).then(({lens, settings}) =>
    [lens.value, settings.value.units, settings.value.colouring])"""


def choose_units(page: Page, units: str) -> None:
    page.evaluate(
        "units => import(new URL('page/choices.js', document.baseURI)).then(({set}) => set('units', units))", units
    )


def test_a_lesson_is_in_bits_and_a_reload_keeps_its_lens_and_what_leaving_brings_back(
    tiny_site: str, open_page: Opener
) -> None:
    page = open_page(f"{tiny_site}#model=tiny-gpt2")
    page.fill("#text", OWN)
    run(page)
    choose_units(page, "nats")
    page.select_option("#colouring", "gltr")
    page.click("#tab-layers")
    choose(page, "attention")
    assert page.evaluate(LENS_AND_UNITS) == ["tokens", "bits", "hue"]
    page.click("#tab-attention")
    page.wait_for_timeout(1100)
    page.reload()
    expect(page.locator("#lesson-title")).to_be_visible(timeout=60_000)
    page.evaluate("tokenlight.ready")
    assert page.evaluate(LENS_AND_UNITS) == ["attention", "bits", "hue"]
    page.click("#lesson-leave")
    assert page.evaluate(LENS_AND_UNITS) == ["layers", "nats", "gltr"]


def test_step_1_waits_though_the_text_was_read_before(lens_page: Page) -> None:
    page = lens_page
    for _ in range(2):
        choose(page, "attention")
        expect(page.locator(".lesson-place")).to_have_text("Step 1 of 7")
        expect(page.locator(".lesson-see")).to_have_count(0)
        run(page)
        expect(page.locator(".lesson-see")).to_be_visible()
        page.click("#lesson-leave")


def test_share_names_the_lesson_and_its_step_unless_its_text_was_changed(lens_page: Page) -> None:
    page = lens_page
    page.evaluate(
        """() => {
            globalThis.copied = [];
            navigator.clipboard.writeText = async (text) => void copied.push(text);
        }"""
    )

    def shared() -> dict[str, list[str]]:
        page.click("#copy-link")
        return parse_qs(urlsplit(page.evaluate("copied.at(-1)")).fragment)

    choose(page, "attention")
    run(page)
    page.click("#lesson-next")
    link = shared()
    assert (link["lesson"], link["step"]) == (["attention"], ["2"]) and "text" not in link
    until(page, "() => location.hash.includes('lesson=attention&step=2')")
    page.fill("#text", OWN)
    run(page)
    assert shared()["text"] == [OWN] and "lesson" not in shared()
    page.wait_for_timeout(700)
    assert "lesson=attention&step=2" in page.evaluate("location.hash") and "text=" not in page.evaluate("location.hash")
    page.click("#lesson-leave")
    until(page, "() => !location.hash.includes('lesson')")
    assert shared()["text"] == [OWN]


def test_text_that_slides_under_a_resting_pointer_is_not_pointed_at(lens_page: Page) -> None:
    page = lens_page
    page.evaluate("text => tokenlight.analyze(text)", f"{OWN}\n" * 3)
    count = len(finished(page))
    token = count - 4  # in the last line, so that the same one of the line before slides into its place
    hovered = "import(new URL('page/state.js', document.baseURI)).then(({hovered}) => hovered.value)"
    box = page.locator(f"#token-{token}").bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    until(page, f"async () => await {hovered} === {token}")
    above = page.locator(f"#token-{token - count // 3}").bounding_box()
    assert above
    page.evaluate("px => { document.getElementById('toolbar').style.marginBottom = `${px}px`; }", box["y"] - above["y"])
    page.wait_for_timeout(500)
    assert page.evaluate(hovered) in (token, None)
    outlined = """() => [...document.querySelectorAll('#tokens .token')]
        .filter((token) => getComputedStyle(token).boxShadow !== 'none').map((token) => Number(token.dataset.index))"""
    assert page.locator("#tokens .token:hover").get_attribute("data-index") == str(token - count // 3)
    assert page.evaluate(outlined) == [token] * (page.evaluate(hovered) is not None)
    page.mouse.move(box["x"] + 0.5 * box["width"] + 2, box["y"] + 0.5 * box["height"])
    page.wait_for_timeout(100)
    page.evaluate("document.getElementById('toolbar').style.marginBottom = ''")
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    until(page, f"async () => await {hovered} === {token}")


def test_the_ellipses_of_a_blank_stand_for_what_is_left_out(lens_page: Page) -> None:
    page = lens_page
    page.click("#tab-tokens")
    context = page.locator("#fill-in .context")
    page.fill("#text", "I drink ___ here.")
    expect(context).to_have_text("I drink ___ here.")
    page.fill("#text", "word " * 20 + "___" + " word" * 20)
    expect(context).to_have_text(re.compile("^….*word ___ word.*…$"))
    page.evaluate("text => tokenlight.analyze(text)", OWN)
    length = len(finished(page))
    select = "span => import(new URL('page/choices.js', document.baseURI)).then(({select}) => select({span}))"
    for span, ends in (
        ({"from": 0, "to": length}, (False, False)),
        ({"from": 13, "to": length}, (True, False)),
        ({"from": 0, "to": length - 13}, (False, True)),
    ):
        page.evaluate(select, span)
        expect(context).to_have_text(re.compile(("^…" if ends[0] else "^[^…]") + ".*" + ("…$" if ends[1] else "[^…]$")))
    page.evaluate(select, None)


def test_no_example_has_the_title_of_a_lesson() -> None:
    examples = json.loads((SITE / "examples.json").read_text(encoding="utf-8"))
    assert not {each["title"] for each in examples} & {each["title"] for each in INDEX}
