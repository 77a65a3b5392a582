"""The summary of a scored corpus, and summaries side by side in a plain-text table."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyscripts.json_text import parse_json
from pyscripts.metrics.words import CLASSES
from pyscripts.native.documents import CorpusError, check_writable
from pyscripts.native.scoring import Sums


def summary(sums: Sums, skipped: int) -> dict[str, Any]:
    """A corpus in numbers, as JSON: documents, skipped (records), tokens, n (scored tokens), mean_surprisal (nats),
    perplexity, bits_per_byte, and by word class n and mean_surprisal; None if nothing was scored."""
    mean = sums.surprisal / sums.scored if sums.scored else math.nan
    bits = sums.surprisal / math.log(2) / sums.bytes if sums.bytes else math.nan
    finite = {"mean_surprisal": mean, "perplexity": math.exp(mean) if mean < 700 else math.inf, "bits_per_byte": bits}
    return {
        "documents": sums.documents, "skipped": skipped, "tokens": sums.tokens, "n": sums.scored,
        **{name: value if math.isfinite(value) else None for name, value in finite.items()},
        "classes": {
            name: {"n": sums.classes[name][0], "mean_surprisal": sums.classes[name][1] / sums.classes[name][0]}
            for name in CLASSES if name in sums.classes
        },
    }


def rows(numbers: dict[str, Any]) -> dict[str, float | None]:
    """The rows of the table for one summary: title → number."""
    lines = {
        "documents": numbers["documents"], "skipped records": numbers["skipped"], "tokens": numbers["tokens"],
        "scored tokens (n)": numbers["n"], "perplexity": numbers["perplexity"],
        "bits per byte": numbers["bits_per_byte"], "surprisal, nats per token": numbers["mean_surprisal"],
    }
    for name, each in numbers["classes"].items():
        lines[f"{CLASSES[name]}, nats"] = each["mean_surprisal"]
        lines[f"{CLASSES[name]}, n"] = each["n"]
    return lines


def read_summary(path: Path) -> tuple[str, dict[str, Any]]:
    """A summary that `tokenlight score --summary` wrote: what its column is called, and it. CorpusError: it is none."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path} cannot be read ({error.strerror}). Choose a file that tokenlight score --summary "
                          "wrote.") from None
    try:
        found = parse_json(text)
        model, corpus = found["model"], found["corpus"]
        whole = isinstance(model, str) and isinstance(corpus, list) and all(isinstance(each, str) for each in corpus)
        whole = whole and all(value is None or isinstance(value, int | float) for value in rows(found).values())
    except (ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise CorpusError(f"{path} is not a summary. Write one with tokenlight score --summary.")
    return f"{model}: {', '.join(corpus)}", found


def check_summary_place(path: Path, corpus: Sequence[Path], output: Path) -> None:
    """CorpusError: a summary that is written there would overwrite something else than an earlier summary."""
    check_writable(path)
    others = [*corpus, *(Path(f"{output}{ending}") for ending in ("", ".partial", ".state"))]
    if any(_is_same(path, other) for other in others):
        raise CorpusError(f"--summary would overwrite {path}, which the corpus or the output needs. Choose another "
                          "file.")
    if path.is_file() and path.stat().st_size:
        try:
            read_summary(path)
        except CorpusError:
            raise CorpusError(f"{path} exists and is not a summary. Choose another file for --summary.") from None


def _is_same(path: Path, other: Path) -> bool:
    if path.exists() and other.exists():
        return path.samefile(other)
    return path.resolve() == other.resolve()


def table(names: Sequence[str], summaries: Sequence[dict[str, Any]]) -> str:
    """Summaries as columns; with two, a third column is the second minus the first."""
    columns = [rows(numbers) for numbers in summaries]
    titles = list(dict.fromkeys(title for column in columns for title in column))
    heads = [*names, *(["difference"] if len(columns) == 2 else [])]
    cells = []
    for title in titles:
        values = [column.get(title) for column in columns]
        if len(columns) == 2:
            values.append(None if None in values else values[1] - values[0])  # type: ignore[operator]
        cells.append([title, *map(_cell, values)])
    widths = [max(len(row[i]) for row in [["", *heads], *cells]) for i in range(len(heads) + 1)]
    return "\n".join(
        row[0].ljust(widths[0]) + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in [["", *heads], *cells]
    )


def _cell(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4f}"
