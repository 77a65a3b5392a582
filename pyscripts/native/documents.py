"""Reads a corpus one document at a time from text, JSON lines or Parquet; broken records are reported and skipped."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyscripts.json_text import parse_json

KINDS = (".txt", ".jsonl", ".parquet")
ROWS = 256  # rows of a Parquet file in memory at a time


class CorpusError(ValueError):
    """The corpus or the output cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Document:
    """One text and where it was found."""

    source: str  # the file, and the line or row of a record, from 1: corpus.jsonl:17
    text: str
    share: float  # 0 ... 1, of the corpus up to the end of this document


Report = Callable[[str], None]  # receives a sentence about a skipped record


def check_kind(path: str | Path) -> None:
    """CorpusError: a file's ending is none of KINDS."""
    if Path(path).suffix not in KINDS:
        raise CorpusError(f"{path} is not a {', '.join(KINDS)} file. Rename or convert it.")


def documents(
    paths: Sequence[str], field: str, lines: bool, report: Report, folder: Path = Path()
) -> Iterator[Document]:
    """Every document of the files, in order; records that cannot be read are reported and skipped.

    A .txt file is one document or, with `lines`, one for each line that is not blank. In a .jsonl or .parquet file, the
    `field` of each record is a document. folder: where relative paths begin. CorpusError: a file cannot be opened or
    is of another kind.
    """
    files = [folder / path for path in paths]
    try:
        sizes = [file.stat().st_size for file in files]
    except OSError as error:
        raise CorpusError(f"{error.filename} cannot be read ({error.strerror}).") from None
    total, before = max(sum(sizes), 1), 0
    readers = {".txt": _text_lines if lines else _text, ".jsonl": _json_lines, ".parquet": _parquet}
    for path, file, size in zip(paths, files, sizes, strict=True):
        check_kind(path)
        try:
            for number, text, share in readers[file.suffix](file, field):
                source = path if number is None else f"{path}:{number}"
                if isinstance(text, _Broken):
                    report(f"{source} was skipped: {text.reason}")
                elif not text:
                    report(f"{source} was skipped: its text is empty")
                else:
                    yield Document(source, text, (before + share * size) / total)
        except OSError as error:
            raise CorpusError(f"{path} cannot be read ({error.strerror}).") from None
        before += size


@dataclass(frozen=True)
class _Broken:
    """Stands for a text that cannot be read."""

    reason: str


Read = Iterator[tuple[int | None, str | _Broken, float]]  # line or row from 1, text, share of the file up to its end


def _decoded(data: bytes) -> str | _Broken:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _Broken(f"it is not UTF-8 (byte {error.start + 1})")


def _text(path: Path, field: str) -> Read:
    yield None, _decoded(path.read_bytes()), 1.0


def _text_lines(path: Path, field: str) -> Read:
    for number, line, share in _lines(path):
        yield number, _decoded(line.rstrip(b"\r\n")), share


def _json_lines(path: Path, field: str) -> Read:
    for number, line, share in _lines(path):
        yield number, _field(_decoded(line), field), share


def _lines(path: Path) -> Iterator[tuple[int, bytes, float]]:
    """The lines of a file that are not blank."""
    size, end = max(path.stat().st_size, 1), 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            end += len(line)
            if line.strip():
                yield number, line, end / size


def _field(line: str | _Broken, field: str) -> str | _Broken:
    if isinstance(line, _Broken):
        return line
    try:
        record = parse_json(line)
    except ValueError as error:  # ValueError also of a number with thousands of digits
        return _Broken(f"it cannot be read as JSON ({error})")
    if not isinstance(record, dict) or field not in record:
        return _Broken(f"it has no field {field!r} (choose another with --field)")
    return record[field] if isinstance(record[field], str) else _Broken(f"its field {field!r} is not text")


def _parquet(path: Path, field: str) -> Read:
    try:
        file = parquet().ParquetFile(path)
    except ValueError:  # pyarrow's ArrowInvalid
        raise CorpusError(f"{path} is not a Parquet file, or it is damaged. Write it again.") from None
    names = file.schema_arrow.names
    if field not in names:
        raise CorpusError(f"{path} has no column {field!r}. Choose one of {', '.join(names)} with --field.")
    row = 0
    for batch in file.iter_batches(ROWS, columns=[field]):
        for value in batch.column(0).to_pylist():
            row += 1
            text = value if isinstance(value, str) else _Broken(f"its {field!r} is not text")
            yield row, text, row / max(file.metadata.num_rows, 1)


def check_writable(path: Path) -> None:
    """CorpusError: no file can be written there, which would be found out only after the corpus was scored."""
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise CorpusError(f"{path} cannot be written. Choose a file in a folder that exists and can be written to.")


def parquet() -> Any:
    """pyarrow.parquet. CorpusError: it is not installed."""
    try:
        from pyarrow import parquet as module
    except ImportError:
        raise CorpusError("Parquet needs pyarrow: pip install 'tokenlight[parquet]'.") from None
    return module
