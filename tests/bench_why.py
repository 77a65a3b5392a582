"""What the Why lens costs: what each part added, tokens and heads left out, every head off in a text, a patch grid."""

from __future__ import annotations

import statistics
from typing import Any

from playwright.sync_api import Page

ASKED = 5  # tokens asked about, one after the other: the answers of one are kept
WORDS = "people of the village went down to the old river to wash and rest"  # 14 tokens, in both vocabularies

BARS = {  # milliseconds at GPT-2 small's size, on 2 cores
    "adds": 150, "tokens hidden and heads off, 64 positions": 1000, "tokens hidden and heads off, 256 positions": 2000,
    "patch grid of two texts of 15 tokens that differ in the first": 10_000,
}
SINGLE = 0.8  # of a reading, for each head that is off in a text of 64 positions

# For each token: milliseconds of a call of tokenlight.*.
TIMED = """async ([call, tokens]) => {
  const found = [];
  for (const token of tokens) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    const before = performance.now();
    if (call === 'adds') await tokenlight.attribution(token);
    else if (call === 'text') await tokenlight.sweep({kind: 'heads', token, scope: 'text'});
    else {
      await tokenlight.dependence(token);
      await tokenlight.sweep({kind: 'heads', token, scope: 'last'});
    }
    found.push(performance.now() - before);
  }
  return found;
}"""

PATCHES = {
    "patch grid of two texts of {} tokens that differ in the first": {},
    "every head patched at the last of {} tokens": {"kind": "heads"},
    "every head patched at all of {} tokens": {"kind": "heads", "token": None},
}
PATCH = """async (options) => {
  const before = performance.now();
  await tokenlight.patch(options);
  return performance.now() - before;
}"""
READ = "text => tokenlight.analyze(text).then((run) => run.tokens.length)"


def figures(page: Page, short: str, long: str) -> dict[str, Any]:
    """All figures in milliseconds, medians if several were taken. short, long: texts of about 64 and 256 positions."""
    found: dict[str, float] = {}
    page.click("#tab-tokens")  # the lens would ask the same questions
    for positions, text in ((64, short), (256, long)):
        tokens = page.evaluate(READ, text)
        last = [tokens - 1 - i for i in range(ASKED)]
        page.evaluate(TIMED, ["adds", [tokens - 1 - ASKED]])  # compiled by now
        if positions == 64:
            found["adds"] = statistics.median(page.evaluate(TIMED, ["adds", last]))
        both = statistics.median(page.evaluate(TIMED, ["last", last]))
        found[f"tokens hidden and heads off, {positions} positions"] = both
    page.evaluate(READ, "x")  # so that nothing of the text is in the cache
    single = page.evaluate("text => tokenlight.analyze(text).then((run) => run.timings.model)", short)
    tokens = page.evaluate(READ, short)
    call = "token => tokenlight.sweep({kind: 'heads', token, scope: 'last'}).then(({data}) => data.length)"
    heads = page.evaluate(call, tokens - 1)
    (swept,) = page.evaluate(TIMED, ["text", [tokens - 1]])
    share = 100 * swept / (SINGLE * heads * single)
    found[f"every head off in 64 positions, % of {SINGLE} × {heads} readings (bar 100)"] = share
    counts = []
    for first in ("The ", "All "):
        counts.append(page.evaluate(READ, first + WORDS))
        if first == "The ":
            page.evaluate("tokenlight.pin()")
    assert counts[0] == counts[1], counts
    for name, options in PATCHES.items():
        found[name.format(counts[0])] = page.evaluate(PATCH, options)
    return {f"why: {name}{f' (bar {BARS[name]:,})' if name in BARS else ''}": value for name, value in found.items()}
