"""The attention lens with a text whose attention is too large to keep: surveyed, and computed again. Real Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import serving
from tests.e2e.hosting import change_python, link_site
from tests.e2e.layers import fresh, open_lens, slowed
from tests.e2e.reference import ReferenceModel
from tests.e2e.test_attention_lens import TEXT, read, shaded


@pytest.fixture(scope="module")
def cramped(browser: Browser, tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page whose Python keeps no text's attention whole and one layer of what it computes again."""
    site = link_site(tmp_path_factory.mktemp("cramped") / "site")
    (site / "models").symlink_to(tiny_models)
    limits = {"pyscripts/trace.py": "ATTENTION_BYTES", "pyscripts/page/recomputed_attention.py": "LAYER_BYTES"}

    def limited(name: str, text: str) -> str:
        if name not in limits:
            return text
        text, count = re.subn(rf"(?m)^{limits[name]} = [0-9_]+", f"{limits[name]} = 100", text)
        assert count == 1
        return text

    change_python(site, limited)
    with serving(site) as address, open_lens(browser, f"{address}#model=tiny-gpt2&lens=attention") as page:
        yield page


def test_a_text_too_long_to_keep_is_surveyed_and_its_layers_are_computed_again(
    cramped: Page, checkpoints: Path
) -> None:
    """All heads from the survey, then heads of one layer and of the other, against transformers: 16 bits a weight."""
    cramped.set_viewport_size({"width": 1400, "height": 1600})
    model = ReferenceModel(checkpoints / "tiny-gpt2")
    attentions = model.read([model.prefix, *read(cramped, TEXT)]).attentions  # [layer, head, position, position]
    cramped.locator("#token-9").click()
    shaded(cramped, attentions.mean(axis=(0, 1))[1:, 1:][9][:10])
    expect(cramped.locator("#panel-head_grid [aria-label^=Patterns]")).to_have_count(1)
    expect(cramped.locator("#panel-head .similar")).to_contain_text("from reduced patterns")
    for layer, head in ((0, 2), (1, 3), (0, 1)):
        cramped.get_by_label("Layer", exact=True).select_option(str(layer))
        cramped.get_by_label("Head", exact=True).select_option(str(head))
        expect(cramped.locator("#panel-head .lead")).to_contain_text(f"Head {layer}.{head}")
        shaded(cramped, attentions[layer, head, 1:, 1:][9][:10])
        call = "which => tokenlight.attention(...which).then(({data}) => [...data])"
        found = cramped.evaluate(call, [layer, head])
        np.testing.assert_allclose(found, attentions[layer, head].ravel(), atol=2e-5)
    assert not cramped.locator("#notice").inner_text()


def test_what_was_read_before_stop_is_surveyed(cramped: Page, checkpoints: Path) -> None:
    """The text goes on after it: its attention is that of the positions that were read."""
    fresh(cramped, "tokens")
    with slowed(cramped, 300):
        cramped.evaluate("text => void (globalThis.reading = tokenlight.analyze(text))", f"{TEXT} " * 20)
        expect(cramped.locator("#token-20")).to_have_attribute("style", re.compile("background"), timeout=30_000)
        cramped.click("#stop")
        run = cramped.evaluate("reading")
    count = len(run["tokens"])
    assert 20 < count < 250
    model = ReferenceModel(checkpoints / "tiny-gpt2")
    ids = [token["id"] for token in run["tokens"]]
    attentions = model.read([model.prefix, *ids]).attentions
    fresh(cramped, "attention")
    expect(cramped.locator("#panel-head_grid [aria-label^=Patterns]")).to_have_count(1, timeout=30_000)
    found = cramped.evaluate("tokenlight.attention(1, 2).then(({data}) => [...data])")
    np.testing.assert_allclose(found, attentions[1, 2].ravel(), atol=2e-5)
    assert "does not fit" not in cramped.locator("#notice").inner_text()
