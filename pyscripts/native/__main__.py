"""The command line: tokenlight read, generate, heads, score, compare, columns."""

import argparse
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyscripts.metrics import METRICS
from pyscripts.native import load
from pyscripts.native.corpus import Progress, score_corpus
from pyscripts.native.engines import ENGINES
from pyscripts.native.files import ModelError, read_manifest
from pyscripts.native.scoring import OF_TEXT, Settings
from pyscripts.native.summary import check_summary_place, read_summary, summary, table


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    root = argparse.ArgumentParser(prog="tokenlight", description="How a language model reads and generates text.")
    commands = root.add_subparsers(dest="command", required=True)
    model = argparse.ArgumentParser(add_help=False)
    model.add_argument("--model", type=Path, required=True, help="a model folder, such as site/models/smollm2")
    model.add_argument("--threads", type=int, help="threads of onnxruntime (default: one per core)")
    model.add_argument("--no-prefix", action="store_true", help="read the text without the model's prefix token")
    model.add_argument("--literal", action="store_true", help="read control tokens as plain text")
    read = commands.add_parser("read", parents=[model], help="read a text; the page's Run as JSON")
    read.add_argument("text", help="the text; - reads standard input")
    read.add_argument("--stride", type=int, help="read a text longer than the context in windows, this far apart")
    read.add_argument("--top-k", type=int, default=10, help="alternatives per token, at most 50")
    generate = commands.add_parser("generate", parents=[model], help="continue a text; the Run as JSON")
    generate.add_argument("text", help="the prompt; - reads standard input")
    generate.add_argument("--max-tokens", type=int, default=50)
    generate.add_argument("--seed", type=int, default=0)
    generate.add_argument("--greedy", action="store_true")
    generate.add_argument("--stop", action="append", default=[], help="stop after this text; may be repeated")
    for name in ("temperature", "top-p", "min-p", "repetition-penalty", "frequency-penalty"):
        generate.add_argument(f"--{name}", type=float)
    generate.add_argument("--top-k", type=int)
    heads = commands.add_parser("heads", help="the scores of each head on repeated random tokens, as JSON")
    heads.add_argument("--model", type=Path, required=True, help="a model folder")
    score = commands.add_parser("score", parents=[model], help="score a corpus: a record per document, and a summary")
    score.add_argument("corpus", type=Path, nargs="+", help="text, JSON lines or Parquet (.txt, .jsonl, .parquet)")
    score.add_argument("-o", "--output", type=Path, required=True, help="a .jsonl or .parquet file")
    score.add_argument("--field", default="text", help="the field that holds the text (default: text)")
    score.add_argument("--lines", action="store_true", help="each line of a .txt file is a document")
    score.add_argument("--columns", default="logprob", help=f"comma-separated: {', '.join((*OF_TEXT, *METRICS))}")
    score.add_argument("--context", type=int, help="positions in a window (default: the model's context)")
    score.add_argument("--stride", type=int, help="positions from one window to the next (default: half the context)")
    score.add_argument("--engine", choices=ENGINES, default=ENGINES[0],
                       help="this machine's processes (default), or a Ray cluster: RAY_ADDRESS, or a local one")
    score.add_argument("--processes", type=int, default=1, help="how many, each with a model of its own (default: 1)")
    score.add_argument("--summary", type=Path, help="also write the summary, as JSON, for `tokenlight compare`")
    compare = commands.add_parser("compare", help="compare the summaries of two models or two corpora in one table")
    compare.add_argument("summaries", type=Path, nargs=2, help="files that score --summary wrote")
    commands.add_parser("columns", help="list every column with its unit and source")
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0, 1 if records of a corpus were skipped, 2 with one line on stderr if something is wrong, or 130 after
    Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever the terminal's encoding: tokens are any characters
            stream.reconfigure(encoding="utf-8")
    options = parser().parse_args(argv)
    commands = {"read": _read, "generate": _generate, "heads": _heads, "score": _score, "compare": _compare,
                "columns": _columns}
    try:
        return commands[options.command](options)
    except KeyboardInterrupt:
        print("stopped; the same command resumes here" if options.command == "score" else "stopped",
              file=sys.stderr)
        return 130
    except OSError as error:
        print(f"error: {f'{error.filename}: ' if error.filename else ''}{error.strerror or error}.", file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _text(options: argparse.Namespace) -> str:
    data = sys.stdin.buffer.read() if options.text == "-" else os.fsencode(options.text)
    try:
        return data.decode("utf-8-sig" if options.text == "-" else "utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"The text is not UTF-8 (byte {error.start + 1}). Convert it first.") from None


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, allow_nan=False))


def _read(options: argparse.Namespace) -> int:
    model = load(options.model, threads=options.threads)
    run = model.read(_text(options), prefix=not options.no_prefix, literal=options.literal, stride=options.stride,
                     top_k=options.top_k)
    _print_json(run.to_json())
    return 0


def _generate(options: argparse.Namespace) -> int:
    model = load(options.model, threads=options.threads)
    run = model.generate(
        _text(options), prefix=not options.no_prefix, literal=options.literal, max_tokens=options.max_tokens,
        seed=options.seed, greedy=options.greedy, stop=options.stop, temperature=options.temperature,
        top_k=options.top_k, top_p=options.top_p, min_p=options.min_p,
        repetition_penalty=options.repetition_penalty, frequency_penalty=options.frequency_penalty,
    )
    _print_json(run.to_json())
    return 0


def _heads(options: argparse.Namespace) -> int:
    scores = read_manifest(options.model).get("head_scores")  # measured at build
    if scores is None:
        raise ModelError(f"{options.model} was exported without head scores. Build the model again.")
    _print_json(scores)
    return 0


def _score(options: argparse.Namespace) -> int:
    columns = tuple(dict.fromkeys(name.strip() for name in options.columns.split(",") if name.strip()))
    settings = Settings(columns, options.context, options.stride, not options.no_prefix, options.literal)
    terminal = sys.stderr.isatty()
    if options.summary:
        check_summary_place(options.summary, options.corpus, options.output)

    def report(sentence: str) -> None:
        print(("\r\033[K" if terminal else "") + sentence, file=sys.stderr)

    def progress(now: Progress) -> None:
        if terminal:
            print(f"\r\033[K{describe(now)}", end="", file=sys.stderr, flush=True)

    state = score_corpus(
        options.model, options.corpus, options.output, settings, text_field=options.field, lines=options.lines,
        engine=options.engine, processes=options.processes, threads=options.threads, report=report, progress=progress,
    )
    if terminal:
        print(file=sys.stderr)
    numbers = summary(state.sums, state.skipped)
    if options.summary:
        named = {"model": options.model.name, "corpus": [path.name for path in options.corpus], **numbers}
        options.summary.write_text(json.dumps(named, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(table([options.model.name], [numbers]))
    if state.skipped:
        print(f"{state.skipped} record{'s were' if state.skipped > 1 else ' was'} skipped.", file=sys.stderr)
    return 1 if state.skipped else 0


def describe(now: Progress) -> str:
    """Progress, speed and remaining time in one line."""
    speed, done = now.tokens / max(now.seconds, 1e-9), now.share - now.share_before
    left = now.seconds * (1 - now.share) / done if done > 0 else 0
    bar = "█" * round(20 * now.share) + "░" * (20 - round(20 * now.share))
    minutes, seconds = divmod(round(left), 60)
    rate = f"{now.documents:,} documents  {speed:,.0f} tokens/s"
    return f"{bar} {100 * now.share:3.0f}%  {rate}  {minutes}:{seconds:02} left"


def _compare(options: argparse.Namespace) -> int:
    summaries = [read_summary(path) for path in options.summaries]
    print(table([name for name, _ in summaries], [each for _, each in summaries]))
    return 0


def _columns(options: argparse.Namespace) -> int:
    for name, (about, _) in OF_TEXT.items():
        print(f"{name:26} {about}, by token. The tokenizer.")
    for name, each in METRICS.items():
        print(f"{name:26} {each.heading}, by {', '.join(each.axes)}. {each.source}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
