"""The page against native onnxruntime in one run: `make bench` prints a table and writes dist/bench.json.

Both run the same stored model with the same number of threads. Rounds are interleaved and medians taken; machines are
noisy, so read the ratios. GPT-2 small at full size with random weights stands for speed and memory. "Model alone" is
the page's inference code in a worker (bench.worker.js); "in a run" is the whole page at work, Python and views
included, which share the processor with the model: what they add to the wall time is the difference of the two.
`python tests/bench.py --model smollm2 panels why` measures those parts only.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from export import build  # noqa: E402
from tests import bench_attention, bench_native, bench_text, bench_why, browser  # noqa: E402
from tests.bench_processor import processor_time  # noqa: E402
from tests.bench_sides import Alone, Native  # noqa: E402
from tests.e2e.conftest import FLAGS, serving  # noqa: E402
from tests.e2e.hosting import link_site  # noqa: E402
from tests.e2e.layers import step_times  # noqa: E402
from tests.export.tiny import gpt2_random  # noqa: E402

ROUNDS = 3
PREFILL = (64, 256, 1000)  # positions, BOS included
DECODE = (128, 900)  # positions before the tokens that are written
WRITTEN = 16  # tokens, by the model alone
GENERATED = 50  # tokens in a run: as many as the page writes if nothing else is asked
PANELS = 40  # tokens written with the panels at work
STEPS = 20  # from token to token in the panels
USED = "The people of the village went down to the river, where the light of the morning lay on the water. " * 3
WORD = " the"  # one token in both models
TEXTS = ROOT / "export/texts"
CACHE = ROOT / "export/.cache/bench"
Figures = dict[str, dict[str, float]]  # name -> {page, native}, milliseconds where the name says nothing else
COLOURED = "() => document.querySelector('.token')?.style.backgroundColor"


def prose(page: Page) -> dict[int, str]:
    """The beginning of a text for each length of PREFILL."""
    text = " ".join(path.read_text(encoding="utf-8") for path in sorted(TEXTS.glob("*.txt")))[: 10 * max(PREFILL)]
    ends = page.evaluate("text => tokenlight.analyze(text).then(run => run.tokens.map(({bytes}) => bytes[1]))", text)
    return {n: text.encode()[: ends[n - 2]].decode(errors="ignore") for n in PREFILL}


def analyze(page: Page, text: str, positions: int) -> dict[str, float]:
    """Timings of reading a text in a run, in seconds; cut there, a word may have become another number of tokens."""
    page.bring_to_front()  # a page behind another draws nothing and its timers wait
    page.evaluate("tokenlight.analyze('x')")  # so that nothing of the text is in the cache
    call = "text => tokenlight.analyze(text).then(run => [run.timings, run.tokens.length])"
    timings, tokens = page.evaluate(call, text)
    assert abs(tokens - (positions - 1)) <= 2, (tokens, positions)
    return {name: value / 1000 for name, value in timings.items()}


def decode(page: Page, past: int, written: int = GENERATED) -> float:
    """Seconds a written token in a run, its beginning and end included, behind `past` positions; the prompt is in the
    cache from a first call."""
    call = "([text, n]) => tokenlight.generate(text, {maxTokens: n, greedy: true}).then(run => run.timings)"
    page.bring_to_front()
    page.evaluate(call, [WORD * (past - 1), 1])
    timings = page.evaluate(call, [WORD * (past - 1), written])
    return float(timings["total"]) / 1000 / timings["tokens"]


def show_tab(page: Page, name: str) -> None:
    page.click(f"#tab-{name}")
    page.wait_for_timeout(1000)


def write(page: Page) -> float:
    """Tokens a second with the open lens, behind 128 positions that are in the cache from a first call."""
    return 1 / decode(page, 128, PANELS)


def memory(page: Page) -> float:
    """Megabytes of the whole page as the browser counts them (workers and wasm included), after a collection."""
    return float(page.evaluate("performance.measureUserAgentSpecificMemory().then(found => found.bytes)")) / 1e6


def start(context: BrowserContext, address: str) -> tuple[Page, dict[str, float]]:
    """Opens the page in a new tab: seconds to a coloured token, and until model and Python can answer."""
    page = context.new_page()
    page.wait_for_timeout(1000)  # the tab is there, and the one before it is gone
    begin = time.perf_counter()
    page.goto(address)
    page.wait_for_function(COLOURED)  # looks once a frame; asking from outside all the time slowed the start
    coloured = time.perf_counter() - begin
    page.evaluate("tokenlight.ready")
    ready = time.perf_counter() - begin
    parts = page.evaluate("performance.getEntriesByType('measure').map(m => [m.name, m.duration / 1000])")
    return page, {"coloured": coloured, "ready": ready, **dict(parts)}


@dataclass
class Opened:
    """The page with a model, warm, and the texts it reads."""

    page: Page
    model: str
    folder: Path  # of the model
    address: str
    texts: dict[int, str]  # by positions


def reading_and_writing(at: Opened) -> Figures:
    """Passes of the model alone, in a run and natively, in turns; memory after the longest."""
    page = at.page
    threads = page.evaluate("import('./inference/runtime.js').then(({threadCount}) => threadCount())")
    native = Native(at.folder, threads)
    alone = Alone(page.context.new_page(), at.address, at.model)
    seconds: dict[str, dict[str, list[float]]] = {}

    def note(name: str, side: str, value: float) -> None:
        seconds.setdefault(name, {}).setdefault(side, []).append(value)

    for positions in PREFILL[:2]:  # the browser compiles the model's code better once it has run for a while
        alone.ask("prefill", positions)
    for _ in range(ROUNDS):
        for positions in PREFILL:
            note(f"prefill {positions}, model alone", "page", alone.ask("prefill", positions))
            note(f"prefill {positions}, model alone", "native", native.forward(positions, 0))
            note(f"prefill {positions}, in a run", "page", analyze(page, at.texts[positions], positions)["total"])
        for past in DECODE:
            note(f"decode behind {past}, model alone", "page", alone.ask("decode", past, WRITTEN))
            note(
                f"decode behind {past}, model alone",
                "native",
                statistics.median(native.forward(1, past) for _ in range(WRITTEN)),
            )
            note(f"decode behind {past}, in a run", "page", decode(page, past))
    page_nodes, native_nodes = alone.nodes(at.model, 256, ROUNDS), native.nodes(256, ROUNDS)
    alone.page.close()
    result: Figures = {
        name: {side: 1000 * statistics.median(values) for side, values in sides.items()}
        for name, sides in seconds.items()
    }
    for positions in PREFILL:  # Python and the views
        model_alone, run = (result[f"prefill {positions}, {how}"]["page"] for how in ("model alone", "in a run"))
        result[f"prefill {positions}, added by the run, %"] = {"page": 100 * (run / model_alone - 1)}
    rounds = []
    for _ in range(ROUNDS):
        with processor_time(page, threads) as times:
            analyze(page, at.texts[256], 256)
        rounds.append(times)
    for kind in rounds[0]:
        median = statistics.median(each[kind] for each in rounds)
        result[f"prefill 256 in a run, processor time of {kind}"] = {"page": median}
    for kind, spent in native_nodes.items():
        result[f"prefill 256, {kind}"] = {"page": 1000 * page_nodes[kind], "native": 1000 * spent}
    result["session creation, native"] = {"native": 1000 * native.created}
    result["memory after 1,000 tokens, MB"] = {"page": memory(page)}
    return result


def panels(at: Opened) -> Figures:
    """Writing and stepping with every panel of the Layers lens in sight."""
    speeds: dict[str, list[float]] = {"layers": [], "tokens": []}
    at.page.set_viewport_size({"width": 1600, "height": 3000})
    for _ in range(ROUNDS):
        for tab, rates in speeds.items():
            show_tab(at.page, tab)
            rates.append(write(at.page))
    show_tab(at.page, "layers")
    write(at.page)
    step = statistics.median(step_times(at.page, STEPS))
    live, off = (statistics.median(speeds[tab]) for tab in ("layers", "tokens"))
    return of_page(
        {
            "writing, tokens/s, panels live": live,
            "writing, tokens/s, panels closed": off,
            "writing with panels live, % of without": 100 * live / off,
            "step to another token, all panels": step,
        }
    )


def of_page(values: dict[str, float]) -> Figures:
    return {name: {"page": value} for name, value in values.items()}


PARTS: dict[str, Callable[[Opened], Figures]] = {
    "model": reading_and_writing,
    "panels": panels,
    "text": lambda at: of_page(bench_text.measure(at.page, WORD)),
    "attention": lambda at: of_page(bench_attention.figures(at.page, {n: at.texts[n] for n in PREFILL[1:]})),
    "why": lambda at: of_page(bench_why.figures(at.page, at.texts[64], at.texts[256])),
}


def use(page: Page) -> None:
    """What a visitor does: the browser stores the code that it compiles meanwhile, once the page is stored."""
    stored = "import(new URL('page/state.js', location.href)).then(({offline}) => offline.value.state)"
    while page.evaluate(stored) in {"unknown", "storing"}:
        page.wait_for_timeout(200)
    for number in range(20):
        page.evaluate("text => tokenlight.analyze(text)", f"{number}: {USED}")
    show_tab(page, "layers")
    page.evaluate("tokenlight.generate('The people', {maxTokens: 40})")
    page.wait_for_timeout(3000)
    page.close()


def starts(context: BrowserContext, address: str) -> tuple[Page, Figures]:
    """The warm page, after a first visit, two in which it was used, and one that has all measures."""
    page, cold = start(context, address)
    use(page)
    use(start(context, address)[0])
    page, warm = start(context, address)
    result = {
        "session creation": 1000 * warm["tokenlight session"],
        "Python start": 1000 * warm["tokenlight python"],
        "memory after loading, MB": memory(page),
    }
    for kind, measured in (("cold", cold), ("warm", warm)):
        result[f"{kind} start to a coloured token"] = 1000 * measured["coloured"]
        result[f"{kind} start to an answer"] = 1000 * measured["ready"]
    return page, of_page(result)


def show(title: str, result: Figures, console: Console) -> None:
    table = Table("", "page", "native", "ratio", title=title)
    form: Callable[[float | None], str] = lambda value: "" if value is None else f"{value:,.0f}"  # noqa: E731
    for name, sides in result.items():
        page, native = sides.get("page"), sides.get("native")
        table.add_row(name, form(page), form(native), f"{page / native:.2f}" if page and native else "")
    console.print(table)


def bench(model: str, models: Path, parts: list[str], browser_: Browser, console: Console) -> Figures:
    """The start and those parts, each printed when it is measured."""
    with tempfile.TemporaryDirectory() as name:
        site = link_site(Path(name) / model)
        (site / "models").symlink_to(models)
        (site / "bench.worker.js").symlink_to(ROOT / "tests/bench.worker.js")
        with serving(site) as address:
            context = browser_.new_context(service_workers="allow")
            page, result = starts(context, f"{address}#model={model}")
            show(f"{model}: start", result, console)
            at = Opened(page, model, models / model, address, prose(page))
            for part in parts:
                figures = PARTS[part](at)
                show(f"{model}: {part}", figures, console)
                result |= figures
            context.close()
    return result


def main() -> None:
    """Command line: `--model` and parts; without them both models and everything. Builds what is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"which of {', '.join([*PARTS, 'native'])}; default: all")
    parser.add_argument("--model", choices=["gpt2-random", "smollm2"], help="only with this one")
    arguments = parser.parse_args()
    parts = arguments.parts or [*PARTS, "native"]
    if unknown := set(parts) - {*PARTS, "native"}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    console = Console()
    if not (CACHE / "gpt2-random/manifest.json").exists():
        with tempfile.TemporaryDirectory() as name:
            folder = gpt2_random(Path(name) / "gpt2-random")
            assert build.main([str(folder), "--out", str(CACHE)]) == 0
    results: dict[str, Any] = {}
    of_pages = [part for part in parts if part != "native"]
    if of_pages:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=browser.find(whole=True), args=FLAGS)
            for model, models in (("gpt2-random", CACHE), ("smollm2", ROOT / "site/models")):
                if arguments.model in (None, model):
                    results[model] = bench(model, models, of_pages, chromium, console)
    if "native" in parts:
        results["native"] = bench_native.main()
    (ROOT / "dist").mkdir(exist_ok=True)
    (ROOT / "dist/bench.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
