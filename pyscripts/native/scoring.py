"""Scores a block of documents: windows, batches of similar length, columns, and sums for the summary."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.checks import said
from pyscripts.metrics import METRICS, Scored, find, needed, words
from pyscripts.metrics.likelihood import NO_TARGET, TokenStatistics, token_statistics
from pyscripts.metrics.word_metrics import words_of
from pyscripts.native.documents import CorpusError, Document
from pyscripts.native.model import Model
from pyscripts.native.session import MAX_BYTES, MAX_TOKENS
from pyscripts.strides import Window, plan, tokens_seen
from pyscripts.tokens import Tokens

TOP_K = 10
OF_TEXT: dict[str, tuple[str, Callable[[Tokens], list[Any]]]] = {  # columns of the tokens themselves, and what they are
    "ids": ("id", lambda tokens: list(tokens.ids)),
    "texts": ("text", lambda tokens: list(tokens.texts)),
    "bytes": ("where it begins and ends in the bytes of the text", lambda tokens: tokens.spans.tolist()),
}


@dataclass(frozen=True)
class Settings:
    """How a corpus is scored."""

    columns: tuple[str, ...] = ("logprob",)  # names of metrics, or of OF_TEXT
    context: int | None = None  # positions in a window, at most the model's context; None: the model's context
    stride: int | None = None  # from one window to the next; None: half the context
    prefix: bool = True
    literal: bool = False

    def check(self, manifest: dict[str, Any]) -> "Settings":
        """The settings with context and stride filled in. CorpusError: one of them does not fit the model."""
        if not self.columns:
            raise CorpusError(f"--columns names no column. Choose from {', '.join((*OF_TEXT, *METRICS))}.")
        for name in self.columns:
            if name not in OF_TEXT and name not in METRICS:
                raise CorpusError(f"There is no column {said(name)}. Choose from {', '.join((*OF_TEXT, *METRICS))}.")
        most = manifest["context_length"]
        context = most if self.context is None else self.context
        if not 2 <= context <= most:
            raise CorpusError(f"--context must be from 2 to this model's {most}, not {context}.")
        stride = max(1, context // 2) if self.stride is None else self.stride
        if not 1 <= stride < context:
            raise CorpusError(f"--stride must be from 1 to {context - 1}, below the context, not {stride}.")
        return Settings(self.columns, context, stride, self.prefix, self.literal)

    @property
    def metrics(self) -> list[str]:
        """The columns that are metrics."""
        return [name for name in self.columns if name not in OF_TEXT]

    @property
    def has_words(self) -> bool:
        """Whether a column has a number for each word, so that a record says where its words are."""
        return any(find(name).axes[0] == "word" for name in self.metrics)


@dataclass
class Sums:
    """What a summary is computed from; the sums of several blocks can be added."""

    documents: int = 0
    tokens: int = 0  # of all documents
    scored: int = 0  # tokens that have a probability
    bytes: int = 0  # of the scored tokens
    surprisal: float = 0.0  # nats, of the scored tokens
    classes: dict[str, tuple[int, float]] = field(default_factory=dict)  # word class → tokens, nats

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Sums":
        """From the JSON of dataclasses.asdict."""
        return cls(**{**value, "classes": {name: tuple(each) for name, each in value["classes"].items()}})

    def add(self, other: "Sums") -> None:
        """Adds the sums of another block."""
        for each in fields(self)[:-1]:
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))
        for name, (count, nats) in other.classes.items():
            before = self.classes.get(name, (0, 0.0))
            self.classes[name] = before[0] + count, before[1] + nats


@dataclass(frozen=True)
class Records:
    """What scoring gives: one line of JSON per document, and the sums over them."""

    lines: bytes
    sums: Sums


def score(model: Model, documents: Sequence[Document], settings: Settings) -> Records:
    """Scores documents; the lines are in their order. settings: as Settings.check returns them."""
    texts = model.tokenizer.ids([document.text for document in documents], literal=settings.literal)
    front = model.prefix_ids(settings.prefix)
    positions = [[*front, *ids] for ids in texts]
    windows = [plan(len(ids), settings.context or 0, settings.stride or 0) if ids else [] for ids in positions]
    needs = needed(settings.metrics) | {"logprob"}
    parts = _read(model, positions, windows, needs)
    lines, sums = [], Sums()
    for place, (document, ids) in enumerate(zip(documents, texts, strict=True)):
        if ids:
            statistics, after = _join(parts[place], bool(front))
            tokens = model.tokenizer.describe(ids)
            seen = tokens_seen(windows[place], len(front))
            line = _line(model, document, tokens, statistics, after, seen, settings)
            _count(sums, tokens, statistics.logprob)
        else:
            line = {"source": document.source, "tokens": 0, **{name: [] for name in settings.columns}}
            sums.documents += 1
        lines.append(json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n")
    return Records(b"".join(lines), sums)


def _read(
    model: Model, positions: Sequence[list[int]], windows: Sequence[list[Window]], needs: set[str]
) -> list[list[TokenStatistics]]:
    """[document][window] the statistics of the tokens that each window scores, in order; of the last one, also those
    of the row after its last token."""
    parts: list[list[Any]] = [[None] * len(each) for each in windows]
    waiting = [(place, i) for place, each in enumerate(windows) for i in range(len(each))]
    waiting.sort(key=lambda at: windows[at[0]][at[1]].start - windows[at[0]][at[1]].stop)  # the longest first
    mask = model.begins_word if "new_word_logprob" in needs else None

    def reduce(at: tuple[int, int], logits: NDArray[np.float32], first: int) -> TokenStatistics:
        """The statistics of the rows that the window scores, of logits [row, vocabulary] from its row `first` on."""
        ids, window = positions[at[0]], windows[at[0]][at[1]]
        start = max(window.scored - 1 - window.start - first, 0)
        stop = len(logits) - (window.stop < len(ids) and first + len(logits) == window.stop - window.start)
        here = window.start + first + start
        targets = [*ids[here + 1 : window.start + first + stop + 1], NO_TARGET][: max(stop - start, 0)]
        return token_statistics(logits[start : max(stop, start)], targets, TOP_K, only=needs, begins_word=mask)

    while waiting:
        width = _width(windows, waiting[0])
        if width > MAX_TOKENS or width * 4 * model.shape.vocab_size > MAX_BYTES:
            at = waiting.pop(0)
            window, first, chunks = windows[at[0]][at[1]], 0, []
            for logits in model.logits(positions[at[0]][window.start : window.stop]):
                chunks.append(reduce(at, logits, first))
                first += len(logits)
            parts[at[0]][at[1]] = _concatenate(chunks)
            continue
        most = max(1, MAX_BYTES // (width * 4 * model.shape.vocab_size))
        batch, waiting = waiting[:most], waiting[most:]
        rows = [positions[place][windows[place][i].start : windows[place][i].stop] for place, i in batch]
        for at, row, logits in zip(batch, rows, model.batch_logits(rows), strict=True):
            parts[at[0]][at[1]] = reduce(at, logits[: len(row)], 0)
    return parts


def _width(windows: Sequence[list[Window]], at: tuple[int, int]) -> int:
    return windows[at[0]][at[1]].stop - windows[at[0]][at[1]].start


def _concatenate(parts: Sequence[TokenStatistics]) -> TokenStatistics:
    return TokenStatistics(*(np.concatenate([getattr(part, each.name) for part in parts])
                             for each in fields(TokenStatistics)))


def _join(parts: Sequence[TokenStatistics], prefix: bool) -> tuple[TokenStatistics, float]:
    """The statistics of a document's tokens, and the log-probability that a word begins after the last one (nats)."""
    rows = _concatenate(parts)
    return rows.by_token(prefix=prefix), float(rows.new_word_logprob[-1])


def _line(
    model: Model, document: Document, tokens: Tokens, statistics: TokenStatistics, after: float,
    seen: NDArray[np.int64], settings: Settings,
) -> dict[str, Any]:
    """A document's record: source, number of tokens and columns; with a metric of words, also `words`."""
    spans_of, boundaries = words_of(tokens.ids, model.begins_word, tokens.control, statistics.new_word_logprob, after)
    scored = Scored(statistics, seen, spans_of, boundaries)
    line: dict[str, Any] = {"source": document.source, "tokens": len(tokens.ids)}
    for name in settings.columns:
        line[name] = OF_TEXT[name][1](tokens) if name in OF_TEXT else find(name).cells(scored)
    if settings.has_words:
        line["words"] = spans_of.tolist()
    return line


def _count(sums: Sums, tokens: Tokens, logprob: NDArray[np.float64]) -> None:
    """Adds one document to the sums."""
    where, known = tokens.spans, ~np.isnan(logprob)
    sums.documents += 1
    sums.tokens += len(logprob)
    sums.scored += int(known.sum())
    sums.bytes += int((where[:, 1] - where[:, 0])[known].sum())
    sums.surprisal -= float(logprob[known].sum())
    classes = np.array(words.classify(tokens.data, where))
    for name in dict.fromkeys(classes[known].tolist()):
        mine = logprob[known & (classes == name)]
        count, nats = sums.classes.get(name, (0, 0.0))
        sums.classes[name] = count + len(mine), nats - float(mine.sum())
