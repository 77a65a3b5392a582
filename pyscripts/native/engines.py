"""Where the blocks of a corpus are scored: in this process, in several, or on a Ray cluster; always in order."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from pyscripts.native import scoring
from pyscripts.native.blocks import Block, Corpus
from pyscripts.native.documents import CorpusError, Document
from pyscripts.native.model import Model, load
from pyscripts.native.scoring import Records, Settings

ENGINES = ("processes", "ray")


@dataclass(frozen=True)
class Job:
    """What is scored, and by what."""

    corpus: Corpus
    folder: Path  # of the model
    settings: Settings  # as Settings.check returns them
    processes: int = 1  # each with a model of its own
    threads: int | None = None  # of each model; None: this machine's, or the cluster's, shared among the processes


@dataclass(frozen=True)
class Scored:
    """A block of the corpus, scored."""

    records: Records
    skipped: list[str]
    end: float  # 0 ... 1, the share of the corpus up to its end


def run(job: Job, model: Model, finished: int, engine: str) -> Iterator[Scored]:
    """Scores the blocks after the first `finished` ones. model: the job's, loaded in this process."""
    if engine == "ray":
        from pyscripts.native import ray_data

        yield from ray_data.run(job, finished)
    elif job.processes == 1:
        for block in job.corpus.blocks(finished):
            yield Scored(scoring.score(model, block.documents, job.settings), block.skipped, block.end)
    else:
        yield from _in_processes(job, finished)


def _in_processes(job: Job, finished: int) -> Iterator[Scored]:
    waiting: deque[tuple[Future[Records], Block]] = deque()
    context = get_context("spawn")  # onnxruntime's threads do not survive a fork
    with ProcessPoolExecutor(job.processes, context, _load_model, (job.folder, job.threads)) as pool:
        try:
            for block in job.corpus.blocks(finished):
                waiting.append((pool.submit(_score, block.documents, job.settings), block))
                if len(waiting) > 2 * job.processes:  # so that the corpus is read no faster than it is scored
                    yield _oldest(waiting)
            while waiting:
                yield _oldest(waiting)
        except BrokenProcessPool:
            raise CorpusError("A process ended unexpectedly, perhaps for lack of memory. Use fewer --processes; the "
                              "same command resumes where this one stopped.") from None


def _oldest(waiting: deque[tuple[Future[Records], Block]]) -> Scored:
    """The oldest waiting block; waits until it is scored."""
    future, block = waiting.popleft()
    return Scored(future.result(), block.skipped, block.end)


_model: Model | None = None  # the model of a worker process


def _load_model(folder: Path, threads: int | None) -> None:
    global _model
    _model = load(folder, threads=threads)


def _score(texts: list[Document], settings: Settings) -> Records:
    if _model is None:
        raise RuntimeError("This process has no model.")
    return scoring.score(_model, texts, settings)
