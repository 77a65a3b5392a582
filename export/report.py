"""Show what the build is doing: named steps with their time, and the tables at the end. Offline, rich."""

import contextlib
import math
import time
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from export.catalogue import Known

console = Console(highlight=False, soft_wrap=True)


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Print a step when it begins, with a running clock on a terminal, and its duration when it ends."""
    start = time.perf_counter()
    if console.is_terminal:
        columns = (TextColumn("  {task.description}"), BarColumn(pulse_style="cyan"), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            progress.add_task(name, total=None)
            yield
        console.print(f"  {name}  {time.perf_counter() - start:.1f} s")
        return
    console.print(f"  {name} …", end="")
    try:
        yield
    except BaseException:
        console.print()
        raise
    console.print(f" {time.perf_counter() - start:.1f} s")


def figure(value: float, digits: int = 2) -> str:
    """A small number with its leading digits, never rounded to 0: 0.0000168 becomes 0.000017."""
    if not value or not math.isfinite(value):
        return f"{value:g}"
    places = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    return f"{value:.{places}f}"


def table(title: str, rows: list[tuple[str, str]]) -> None:
    """A table of names and values."""
    grid = Table(title=escape(title), title_justify="left", show_header=False, box=None, pad_edge=True)
    grid.add_column(justify="left")
    grid.add_column(justify="right")
    for row in rows:
        grid.add_row(*map(escape, row))
    console.print(grid)


def catalogue_table(models: Iterable[Known]) -> None:
    """What --list prints."""
    grid = Table("name", "model", "parameters", "download", "licence", "from", box=None)
    for known in models:
        source = known.package.requirement if known.package else str(known.hub)
        download = f"{known.download_mb:,} MB"
        grid.add_row(known.name, known.title, f"{known.parameters / 1e6:.0f} M", download, known.license, source)
    console.print(grid)
