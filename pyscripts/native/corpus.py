"""Scores a whole corpus block by block, in bounded memory; after a kill it resumes, and no record is lost or doubled.

A block is a fixed stretch of the corpus, whatever was scored before, so its batches and thus its last digits are the
same in every attempt. Each finished block is appended to `<output>.partial`; then `<output>.state` records how many
there are and where the last one ends. The next attempt cuts off what a kill left after that end.
"""

import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from pyscripts.metrics import Metric, find
from pyscripts.native import scoring
from pyscripts.native.documents import CorpusError, Document, documents, parquet
from pyscripts.native.model import Model, load
from pyscripts.native.scoring import Block, Settings, Sums

BLOCK_DOCUMENTS = 256
BLOCK_CHARACTERS = 500_000
Blocks = Iterator[tuple[list[Document], int]]  # documents, and how many records were skipped before the block's end


@dataclass
class State:
    """How far a corpus has been scored."""

    fingerprint: str  # of model, corpus and settings: only the same ones can resume
    blocks: int = 0
    bytes: int = 0  # of the finished blocks in `<output>.partial`
    skipped: int = 0  # records that could not be read
    share: float = 0.0  # 0 ... 1, of the corpus
    sums: Sums = field(default_factory=Sums)


@dataclass(frozen=True)
class Progress:
    """What a progress bar shows."""

    tokens: int  # scored in this attempt
    documents: int  # finished, earlier attempts included
    seconds: float  # of this attempt
    share: float  # 0 ... 1, of the corpus that is finished
    share_before: float  # the share that earlier attempts had finished


def score_corpus(
    folder: Path, corpus: Sequence[Path], output: Path, settings: Settings, *, text_field: str = "text",
    lines: bool = False, processes: int = 1, threads: int | None = None, report: Callable[[str], None] = print,
    progress: Callable[[Progress], None] = lambda _: None,
) -> State:
    """Scores the corpus with the model in `folder`, and writes a record per document to `output` (.jsonl or .parquet).

    Resumes where an earlier attempt with the same arguments stopped. report: receives a sentence about each skipped
    record. CorpusError: an argument is wrong, the output exists, or it was begun with other arguments.
    """
    if output.suffix not in (".jsonl", ".parquet"):
        raise CorpusError(f"The output must be a .jsonl or .parquet file, not {output}.")
    if output.suffix == ".parquet":
        parquet()
    if output.exists():
        raise CorpusError(f"{output} exists. Delete it or choose another output.")
    if processes < 1:
        raise CorpusError(f"--processes must be 1 or more, not {processes}.")
    for path in corpus:
        if not path.is_file():
            raise CorpusError(f"There is no file {path}.")
    threads = threads or max(1, (os.cpu_count() or 1) // processes)
    first = load(folder, threads=threads)
    settings = settings.check(dict(first.manifest))
    partial, saved = Path(f"{output}.partial"), Path(f"{output}.state")
    fingerprint = _fingerprint(first, corpus, settings, text_field, lines)
    state = _resume(saved, partial, fingerprint)
    blocks = _blocks(corpus, text_field, lines, report, state.blocks)
    began, tokens_before, share_before = time.perf_counter(), state.sums.tokens, state.share
    with partial.open("r+b" if partial.exists() else "w+b") as file:
        file.truncate(state.bytes)
        file.seek(state.bytes)
        for block, skipped, end in _scored(blocks, first, folder, threads, processes, settings):
            file.write(block.lines)
            file.flush()
            os.fsync(file.fileno())
            state.sums.add(block.sums)
            state.blocks, state.bytes, state.skipped = state.blocks + 1, file.tell(), state.skipped + skipped
            state.share = end
            _save(saved, state)
            seconds = time.perf_counter() - began
            progress(Progress(state.sums.tokens - tokens_before, state.sums.documents, seconds, end, share_before))
    if output.suffix == ".parquet":
        _to_parquet(partial, output, settings)
        partial.unlink()
    else:
        partial.replace(output)
    saved.unlink()
    return state


def _fingerprint(model: Model, corpus: Sequence[Path], settings: Settings, field: str, lines: bool) -> str:
    files = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in corpus]
    facts = json.dumps([model.manifest["sha256"], files, asdict(settings), field, lines, BLOCK_DOCUMENTS])
    return hashlib.sha256(facts.encode()).hexdigest()


def _resume(saved: Path, partial: Path, fingerprint: str) -> State:
    """The state that an earlier attempt left, or a new one. CorpusError: it is damaged or of other arguments."""
    if not saved.exists() or not partial.exists():
        return State(fingerprint)
    try:
        found: dict[str, Any] = json.loads(saved.read_text(encoding="utf-8"))
    except json.JSONDecodeError:
        raise CorpusError(f"{saved} is damaged. Delete it to start again.") from None
    if partial.stat().st_size < found.get("bytes", 0):
        raise CorpusError(f"{partial} is shorter than {saved} says. Delete both to start again.")
    if found["fingerprint"] != fingerprint:
        raise CorpusError(f"{partial} was begun with another model, corpus or options. Use those again or delete it.")
    sums = Sums(**{**found["sums"], "classes": {name: tuple(each) for name, each in found["sums"]["classes"].items()}})
    return State(**{**found, "sums": sums})


def _save(saved: Path, state: State) -> None:
    """Replaces the state in one step, so that a kill leaves either the old or the new one."""
    fresh = saved.with_name(f"{saved.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(asdict(state), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(saved)


def _blocks(
    corpus: Sequence[Path], field: str, lines: bool, report: Callable[[str], None], finished: int
) -> Blocks:
    """The blocks after the first `finished` ones, whose skipped records have been reported."""
    number, skipped, block = 0, 0, list[Document]()

    def skip(sentence: str) -> None:
        nonlocal skipped
        skipped += 1
        if number >= finished:
            report(sentence)

    characters = 0
    for document in documents(corpus, field, lines, skip):
        block.append(document)
        characters += len(document.text)
        if len(block) == BLOCK_DOCUMENTS or characters >= BLOCK_CHARACTERS:
            if number >= finished:
                yield block, skipped
            number, skipped, characters, block = number + 1, 0, 0, []
    if (block or skipped) and number >= finished:
        yield block, skipped


def _scored(
    blocks: Blocks, model: Model, folder: Path, threads: int, processes: int, settings: Settings
) -> Iterator[tuple[Block, int, float]]:
    """Each block scored, in order, with its number of skipped records and the share of the corpus up to its end."""
    if processes == 1:
        for texts, skipped in blocks:
            yield scoring.score(model, texts, settings), skipped, _end(texts)
        return
    waiting: deque[tuple[Future[Block], int, float]] = deque()
    context = get_context("spawn")  # onnxruntime's threads do not survive a fork
    with ProcessPoolExecutor(processes, context, _load_model, (folder, threads)) as pool:
        try:
            for texts, skipped in blocks:
                waiting.append((pool.submit(_score, texts, settings), skipped, _end(texts)))
                if len(waiting) > 2 * processes:  # so that the corpus is read no faster than it is scored
                    yield _finished(waiting)
            while waiting:
                yield _finished(waiting)
        except BrokenProcessPool:
            raise CorpusError("A process ended unexpectedly, perhaps for lack of memory. Use fewer --processes; the "
                              "same command resumes where this one stopped.") from None


def _end(texts: Sequence[Document]) -> float:
    return texts[-1].share if texts else 1.0


def _finished(waiting: deque[tuple[Future[Block], int, float]]) -> tuple[Block, int, float]:
    """The oldest waiting block; waits until it is finished."""
    future, skipped, end = waiting.popleft()
    return future.result(), skipped, end


_model: Model | None = None  # the model of a worker process


def _load_model(folder: Path, threads: int) -> None:
    global _model
    _model = load(folder, threads=threads)


def _score(texts: list[Document], settings: Settings) -> Block:
    if _model is None:
        raise RuntimeError("This process has no model.")
    return scoring.score(_model, texts, settings)


def _to_parquet(partial: Path, output: Path, settings: Settings) -> None:
    """The records as a Parquet file, one row group at a time."""
    import pyarrow  # score_corpus has checked that it is installed
    from pyarrow import json as reader

    numbers = pyarrow.list_(pyarrow.int64())
    of_text = {"ids": numbers, "texts": pyarrow.list_(pyarrow.string()), "bytes": pyarrow.list_(numbers)}
    columns = {"source": pyarrow.string(), "tokens": pyarrow.int64()}
    for name in settings.columns:
        columns[name] = of_text[name] if name in of_text else _arrow_type(pyarrow, find(name))
    if settings.has_words:
        columns["words"] = pyarrow.list_(numbers)
    schema, unfinished = pyarrow.schema(list(columns.items())), output.with_name(f"{output.name}.new")
    with parquet().ParquetWriter(unfinished, schema) as writer:
        if partial.stat().st_size:
            with partial.open("rb") as file:
                longest = max(map(len, file))  # pyarrow needs every record whole in a block
            how = {"read_options": reader.ReadOptions(block_size=max(16 << 20, 2 * longest)),
                   "parse_options": reader.ParseOptions(explicit_schema=schema)}
            for batch in reader.open_json(partial, **how):
                writer.write_batch(batch)
    unfinished.replace(output)


def _arrow_type(pyarrow: Any, metric: Metric) -> Any:
    """The column of a metric: lists of numbers, as deep as its axes."""
    kind = pyarrow.int64() if metric.whole else pyarrow.float64()
    for _ in metric.axes:
        kind = pyarrow.list_(kind)
    return kind
