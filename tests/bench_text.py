"""What the one text costs at 1,024 tokens: frames while one types and while a run streams, and drawing all of it."""

from __future__ import annotations

import statistics

from playwright.sync_api import Page

TOKENS = 1024
GENERATED = 40  # tokens that stream in behind the others
SENTENCE = " the quick brown fox jumps over the lazy dog while seven grey boats drift past an old harbour wall"

# Of each frame: milliseconds since the one before, and the main thread's work from its beginning until it is painted.
RECORD = """() => {
  globalThis.frames = [];
  if (globalThis.recording) return;
  globalThis.recording = true;
  const painted = new MessageChannel();
  let began = 0;
  let before = 0;
  painted.port1.onmessage = () => frames.push([before ? began - before : 0, performance.now() - began]);
  const tick = () => {
    before = began;
    began = performance.now();
    painted.port2.postMessage(0);
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}"""

# Milliseconds to make the elements of 1,024 tokens in colour and to colour them anew, style and layout included.
DRAW = """async (all) => {
  const {TokenElements} = await import(new URL('text/token_elements.js', document.baseURI));
  const root = document.createElement('div');
  root.className = 'tokens';
  document.querySelector('#surface').append(root);
  const ids = Array.from({length: all}, (_, i) => i);
  const texts = ids.map((i) => ` word${i % 97}`);
  let at = 0;
  const bytes = texts.map((text) => [at, (at += text.length)]);
  const control = ids.map(() => false);
  const colours = (shift) => {
    const theme = {background: ids.map((i) => `hsl(${(i + shift) % 150} 60% 85%)`), text: ids.map(() => '#000000')};
    return {light: theme, dark: theme};
  };
  const timed = (work) => {
    const before = performance.now();
    work();
    root.getBoundingClientRect();
    getComputedStyle(root.lastElementChild).backgroundColor;
    return performance.now() - before;
  };
  const found = Array.from({length: 5}, () => {
    root.replaceChildren();
    const elements = new TokenElements(root, 'timed');
    const tokens = {text: texts.join(''), ids, texts, bytes, hex: [], control, total: all};
    const draw = () => (elements.update(tokens, all), elements.paint(colours(0)));
    return [timed(draw), timed(() => elements.paint(colours(40)))];
  });
  root.remove();
  return found;
}"""


def frames(page: Page, name: str) -> dict[str, float]:
    """What RECORD has noted since it was called, as medians and 95th percentiles in milliseconds."""
    intervals, works = (sorted(each) for each in zip(*page.evaluate("frames.slice(1)"), strict=True))
    high = int(0.95 * len(works))
    return {
        f"{name}, frame interval": statistics.median(intervals),
        f"{name}, frame interval, 95th percentile": intervals[high],
        f"{name}, work in a frame": statistics.median(works),
        f"{name}, work in a frame, 95th percentile": works[high],
    }


def measure(page: Page, word: str) -> dict[str, float]:
    """All figures in milliseconds; `word` is one token of the model, which has been read with before."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.click("#tab-tokens")
    generate = "([text, n]) => tokenlight.generate(text, {maxTokens: n, greedy: true, stopAtEnd: false})"
    begun = [word * (TOKENS - GENERATED - 2), 1]  # the context holds the prefix token too
    page.evaluate(generate, begun)
    page.evaluate(RECORD)
    page.evaluate(generate, [begun[0], GENERATED])
    found = frames(page, f"streaming behind {TOKENS - GENERATED} tokens")
    page.focus("#text")
    page.keyboard.press("Control+End")
    page.evaluate(RECORD)
    page.keyboard.type(SENTENCE, delay=20)
    found |= frames(page, f"typing behind {TOKENS} tokens")
    drawn, recoloured = (statistics.median(each) for each in zip(*page.evaluate(DRAW, TOKENS), strict=True))
    return {**found, f"drawing {TOKENS} tokens": drawn, f"recolouring {TOKENS} tokens": recoloured}
