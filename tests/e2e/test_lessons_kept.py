"""What lessons keep: what a reload, a link, another lesson and leaving bring back, and what can be seen on small screens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.layers import finished, until
from tests.e2e.lessons import OWN, pin, run

Opener = Callable[..., Page]
VERSIONS = "import(new URL('page/versions.js', document.baseURI)).then((v) => v.versions.value.map(({text}) => text))"


def test_interventions_say_both_means_and_their_difference(lens_page: Page) -> None:
    """The mean under the interventions is the unchanged model's plus the change, in the chosen unit."""
    page = lens_page
    page.evaluate("text => tokenlight.analyze(text, {interventions: {}})", OWN)
    before = page.evaluate("tokenlight.analyze('The dog saw a dog.').then(({summary}) => summary.mean_logprob)")
    off = "{interventions: {heads: [{layer: 0, head: 0, scale: 0}, {layer: 1, head: 1, scale: 0}]}}"
    after = page.evaluate(f"tokenlight.analyze('The dog saw a dog.', {off}).then(({{summary}}) => summary.mean_logprob)")
    page.click("#tab-why")
    lead = page.locator("#panel-change .lead")
    page.locator("#panel-change").scroll_into_view_if_needed()
    expect(lead).to_contain_text("than the unchanged model’s", timeout=20_000)
    said = lead.inner_text().replace("−", "-")
    found = re.fullmatch(r"Mean log-probability (\S+) bits, (\S+) (lower|higher) than the unchanged model’s (\S+)\.", said)
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
    page.select_option("#example", "lesson attention")
    expect(page.locator("#lesson-title")).to_be_visible()
    start_writing(page)
    expect(page.locator("#writer-name")).to_have_value("Mine")
    expect(page.locator("#notice")).to_contain_text("This is your unfinished lesson.")
    with page.expect_download():
        page.click("#writer-save")
    page.select_option("#example", "lesson attention")
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
