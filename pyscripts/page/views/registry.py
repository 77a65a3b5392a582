"""The one list of views: each function registers itself, with the function that makes a table of its answer."""

from collections.abc import Callable
from typing import Any

from pyscripts.page.views.context import Context

# columns: [name], rows: [[cell]], None an empty cell; about: what all numbers are, if that is one thing
Table = dict[str, Any]
View = Callable[..., Any]  # (context, **arguments) -> JSON, or a dict that holds numpy arrays too
TableOf = Callable[[Context, Any], Table]  # (context, the view's answer)

VIEWS: dict[str, View] = {}
TABLES: dict[str, TableOf] = {}
OF_LIKELIHOODS: set[str] = set()  # views that need no hidden states, so that a text read in windows has them too


def view(name: str, table: TableOf | None = None, *, of_likelihoods: bool = False) -> Callable[[View], View]:
    """Registers the decorated function under a name; `table` serves “As a table” and the CSV of its panel."""

    def register(function: View) -> View:
        VIEWS[name] = function
        if table is not None:
            TABLES[name] = table
        if of_likelihoods:
            OF_LIKELIHOODS.add(name)
        return function

    return register
