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
