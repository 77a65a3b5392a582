"""What the page is sent of a run while it is read or written, and how often it is drawn. Real Chromium, tiny models."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.layers import slowed
from tests.e2e.likelihood import colours, open_view, read

PLAIN = "The people of the village went down to the river."


@pytest.fixture(scope="module")
def view(browser: Browser, tiny_site: str) -> Iterator[Page]:
    with open_view(browser, tiny_site) as page:
        yield page


def test_a_page_that_draws_slowly_is_drawn_less_often(view: Page) -> None:
    """Each drawing that takes 100 ms is followed by 300 ms or more for the model; the text is whole in the end."""
    read(view, PLAIN)
    told = view.evaluate("""async () => {
        let drawn = 0;
        const slow = new MutationObserver(() => {
            const until = performance.now() + 100;
            while (performance.now() < until);
            drawn++;
        });
        slow.observe(document.querySelector('#tokens'), { childList: true });
        const began = performance.now();
        const run = await tokenlight.generate('The', { maxTokens: 250, seed: 1, stopAtEnd: false });
        slow.disconnect();
        return { drawn, seconds: (performance.now() - began) / 1000, tokens: run.tokens.length };
    }""")
    assert told["tokens"] > 100 and told["drawn"] > 2
    assert told["drawn"] <= 3 + told["seconds"] / 0.4, told


def test_a_new_run_borrows_no_colours(view: Page) -> None:
    """Before anything of a text has been read, only the tokens it has in common with the run before are coloured.

    The model is slowed, since the page may otherwise hear of the first results before it hears of the tokens.
    """
    read(view, PLAIN)
    with slowed(view, 20):
        seen = view.evaluate(
            """async (text) => {
                const [{run, colours}, {effect}] = await Promise.all(
                    ['page/state.js', 'vendor/signals-core.js'].map(name => import(new URL(name, document.baseURI))));
                const old = run.value;
                const drawn = [];
                const end = effect(() => {
                    if (run.value.id === old.id || run.value.count === run.value.tokens.ids.length) return;
                    drawn.push([run.value.count, colours.value?.light.background.length ?? 0]);
                });
                await tokenlight.analyze(text);
                end();
                return drawn;
            }""",
            "The people of another town went down to the river.",
        )
    assert seen and seen[0][0] > 0
    assert all(coloured <= count for count, coloured in seen), seen


def test_at_the_end_every_token_has_its_hue(view: Page) -> None:
    """Also those that were coloured before the last tokens shifted the scale, after reading and after writing."""
    for call in ("analyze(text)", "generate(text, {maxTokens: 120, stopAtEnd: false})"):
        run = view.evaluate(f"text => tokenlight.{call}", PLAIN)
        tokens = view.locator("#tokens .token")
        expect(tokens).to_have_count(len(run["tokens"]))
        expected = view.evaluate(
            """hues => hues.map(hue => {
                const element = document.body.appendChild(document.createElement('i'));
                element.style.backgroundColor = `hsl(${hue.toFixed(1)} 60% 85%)`;
                const {backgroundColor} = getComputedStyle(element);
                element.remove();
                return backgroundColor;
            })""",
            [token["hue"] for token in run["tokens"]],
        )
        assert colours(view) == expected


def sent(page: Page, steps: str, exact: bool = True) -> list[bool]:
    """What a Publisher of the page reads from Python for these calls: for each time, whether the run had ended; exact:
    whether the colours are those of the whole text before it has."""
    worker = next(worker for worker in page.workers if "analysis.worker" in worker.url)
    reads: list[bool] = worker.evaluate(
        f"""async exact => {{
            const {{Publisher}} = await import('./publisher.js');
            const none = {{keys: () => Object.assign([], {{destroy() {{}}}}), destroy() {{}}}};
            const reads = [];
            const publisher = new Publisher((runId, ended) => {{
                reads.push(ended);
                const result = {{arrays: none, words: none, colours: '{{}}', summary: '{{}}', exact: exact || ended}};
                return {{get: name => result[name], destroy() {{}}}};
            }});
            {steps}
            return reads;
        }}""",
        exact,
    )
    return reads


def test_what_is_sent_when_a_run_ends(view: Page) -> None:
    """Colours that are not exact yet, even if all tokens were sent by then; its last outputs; nothing twice."""
    for exact, last, reads in ((False, "false", [False, True]), (True, "false", [False]), (True, "true", [True])):
        steps = f"publisher.begin(1, false); publisher.extend(1, [], {last}); await publisher.finish(1);"
        assert sent(view, steps, exact) == reads


def test_kept_results_are_sent_though_nothing_new_was_read(view: Page) -> None:
    """As after Stop before the first chunk; and nothing is sent of a run of which there is nothing yet."""
    assert sent(view, "publisher.begin(1, true); await publisher.finish(1);") == [True]
    assert sent(view, "publisher.begin(1, true); await publisher.send();") == [False]
    assert sent(view, "publisher.begin(1, false); await publisher.send();") == []


def test_more_is_asked_for_when_it_could_be_shown(view: Page) -> None:
    """So that generated tokens that wait in the worker are no longer unseen than others."""
    waits = "publisher.begin(1, false); publisher.extend(1, [], false); reads.push(publisher.wait > 0);"
    assert sent(view, f"{waits} await new Promise(done => setTimeout(done, 300)); reads.push(publisher.wait > 0);") == [
        False, True, False]


def test_a_fast_model_is_not_drawn_at_every_token(view: Page) -> None:
    """The page hears of what is new ten times a second at most, and of everything in the end."""
    seen = view.evaluate(
        """async () => {
            const names = ['page/state.js', 'vendor/signals-core.js'];
            const [{run}, {effect}] = await Promise.all(names.map(name => import(new URL(name, document.baseURI))));
            const times = [];
            const end = effect(() => void (run.value, times.push(performance.now())));
            const {tokens} = await tokenlight.generate('The people', {maxTokens: 150, stopAtEnd: false});
            end();
            const shown = document.querySelectorAll('#tokens .token').length;
            return {changes: times.length, seconds: (times.at(-1) - times[0]) / 1000, tokens: tokens.length, shown};
        }"""
    )
    assert seen["shown"] == seen["tokens"] > 100
    assert seen["changes"] <= 10 * seen["seconds"] + 8  # some belong to the beginning and the end
