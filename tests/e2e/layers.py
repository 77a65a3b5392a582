"""Drives the layers lens for its tests: generates, waits, steps, takes files. Real Chromium."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Error, Page, ViewportSize, Worker, expect

STATE = "import(new URL('page/state.js', document.baseURI)).then(({run}) => run.value)"
# For axe: a rule that is off unless it is asked for.
AXE_RULES = "{rules: {'label-content-name-mismatch': {enabled: true}}}"
MOST = 60_000  # milliseconds anything here may take
USUAL: ViewportSize = {"width": 1280, "height": 720}


@contextmanager
def open_lens(browser: Browser, address: str, **context: Any) -> Iterator[Page]:
    """A page that can answer, for all tests of a module; `fresh` gives each of them the same beginning."""
    opened = browser.new_context(service_workers="block", reduced_motion="reduce", **{"viewport": USUAL, **context})
    page = opened.new_page()
    page.goto(address)
    page.evaluate("tokenlight.ready")
    yield page
    opened.close()


def fresh(page: Page, lens: str = "layers") -> Page:
    """Default settings, the lens open, nothing pinned or folded out, at the top of a window of the usual size."""
    page.set_viewport_size(USUAL)
    page.emulate_media(color_scheme="light")
    page.evaluate(
        """async lens => {
            const choices = await import(new URL('page/choices.js', document.baseURI));
            const {SAMPLING} = await import(new URL('shared/options.js', document.baseURI));
            choices.set('sampling', {...SAMPLING, stop: ''});
            choices.set('units', 'bits');
            choices.setLens(lens);
            choices.select({hovered: null, pinned: null, span: null});
            for (const details of document.querySelectorAll('details[open]')) details.open = false;
            document.activeElement?.blur();
            scrollTo(0, 0);
        }""",
        lens,
    )
    return page


def model_worker(page: Page) -> Worker:
    """The newest one: before it the list has those that have ended."""
    return [worker for worker in page.workers if "inference.worker" in worker.url][-1]


@contextmanager
def posting(model: Worker, change: str, argument: Any = None) -> Iterator[None]:
    """Changes how the worker posts to Python while the block lasts: `change` is statements that read `argument`."""
    model.evaluate(
        f"""argument => {{
            if (globalThis.usual) throw new Error('The messages of this worker are slowed or held already.');
            globalThis.usual = MessagePort.prototype.postMessage;
            {change}
        }}""",
        argument,
    )
    try:
        yield
    finally:
        with suppress(Error):  # it has ended
            model.evaluate("""() => {
                MessagePort.prototype.postMessage = usual;
                delete globalThis.usual;
                globalThis.gate?.open();
            }""")


@contextmanager
def slowed(page: Page, milliseconds: int) -> Iterator[None]:
    """Makes the model take at least that long for each token; a tiny one may otherwise finish before a test looks.

    Each token sends Python a message, which is what is delayed.
    """
    change = """
        MessagePort.prototype.postMessage = function (...message) {
            const end = performance.now() + argument;
            while (performance.now() < end);
            return usual.apply(this, message);
        };
    """
    with posting(model_worker(page), change, milliseconds):
        yield


@dataclass(frozen=True)
class Gate:
    """Lets a model draw as many tokens as a test says; see `gated`."""

    model: Worker

    def let(self, tokens: int) -> None:
        """Lets it draw so many more, and waits until it has read them and asks for the next."""
        self.model.evaluate("tokens => gate.let(tokens)", tokens)


@contextmanager
def gated(page: Page, until: str = "stop|run") -> Iterator[Gate]:
    """Holds the model at each token until the test lets it draw, so that what is under way stays under way.

    It asks Python for each token, and that is held. Stop and a newer run end the one under way after its token: once
    the worker has heard of what `until` names, the token that it asks for is drawn, and is the last.
    """
    change = """
        const held = [];
        let allowed = 0;
        let onHeld = () => {};
        const asks = () => held.length || new Promise((resolve) => (onHeld = resolve));
        const open = () => held.splice(0).forEach(([port, message]) => usualPost.apply(port, message));
        const usualPost = usual;
        const heard = ({ data }) => argument.includes(data?.path?.[0]) && open();
        addEventListener('message', heard); // after the worker's own listener
        globalThis.gate = {
            async let(tokens) {
                await asks();
                allowed = tokens - 1; // beside the one that is held
                open();
                await asks();
            },
            open() {
                open();
                removeEventListener('message', heard);
                delete globalThis.gate;
            },
        };
        MessagePort.prototype.postMessage = function (...message) {
            if (message[0]?.path?.[0] !== 'sample' || allowed-- > 0) return usual.apply(this, message);
            held.push([this, message]);
            onHeld();
        };
    """
    model = model_worker(page)
    with posting(model, change, until.split("|")):
        yield Gate(model)


def generate(page: Page, prompt: str, **options: Any) -> list[int]:
    """Sets the form as a person would, presses Continue, waits for the end; the token ids."""
    page.fill("#text", prompt)
    set_options(page, **options)
    page.click("#continue")
    return finished(page)


def set_options(page: Page, **options: Any) -> None:
    """Fills the settings; `stop` is a list."""
    if not page.locator("#sampling").evaluate("details => details.open"):
        page.click("#sampling > summary")
    # by itself: a press beside the box, if the page moved it meanwhile, would close the settings
    press = "(box, on) => { if (box.checked !== on) box.click(); }"
    page.locator("#option-greedy").evaluate(press, options.pop("greedy", False))
    for name, value in options.items():
        field = page.locator(f"#option-{name}")
        field.fill("\n".join(value) if name == "stop" else str(value))
        field.dispatch_event("change")


def until(page: Page, condition: str, argument: Any = None) -> None:
    """Waits until an async JavaScript function of `argument` is true; wait_for_function does not get past the CSP."""
    page.evaluate(
        f"""async argument => {{
            const met = {condition};
            const end = performance.now() + {MOST};
            while (!(await met(argument))) {{
                if (performance.now() > end) throw new Error('waited too long');
                await new Promise((resolve) => setTimeout(resolve, 20));
            }}
        }}""",
        argument,
    )


def finished(page: Page) -> list[int]:
    """Waits until nothing runs; the token ids of the run."""
    until(page, f"async () => document.documentElement.dataset.state === 'ready' && (await {STATE})?.done")
    return ids(page)


def read(page: Page, text: str, **options: Any) -> None:
    """Reads a text, without interventions unless they are given, and waits for the end."""
    page.evaluate("([text, options]) => tokenlight.analyze(text, options)", [text, {"interventions": {}, **options}])
    finished(page)


def pin_and_read(page: Page, pinned: str, text: str, **options: Any) -> None:
    """Reads a text with these options, pins its run, and reads another text without interventions."""
    read(page, pinned, **options)
    page.evaluate("tokenlight.pin()")
    read(page, text)


def ids(page: Page) -> list[int]:
    return page.evaluate(f"{STATE}.then(run => run.tokens.ids)")


def step_to(page: Page, token: int) -> None:
    """Presses a token of the text and waits until the panels show it."""
    page.locator(f"#token-{token}").click()
    settled(page, token)


def settled(page: Page, token: int) -> None:
    """Waits until every panel in sight shows the token, those that run the model again too."""
    until(
        page,
        """async token => {
            const {isSeen} = await import(new URL('lenses/in_sight.js', document.baseURI));
            const panels = [...document.querySelectorAll('.panel')].filter(({id}) => isSeen(id.replace('panel-', '')));
            const seen = panels.filter(panel => !panel.hidden && !/-(layer_map|word_classes)$/.test(panel.id));
            const filtered = [...document.querySelectorAll('#panel-choice .facts > div')].find(
                (each) => each.querySelector('dt').textContent === 'After the filters');
            return seen.length > 0 && seen.every(panel => panel.dataset.token === String(token)
                && (panel.id !== 'panel-choice' || !filtered || filtered.querySelector('dd').textContent !== '–'));
        }""",
        token,
    )


def step_times(page: Page, steps: int) -> list[float]:
    """Milliseconds from pressing the left arrow to the panels' new content, for so many steps."""
    times: list[float] = page.evaluate(
        """async steps => {
            const {current} = await import(new URL('page/state.js', document.baseURI));
            const names = ['choice', 'layers', 'focus', 'dimensions'];
            const panels = names.map((name) => document.getElementById(`panel-${name}`));
            const text = document.getElementById('tokens');
            const times = [];
            for (let i = 0; i < steps; i++) {
                const start = performance.now();
                text.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowLeft', bubbles: true}));
                while (panels.some((panel) => panel.dataset.token !== String(current.value))) {
                    await new Promise((resolve) => setTimeout(resolve));
                }
                document.body.getBoundingClientRect();
                times.push(performance.now() - start);
                await new Promise((resolve) => setTimeout(resolve, 40));
            }
            return times;
        }""",
        steps,
    )
    return times


def csv_of(page: Page, panel: str) -> list[dict[str, str]]:
    """What the panel's CSV button saves, without the download: Chromium holds back many in a row."""
    button = page.locator(f"#panel-{panel}").get_by_role("button", name="save as CSV", include_hidden=True)
    text = button.evaluate(
        """async (button, most) => {
            const {createObjectURL} = URL;
            const {click} = HTMLAnchorElement.prototype;
            try {
                const blob = await new Promise((resolve, reject) => {
                    URL.createObjectURL = (blob) => (resolve(blob), createObjectURL(blob));
                    HTMLAnchorElement.prototype.click = () => {};
                    setTimeout(() => reject(new Error(document.querySelector('#notice').textContent)), most);
                    button.click();
                });
                return await blob.text();
            } finally {
                Object.assign(URL, {createObjectURL});
                Object.assign(HTMLAnchorElement.prototype, {click});
            }
        }""",
        MOST,
    )
    return list(csv.DictReader(io.StringIO(text)))


def numbers(rows: list[dict[str, str]], column: str) -> list[float]:
    """A column of a CSV; empty cells are left out."""
    return [float(row[column]) for row in rows if row[column]]


def place(page: Page, words: str) -> None:
    """Expects the stepper to say e.g. "3 / 12"."""
    expect(page.locator(".place")).to_have_text(words)
