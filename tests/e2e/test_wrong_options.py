"""Wrong arguments of the scripting interface: each is named in one sentence before anything runs. Real Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.likelihood import open_view
from tests.e2e.likelihood import read_box as read

TEXT = "The people of the village went down to the river."


@pytest.fixture(scope="module")
def view(browser: Browser, tiny_site: str) -> Iterator[Page]:
    """One page for all of them."""
    with open_view(browser, tiny_site) as page:
        yield page


WRONG = {
    "tokenlight.generate('a', {top_k: 1})": "there is no option top_k",
    "tokenlight.generate('a', {temprature: 0})": "there is no option temprature",
    "tokenlight.generate('a', {temperature: NaN})": "temperature must be a number from 0",
    "tokenlight.generate('a', {topK: Infinity})": "topK must be a whole number from 0",
    "tokenlight.generate('a', {topK: '3'})": "topK must be a whole number from 0",
    "tokenlight.generate('a', {greedy: 1})": "greedy must be true or false",
    "tokenlight.generate('a', {stop: 5})": "stop must be a string or a list of strings",
    "tokenlight.generate('a', {stop: ['']})": "stop must be a string or a list of strings",
    "tokenlight.generate('a', 5)": "options must be an object",
    "tokenlight.generate([1.5, -1, 99999999])": "1.5 is not a token id",
    "tokenlight.generate([1, 99999999])": "99999999 is not a token id",
    "tokenlight.generate({})": "must be a string or a list of token ids",
    "tokenlight.analyze('a', {topK: 51})": "topK must be a whole number from 0 to 50",
    "tokenlight.analyze('a', {prefix: 'yes'})": "prefix must be true or false",
    "tokenlight.analyze(5)": "text must be a string",
    "tokenlight.generate([1.5])": "1.5 is not a token id",
    "tokenlight.attention()": "layer must be a whole number from 0.",
    "tokenlight.attention(true, 0)": "layer must be a whole number from 0.",
    "tokenlight.attention(0, NaN)": "head must be a whole number from 0.",
    "tokenlight.attention('0', '0')": "layer must be a whole number from 0.",
    "tokenlight.attention(0.5, 0)": "layer must be a whole number from 0.",
    "tokenlight.attention(9, 0)": "has no layer 9",
    "tokenlight.lens(1, 1e9)": "topK must be a whole number from 1 to 50.",
    "tokenlight.lens(1, 0)": "topK must be a whole number from 1 to 50.",
    "tokenlight.lens(1, NaN)": "topK must be a whole number from 1 to 50.",
    "tokenlight.lens(1, '5')": "topK must be a whole number from 1 to 50.",
    "tokenlight.lens(1, 2.5)": "topK must be a whole number from 1 to 50.",
    "tokenlight.lens('1', 5)": "token must be the index of a token",
    "tokenlight.lens()": "token must be the index of a token",
    "tokenlight.lens(99)": "There is no token 99",
    "tokenlight.attribution(1, {target: ''})": "target must be a token id or the text of a token",
    "tokenlight.attribution(1, {other: 2})": "no option other. The options are target, versus.",
    "tokenlight.attribution(1, 5)": "options must be an object",
    "tokenlight.attribution(99)": "There is no token 99",
    "tokenlight.attribution(1, {target: 99999})": "99999 is not a token id",
    "tokenlight.dependence(1, {versus: 3})": "no option versus. The options are target.",
    "tokenlight.dependence(1.5)": "token must be the index of a token",
    "tokenlight.sweep({kind: 'heads', token: 1, versus: 3})": "no option versus. The options are kind, token, target, ",
    "tokenlight.sweep({kind: 'heads', token: 1, foo: 1})": "The options are kind, token, target, scope, mean.",
    "tokenlight.sweep({kind: 'heads', token: 1, mean: 1})": "mean must be true or false",
    "tokenlight.sweep({kind: 'heads', token: 1}, 5)": "onProgress must be a function",
    "tokenlight.sweep('heads')": "options must be an object",
    "tokenlight.patch({foo: 1})": "no option foo. The options are kind, token, target, versus, align.",
    "tokenlight.patch({align: [5]})": "align must be",
    "tokenlight.patch({align: [[0.5, 0]]})": "align must be",
    "tokenlight.patch({align: [[0, '0']]})": "align must be",
    "tokenlight.patch({}, 5)": "onProgress must be a function",
    "tokenlight.export()": "The kinds are json, csv, npz, html, embed",
    "tokenlight.open('a')": "file must be a Blob or File",
    "Promise.resolve().then(() => tokenlight.setText(5))": "text must be a string",
    "tokenlight.load('no such')": "There is no model “no such” here. Choose from tiny-",
    "tokenlight.load('../../etc')": "There is no model “../../etc” here. Choose from tiny-",
    "tokenlight.load()": "load(id): id must be a string",
    "tokenlight.load(() => 1)": "load(id): id must be a string",
    "tokenlight.load(Symbol())": "load(id): id must be a string",
    "tokenlight.load(document.body)": "load(id): id must be a string",
    "tokenlight.load({})": "load(id): id must be a string",
    "tokenlight.load(JSON.parse('['.repeat(1e5) + ']'.repeat(1e5)))": "load(id): id must be a string",
    "tokenlight.analyze('x', {foo: 1})": "The options are topK, prefix, literal, stride, interventions.",
    "tokenlight.generate('x', {foo: 1})": "literal, stop, interventions.",
    "tokenlight.generate('x', {bos: false, prefix: true})": "bos is the old name of prefix",
    "tokenlight.generate([{}])": "entry 0 of the list is not a token id",
    "tokenlight.generate(Array(2))": "entry 0 of the list is not a token id",
    "tokenlight.generate('x', {stop: Array(2)})": "stop must be a string or a list of strings",
    "tokenlight.patch({align: Array(2)})": "align must be",
    "tokenlight.patch({align: [Array(2)]})": "align must be",
    "tokenlight.export({})": "the kind of file must be a string. The kinds are",
    "tokenlight.open(new Blob(['{}']))": "The file is no Run: it names no schema.",
}


# What is wrong with interventions: [the interventions, what is said of them]
CHANGES = {
    "5": "interventions must be an object.",
    "null": "interventions must be an object.",
    "[]": "interventions must be an object.",
    "{foo: []}": "interventions has no foo. It may have heads, cut, add.",
    "{heads: null}": "interventions: heads must be a list.",
    "{heads: Array(2)}": "interventions: heads[0] must be an object.",
    "{cut: [{query: 3, keys: []}]}": "cut[0].keys must be a list of at least one whole number.",
    "{cut: [{query: 3, keys: Array(2)}]}": "cut[0].keys must be a whole number from 0",
    "{cut: [{query: 3, keys: [1], layers: Array(1)}]}": "cut[0].layers must be a whole number from 0",
    "{add: [{layer: 1, position: 1, vector: Array(SIZE)}]}": "add[0].vector must be a number from",
    "{add: Array(1e9)}": "interventions: add[0] must be an object.",
}


def test_wrong_options_are_named_before_anything_runs(view: Page) -> None:
    read(view, TEXT)
    before = view.evaluate("tokenlight.state().run.id")
    manifest = "import(new URL('page/state.js', document.baseURI)).then(({model}) => model.value.manifest)"
    size = str(view.evaluate(f"{manifest}.then((manifest) => manifest.hidden_size)"))
    changes = {f"tokenlight.analyze('x', {{interventions: {given.replace('SIZE', size)}}})": message
               for given, message in CHANGES.items()}
    for call, message in (WRONG | changes).items():
        answer = view.evaluate(f"{call}.then(() => 'no error', (error) => error.message)")
        assert message in answer and "\n" not in answer, (call, answer)
    assert view.evaluate("tokenlight.state().run.id") == before
    assert view.input_value("#text") == TEXT


@pytest.mark.parametrize("colouring", ["constructor", "__proto__"])
def test_a_colouring_that_is_not_there_is_the_default(tiny_site: str, page: Page, colouring: str) -> None:
    """In a link and in what is kept between visits, also before Python can answer; nothing is thrown."""
    wrong = json.dumps({"colouring": colouring})
    legend = page.locator(".legend span").first
    page.goto(f"{tiny_site}#{urlencode({'settings': wrong})}")
    expect(legend).to_be_visible()  # of the finished example
    read(page, "The people")
    expect(legend).to_be_visible()
    expect(page.locator("#colouring")).to_have_value("hue")
    page.evaluate("kept => localStorage.setItem('tokenlight preferences /', kept)", wrong)
    page.goto("about:blank")
    page.goto(tiny_site)
    expect(legend).to_be_visible()
    read(page, "The people")
    expect(legend).to_be_visible()
    expect(page.locator("#colouring")).to_have_value("hue")


@pytest.mark.parametrize("pasted", [False, True])
def test_a_link_to_words_in_a_colouring_of_tokens_is_said(tiny_site: str, page: Page, pasted: bool) -> None:
    """The words are in the default colouring, and the rest of the link works."""
    settings = {"colouring": "gltr", "words": True, "units": "nats", "sampling": {"temperature": 0.25}}
    link = urlencode({"text": TEXT, "lens": "layers", "settings": json.dumps(settings)})
    if pasted:
        page.goto(tiny_site)
        page.evaluate("tokenlight.ready")
        page.evaluate("hash => { location.hash = hash; }", link)
    else:
        page.goto(f"{tiny_site}#{link}")
    notice, said = page.locator("#notice"), "single tokens only, so its whole words are coloured by “Likelihood in this"
    expect(notice).to_contain_text(said)
    expect(page.locator("#layers")).to_be_visible()
    expect(page.locator("#text")).to_have_value(TEXT)
    expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)
    expect(notice).to_contain_text(said)
    read(page, TEXT)
    expect(page.locator("#colouring")).to_have_value("hue")
    expect(page.locator("#unit")).to_have_value("words")
    found = page.evaluate("""import(new URL('page/state.js', document.baseURI)).then(({settings, run}) => ({
        ...settings.value, words: run.value.words !== null, colours: run.value.colours.light.background.length}))""")
    assert (found["units"], found["sampling"]["temperature"], found["words"]) == ("nats", 0.25, True)


def test_settings_that_cannot_be_read_are_said(tiny_site: str, page: Page) -> None:
    page.goto(f"{tiny_site}#{urlencode({'text': TEXT, 'settings': '{'})}")
    expect(page.locator("#notice")).to_contain_text("The settings in this link are not valid. They were ignored.")
    expect(page.locator("#text")).to_have_value(TEXT)


def test_kept_words_in_a_colouring_of_tokens_are_in_the_default(tiny_site: str, page: Page) -> None:
    """Two tabs may each have kept one of the two."""
    page.goto(tiny_site)
    kept = json.dumps({"colouring": "gltr", "words": True})
    page.evaluate("kept => localStorage.setItem('tokenlight preferences /', kept)", kept)
    page.goto("about:blank")
    page.goto(tiny_site)
    read(page, TEXT)
    expect(page.locator("#colouring")).to_have_value("hue")
    expect(page.locator("#unit")).to_have_value("words")
