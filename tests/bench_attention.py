"""What the attention lens costs: the grid, opening a head, shading on hover, tasks of the main thread, memory."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from typing import Any

from playwright.sync_api import Page

HEADS = 12  # opened one after the other
HOVERED = 40  # tokens pointed at one after the other
WAIT = 240_000  # milliseconds the survey of a long text may take

BARS = {  # at GPT-2 small's size, on 2 cores; a frame lasts 17 ms
    256: {"grid": 1000, "opening a head": 100, "longest task of the main thread, CPU": 50, "shading on hover": 17},
    1000: {"opening a head": 300, "longest task of the main thread, CPU": 50, "memory beyond reading, MB": 250},
}

CHOICE = "import(new URL('lenses/attention/choice.js', document.baseURI))"
UNTIL = f"""const until = async (met) => {{
  const end = performance.now() + {WAIT};
  while (!met()) {{
    if (performance.now() > end) throw new Error('waited too long');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }}
  document.body.getBoundingClientRect();
}};"""

# Milliseconds from opening the lens to all patterns drawn; a text that is kept whole needs no second reading.
GRID = f"""async () => {{
  {UNTIL}
  const {{setLens}} = await import(new URL('page/choices.js', document.baseURI));
  const before = performance.now();
  setLens('attention');
  await until(() => document.querySelector('#panel-head_grid .chart:not(.blank) [aria-label^="Patterns"]'));
  return performance.now() - before;
}}"""

# For each head: milliseconds until its matrix is drawn and until the text is shaded by it.
OPEN = f"""async (heads) => {{
  {UNTIL}
  const {{open}} = await {CHOICE};
  const {{shading}} = await import(new URL('page/state.js', document.baseURI));
  const found = [];
  for (const [layer, head] of heads) {{
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const name = `head ${{layer}}.${{head}}`;
    const before = performance.now();
    open({{layer, head}});
    await until(() => document.querySelector('#panel-head .lead')?.textContent.includes(name.replace('h', 'H')));
    const drawn = performance.now() - before;
    await until(() => shading.value?.title.includes(name));
    found.push([drawn, performance.now() - before]);
  }}
  await new Promise((resolve) => setTimeout(resolve, 500));
  return found;
}}"""

# Milliseconds from pointing at a token to the text shaded by it, style and layout included.
HOVER = """async (tokens) => {
  const {hover, select} = await import(new URL('page/choices.js', document.baseURI));
  const {shading} = await import(new URL('page/state.js', document.baseURI));
  select({pinned: null});
  const found = [];
  for (const token of tokens) {
    const before = performance.now();
    hover(token);
    document.body.getBoundingClientRect();
    getComputedStyle(document.getElementById(`token-${token}`)).backgroundColor;
    found.push(performance.now() - before);
    if (!shading.value) throw new Error('not shaded');
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  hover(null);
  return found;
}"""


def memory(page: Page) -> float:
    """Megabytes of page, workers and wasm after a collection."""
    return float(page.evaluate("performance.measureUserAgentSpecificMemory().then(({bytes}) => bytes)")) / 1e6


def longest_task(trace: bytes) -> float:
    """Milliseconds of CPU of the longest task of the busiest renderer's main thread, however busy the machine."""
    events = json.loads(trace)["traceEvents"]
    names = [event for event in events if event["name"] == "thread_name"]
    mains = {(event["pid"], event["tid"]) for event in names if event["args"]["name"] == "CrRendererMain"}
    tasks: dict[tuple[int, int], list[float]] = defaultdict(list)
    for event in events:
        thread = event["pid"], event["tid"]
        if event["name"].endswith("RunTask") and event["ph"] == "X" and thread in mains:
            tasks[thread].append(event.get("tdur", event["dur"]) / 1000)
    return max(max(tasks.values(), key=sum))


def measure(page: Page, text: str, positions: int) -> dict[str, float]:
    """Figures of one text in milliseconds and megabytes, medians if several were taken; nothing of it is read yet."""
    page.set_viewport_size({"width": 1400, "height": 1600})
    page.click("#tab-tokens")
    page.evaluate("tokenlight.analyze('x')")
    tokens = page.evaluate("text => tokenlight.analyze(text).then(run => run.tokens.length)", text)
    read = memory(page)
    found = {"grid": float(page.evaluate(GRID))}
    layers, heads = page.evaluate(
        "import(new URL('page/state.js', document.baseURI)).then(({model}) =>"
        " [model.value.manifest.layers, model.value.manifest.heads])"
    )
    chosen = [[(5 * i + 1) % layers, (7 * i + 2) % heads] for i in range(HEADS)]
    page.evaluate(OPEN, chosen[:1])  # in a long text, what the first head lacks is computed again
    browser = page.context.browser
    assert browser
    browser.start_tracing(page=page, categories=["toplevel"])
    drawn, shaded = zip(*page.evaluate(OPEN, chosen), strict=True)
    hovered = page.evaluate(HOVER, [tokens - 1 - 3 * i for i in range(HOVERED)])
    found |= {
        "opening a head": statistics.median(drawn),
        "opening a head, slowest": max(drawn),
        "shading the text by it": statistics.median(shaded),
        "shading on hover": statistics.median(hovered),
        "longest task of the main thread, CPU": longest_task(browser.stop_tracing()),
        "memory beyond reading, MB": memory(page) - read,
    }
    bars = BARS.get(positions, {})
    return {
        f"attention at {positions}: {name}{f' (bar {bars[name]:,})' if name in bars else ''}": value
        for name, value in found.items()
    }


def figures(page: Page, texts: dict[int, str]) -> dict[str, Any]:
    """All figures, for each length."""
    return {name: value for positions, text in texts.items() for name, value in measure(page, text, positions).items()}
