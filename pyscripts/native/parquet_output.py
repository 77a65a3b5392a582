"""Turns scored records, which are JSON lines, into a Parquet file; needs pyarrow."""

from pathlib import Path
from typing import Any

from pyscripts.metrics import Metric, find
from pyscripts.native.documents import parquet
from pyscripts.native.scoring import Settings


def write(partial: Path, output: Path, settings: Settings) -> None:
    """Writes the records of `partial`, JSON lines, to `output` one row group at a time. CorpusError: no pyarrow."""
    writer_module = parquet()
    import pyarrow
    from pyarrow import json as reader

    numbers = pyarrow.list_(pyarrow.int64())
    of_text = {"ids": numbers, "texts": pyarrow.list_(pyarrow.string()), "bytes": pyarrow.list_(numbers)}
    columns = {"source": pyarrow.string(), "tokens": pyarrow.int64()}
    for name in settings.columns:
        columns[name] = of_text[name] if name in of_text else _arrow_type(pyarrow, find(name))
    if settings.has_words:
        columns["words"] = pyarrow.list_(numbers)
    schema, unfinished = pyarrow.schema(list(columns.items())), output.with_name(f"{output.name}.new")
    with writer_module.ParquetWriter(unfinished, schema) as writer:
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
