"""What any panel shows as a table, and as CSV."""

from typing import Any

from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import TABLES, VIEWS, view
from pyscripts.saved.csv_file import csv_text


@view("table")
def table(context: Context, view: str, args: dict[str, Any]) -> dict[str, Any]:
    """What a panel shows as {columns, rows} and perhaps {about}, numbers unrounded."""
    if view not in TABLES:
        raise ValueError(f"There is no table {view!r}.")
    return TABLES[view](context, VIEWS[view](context, **args))


@view("csv")
def table_csv(context: Context, view: str, args: dict[str, Any]) -> str:
    """The same as CSV (pyscripts/saved/csv_file.py), with the model and how the text was read, numbers unrounded."""
    made = table(context, view, args)
    columns, rows = made["columns"], made["rows"]
    if "about" in made:
        columns, rows = [*columns, "quantity"], [[*row, made["about"]] for row in rows]
    return csv_text(columns, rows, context.reading, context.model)
