"""Scores a corpus on a Ray cluster with Ray Data: one model in each actor, blocks in order; needs ray.

Machines other than this one need Tokenlight installed, and model and corpus under the same paths.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pyscripts.native import scoring
from pyscripts.native.blocks import Corpus
from pyscripts.native.documents import CorpusError, Document
from pyscripts.native.engines import Job, Scored
from pyscripts.native.model import load
from pyscripts.native.scoring import Records, Sums

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when ray is imported: Ray would report its use

try:
    import ray
    from ray.data import DataContext, Datasource, ReadTask
    from ray.data.block import BlockMetadata
    from ray.exceptions import RayTaskError
except ImportError:
    raise CorpusError("--engine ray needs Ray: pip install 'tokenlight[ray]'.") from None


class Scorer:
    """An actor: a model that scores one block after the other."""

    def __init__(self, job: Job) -> None:
        self.settings, self.model = job.settings, load(job.folder, threads=job.threads)

    def __call__(self, rows: Any) -> dict[str, list[Any]]:
        """A pyarrow table with one row of `Blocks` to one row: lines, sums (JSON), skipped (JSON), end."""
        [row] = rows.to_pylist()
        texts = [Document(**each) for each in json.loads(row["documents"])]
        records = scoring.score(self.model, texts, self.settings)
        return {"lines": [records.lines], "sums": [json.dumps(asdict(records.sums))], "skipped": [row["skipped"]],
                "end": [row["end"]]}


class Blocks(Datasource):
    """The blocks of a corpus, one a row, read by one task as fast as they are scored."""

    def __init__(self, corpus: Corpus, finished: int) -> None:
        self.corpus, self.finished = corpus, finished

    def estimate_inmemory_data_size(self) -> int | None:
        """Unknown."""
        return None

    def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[Any]:
        """A single one: blocks are cut from the start."""
        corpus, finished = self.corpus, self.finished

        def read() -> Iterator[Any]:
            import pyarrow

            for block in corpus.blocks(finished):  # as JSON, which has the lone surrogates that Arrow refuses
                documents = json.dumps([asdict(document) for document in block.documents])
                row = {"documents": documents, "skipped": json.dumps(block.skipped), "end": block.end}
                yield pyarrow.table({name: [value] for name, value in row.items()})

        return [ReadTask(read, BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None))]


def run(job: Job, finished: int) -> Iterator[Scored]:
    """Scores the blocks after the first `finished` ones on the cluster of RAY_ADDRESS or, without one, on this machine.

    CorpusError: the cluster has too few CPUs, or what the other engines raise.
    """
    if not ray.is_initialized():
        ray.init(include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    cpus = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    threads = job.threads or max(1, min(sum(cpus) // job.processes, max(cpus)))
    if sum(each // threads for each in cpus) < job.processes:
        raise CorpusError(f"The cluster has {sum(cpus)} CPUs, too few for {job.processes} processes of {threads} "
                          f"threads. Use smaller --processes or --threads.")
    context = DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    own = Job(job.corpus, job.folder.resolve(), job.settings, job.processes, threads)
    rows = ray.data.read_datasource(Blocks(job.corpus, finished), ray_remote_args={"num_cpus": 0})
    scored = rows.map_batches(
        Scorer, fn_constructor_args=(own,), batch_size=1, batch_format="pyarrow", num_cpus=threads,
        compute=ray.data.ActorPoolStrategy(size=job.processes),
    )
    try:
        for row in scored.iter_rows():
            records = Records(row["lines"], Sums.of(json.loads(row["sums"])))
            yield Scored(records, json.loads(row["skipped"]), row["end"])
    except RayTaskError as error:
        if isinstance(error.cause, CorpusError):
            raise CorpusError(str(error.cause).partition("\n")[0]) from None  # Ray adds advice about retries
        raise
