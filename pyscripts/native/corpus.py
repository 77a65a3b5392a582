"""Scores a whole corpus block by block, in bounded memory; after a kill it resumes, and no record is lost or doubled.

A block is a fixed stretch of the corpus, whatever was scored before, so its batches and thus its last digits are the
same in every attempt. Each finished block is appended to `<output>.partial`; then `<output>.state` records how many
there are and where the last one ends. The next attempt cuts off what a kill left after that end.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pyscripts.checks import said, whole
from pyscripts.json_text import parse_json
from pyscripts.native import engines, parquet_output
from pyscripts.native.blocks import Corpus
from pyscripts.native.documents import CorpusError, check_kind, check_writable, parquet
from pyscripts.native.engines import ENGINES, Job
from pyscripts.native.model import Model, load
from pyscripts.native.scoring import Settings, Sums
from pyscripts.native.session import most_threads


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
    lines: bool = False, engine: str = "processes", processes: int = 1, threads: int | None = None,
    report: Callable[[str], None] = print, progress: Callable[[Progress], None] = lambda _: None,
) -> State:
    """Scores the corpus with the model in `folder`, and writes a record per document to `output` (.jsonl or .parquet).

    Resumes where an earlier attempt with the same arguments stopped. engine: "processes" of this machine, or those of a
    "ray" cluster. report: receives a sentence about each skipped record. CorpusError: an argument is wrong, the output
    exists, or it was begun with other arguments.
    """
    if output.suffix not in (".jsonl", ".parquet"):
        raise CorpusError(f"The output must be a .jsonl or .parquet file, not {output}.")
    if output.suffix == ".parquet":
        parquet()
    if output.exists():
        raise CorpusError(f"{output} exists. Delete it or choose another output.")
    check_writable(output)
    if engine not in ENGINES:
        raise CorpusError(f"There is no engine {said(engine)}. Choose from {', '.join(ENGINES)}.")
    most = most_threads() if engine == "processes" else None  # a cluster has more processors than this machine
    whole("--processes", processes, 1, most)
    for path in corpus:
        if not path.is_file():
            raise CorpusError(f"There is no file {path}.")
        check_kind(path)
    if engine == "processes" and threads is None:
        threads = max(1, (os.cpu_count() or 1) // processes)
    model = load(folder, threads=threads)
    settings = settings.check(dict(model.manifest))
    names = tuple(map(str, corpus))
    job = Job(Corpus(names, text_field, lines, os.getcwd()), folder, settings, processes, threads)
    partial, saved = Path(f"{output}.partial"), Path(f"{output}.state")
    state = _resume(saved, partial, _fingerprint(model, job))
    began, tokens_before, share_before = time.perf_counter(), state.sums.tokens, state.share
    try:
        with partial.open("r+b" if partial.exists() else "w+b") as file:
            file.truncate(state.bytes)
            file.seek(state.bytes)
            for block in engines.run(job, model, state.blocks, engine):
                file.write(block.records.lines)
                file.flush()
                os.fsync(file.fileno())
                state.sums.add(block.records.sums)
                state.blocks, state.bytes = state.blocks + 1, file.tell()
                state.skipped, state.share = state.skipped + len(block.skipped), block.end
                _save(saved, state)
                for sentence in block.skipped:
                    report(sentence)
                seconds, tokens = time.perf_counter() - began, state.sums.tokens - tokens_before
                progress(Progress(tokens, state.sums.documents, seconds, block.end, share_before))
    except BaseException:
        if not state.blocks:  # there is nothing to resume
            partial.unlink(missing_ok=True)
        raise
    if output.suffix == ".parquet":
        parquet_output.write(partial, output, settings)
        partial.unlink()
    else:
        partial.replace(output)
    saved.unlink(missing_ok=True)  # an empty corpus has no block, after which one is saved
    return state


def _fingerprint(model: Model, job: Job) -> str:
    """Of what decides the records: not of where and by how many processes they are made."""
    files = [(path, os.stat(path).st_size, os.stat(path).st_mtime_ns) for path in job.corpus.paths]
    cut = [job.corpus.text_field, job.corpus.lines, job.corpus.block_documents]
    facts = json.dumps([model.manifest["sha256"], files, asdict(job.settings), *cut])
    return hashlib.sha256(facts.encode()).hexdigest()


def _resume(saved: Path, partial: Path, fingerprint: str) -> State:
    """The state that an earlier attempt left, or a new one. CorpusError: it is damaged or of other arguments."""
    if not saved.exists() or not partial.exists():
        return State(fingerprint)
    try:
        given = parse_json(saved.read_bytes())
        state = State(**{**given, "sums": Sums.of(given["sums"])})
    except (ValueError, KeyError, TypeError):
        raise CorpusError(f"{saved} is damaged. Delete it to start again.") from None
    if partial.stat().st_size < state.bytes:
        raise CorpusError(f"{partial} is shorter than {saved} says. Delete both to start again.")
    if state.fingerprint != fingerprint:
        raise CorpusError(f"{partial} was begun with another model, corpus or options. Use those again or delete it.")
    return state


def _save(saved: Path, state: State) -> None:
    """Replaces the state in one step, so that a kill leaves either the old or the new one."""
    fresh = saved.with_name(f"{saved.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(asdict(state), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(saved)
