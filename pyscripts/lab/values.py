"""What the value of a user's code is shown as: colours of the text, a heatmap, a table, a picture, or its repr."""

import html
import re
from collections.abc import Mapping, Sequence
from itertools import islice, zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.colour import scales
from pyscripts.colour.colourings import Colours
from pyscripts.json_numbers import number, numbers
from pyscripts.json_text import is_too_deep
from pyscripts.lab.shade import coloured
from pyscripts.result import Run
from pyscripts.saved.csv_file import plain_csv
from pyscripts.wording import short

MOST_CELLS = 250_000  # of a heatmap
MOST_ROWS = 1000  # of a table
LONGEST = 20_000  # characters of a repr
TITLE = re.compile(r"<title>([^<]{0,200})")  # of an SVG


def shown(value: Any, run: Run | None) -> dict[str, Any]:
    """What to show, as JSON but for numpy arrays; `kind` says what it is:

    "nothing"; "colours" {colours, text, values [token]}; "heatmap" {rows, columns, row_names, column_names, palette,
    stops, values [row, column], levels [row, column]}; "table" {columns, rows, length}; "picture" {svg, title};
    "text" {text}.

    A [token] or [position] array of the current run colours its text; other arrays of one or two axes are heatmaps.
    """
    if value is None:
        return {"kind": "nothing"}
    if isinstance(value, Colours):
        tokens = 0 if run is None else len(run.ids)
        if len(value.light.background) != tokens:
            raise ValueError(f"There are {len(value.light.background)} colours, but the text has {tokens} tokens.")
        return {"kind": "colours", "colours": value, "text": "", "values": []}
    if isinstance(value, str) and value.lstrip().startswith("<svg"):
        title = TITLE.search(value)
        return {"kind": "picture", "svg": value, "title": html.unescape(title[1]).strip() if title else ""}
    if isinstance(value, Mapping) and (table := _table(value)):
        return table
    array = _array(value)
    if array is None or not array.size:
        return _text(value)
    if array.ndim == 1 and run is not None and (by_token := _by_token(array, run)) is not None:
        return by_token
    if array.ndim in (1, 2) and array.dtype.kind in "biuf" and array.size <= MOST_CELLS:
        return _heatmap(array, run)
    return _text(value, f"shape {array.shape}: choose one or two of its axes to draw it.\n")


def value_csv(value: Any, run: Run | None) -> str:
    """The whole value as CSV, as far as it is shown as a table, a heatmap or the colours of an array: one row for each
    of its rows, numbers unrounded, NaN and infinities as empty cells. ValueError: it is shown as something else."""
    if isinstance(value, Mapping) and (columns := _columns(value)):
        return plain_csv(list(columns), zip_longest(*columns.values()))
    array = _array(value)
    if array is None or array.ndim not in (1, 2) or array.size > MOST_CELLS:
        raise ValueError("This value has no rows and columns. Only tables and arrays of one or two axes can be saved.")
    names = [_names(size, run) or [*range(size)] for size in array.shape]
    rows = array.tolist() if array.dtype.kind in "US" else numbers(array)
    if array.ndim == 1:
        return plain_csv(["", "value"], zip(names[0], rows, strict=True))
    return plain_csv(["", *map(str, names[1])], ([name, *row] for name, row in zip(names[0], rows, strict=True)))


def _array(value: Any) -> NDArray | None:
    """An array of numbers or strings; None if it is none."""
    if not isinstance(value, np.ndarray | list | tuple):
        return None
    try:
        array = np.asarray(value)
    except ValueError:  # rows of several lengths
        return None
    return array if array.dtype.kind in "biufUS" else None


def _by_token(array: NDArray, run: Run) -> dict[str, Any] | None:
    """The colours of an array [token] or [position]; None if its length is another, or it has too many classes."""
    trace = run.reading.trace
    if len(array) == trace.length:
        array = array[trace.first :]
    if len(array) != trace.shown or (array.dtype.kind in "US" and len(set(array.tolist())) > 6):
        return None
    if array.dtype.kind in "US":
        return {"kind": "colours", "colours": coloured(array), "text": "", "values": array.tolist()}
    known = array[np.isfinite(array)].astype(np.float64)
    said = f"{len(array)} tokens" + (
        f", {short(known.min())} to {short(known.max())}, mean {short(known.mean())}" if known.size else ", no number")
    return {"kind": "colours", "colours": coloured(array), "text": said, "values": numbers(array)}


def _heatmap(array: NDArray, run: Run | None) -> dict[str, Any]:
    values = np.atleast_2d(array).astype(np.float64)
    values[~np.isfinite(values)] = np.nan
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    name, scale = ("signed", scales.symmetric(values)) if low < 0 < high else ("magnitude", scales.Scale(low, high))
    names = [_names(size, run) if array.ndim == 2 or axis else None for axis, size in enumerate(values.shape)]
    return {
        "kind": "heatmap", "rows": values.shape[0], "columns": values.shape[1], "row_names": names[0],
        "column_names": names[1], "palette": name, "stops": scale.stops(),
        "values": values, "levels": scale.levels(values).astype(np.int16),
    }


def _names(size: int, run: Run | None) -> list[str] | None:
    """Names along an axis that is as long as the run, in tokens or positions; None: numbers from 0."""
    if run is None:
        return None
    trace, texts = run.reading.trace, run.texts
    if size == trace.shown:
        return texts[:size]
    return ["(prefix)", *texts][:size] if size == trace.length else None


def _table(value: Mapping[Any, Any]) -> dict[str, Any] | None:
    """A dict of columns; single values are columns of one row. None: it is something else."""
    columns = _columns(value)
    if columns is None:
        return None
    rows = [list(row) for row in islice(zip_longest(*columns.values()), MOST_ROWS)]
    return {"kind": "table", "columns": list(columns), "rows": rows, "length": max(map(len, columns.values()))}


def _columns(value: Mapping[Any, Any]) -> dict[str, list[Any]] | None:
    columns = {str(name): cells for name, column in value.items() if (cells := _column(column)) is not None}
    return columns if columns and len(columns) == len(value) else None


def _column(value: Any) -> list[Any] | None:
    if isinstance(value, str | int | float | np.number | np.bool_) or value is None:
        return [_cell(value)]
    if isinstance(value, np.ndarray) and value.ndim:
        return [_cell(each) for each in value.tolist()] if value.ndim == 1 else None
    if isinstance(value, np.ndarray):
        return [_cell(value)]
    if isinstance(value, Sequence):
        cells = [_cell(each) for each in value]
        return cells
    return None


def _cell(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, int | float | np.number):
        return number(value)  # type: ignore[arg-type]
    return _written(value)[:200]


def _text(value: Any, before: str = "") -> dict[str, Any]:
    said = value if isinstance(value, str) else _written(value)
    cut = f"\n… {len(said) - LONGEST} more characters." if len(said) > LONGEST else ""
    return {"kind": "text", "text": before + said[:LONGEST] + cut}


def _written(value: Any) -> str:
    """Its repr, unless that could end Pyodide."""
    return f"A {type(value).__name__} that is nested too deeply to be shown." if is_too_deep(value) else repr(value)
