"""What the other browser tests rely on: a request to another origin is heard of, by a name or an address."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import Log

STRANGERS = ["http://example.com/", "https://192.0.2.1/", "http://127.0.0.2:9/", "http://[::1]/"]


@pytest.mark.parametrize("address", STRANGERS)
def test_a_request_to_another_origin_is_heard_of(page: Page, log: Log, address: str) -> None:
    page.goto("about:blank")
    page.evaluate("address => fetch(address, {mode: 'no-cors'}).catch(() => null)", address)
    assert log.strangers == [address]
    log.strangers.clear()
