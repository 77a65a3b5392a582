"""Runs a user's code, which may await, and gives the value of its last expression or the traceback of its own lines."""

import ast
import asyncio
import contextlib
import inspect
import io
import linecache
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

FILE = "<your code>"
NO_AWAIT = " (model.read, model.generate and run.lens are awaited here: write await before them.)"
NOT_AWAITED = "The last line gives a coroutine, not its result. Write await before it."
NO_INPUT = "There is no keyboard input here. Write the value into the code."
LINES_AT_ONCE = 100  # printed lines that are shown one by one; later ones ten times a second
PAUSE = 0.1  # seconds
MOST_PRINTED = 200_000  # characters


@dataclass(frozen=True)
class Outcome:
    """What running some code gave."""

    value: Any = None  # of its last line, if that is an expression
    error: str | None = None  # the traceback, less the frames that are not the user's
    lines: tuple[int, ...] = ()  # lines of the code in the traceback, the innermost last
    stopped: bool = False
    out_of_memory: bool = False


class Printed(io.TextIOBase):
    """Hands on what is printed line by line, and in blocks once there is much of it."""

    def __init__(self, show: Callable[[str], object]) -> None:
        self._show, self._waiting = show, list[str]()
        self._lines, self._printed, self._shown = 0, 0, monotonic()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        room = MOST_PRINTED - self._printed
        self._printed += len(text)
        if room > 0:
            cut = "\n… more was printed than can be shown.\n" if len(text) > room else ""
            self._waiting.append(text[:room] + cut)
        self._lines += "\n" in text
        early = "\n" in text and self._lines <= LINES_AT_ONCE
        if early or monotonic() - self._shown > PAUSE:
            self.flush()
        return len(text)

    def flush(self) -> None:
        if self._waiting:
            self._show("".join(self._waiting))
            self._waiting.clear()
            self._shown = monotonic()


class NoInput(io.TextIOBase):
    """Standard input where there is no keyboard for it."""

    def readable(self) -> bool:
        return True

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
        raise EOFError(NO_INPUT)

    def read(self, size: int | None = -1) -> str:
        return self.readline(size)


def names_in(source: str) -> set[str]:
    """The names and attributes that a code mentions; empty if it cannot be parsed."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError):
        return set()
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


async def execute(source: str, names: Mapping[str, Any], show: Callable[[str], object] | None = None) -> Outcome:
    """Runs code with some names, top-level await included; `show` receives what it prints. None: it is printed."""
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    printed, stdin = Printed(show or sys.stdout.write), sys.stdin
    sys.stdin = NoInput()
    try:  # what is printed as an error is freed is printed, too: Python warns of what was not awaited
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            return await _outcome(source, {"__name__": "__main__", **names})
    finally:
        sys.stdin = stdin
        printed.flush()


async def _outcome(source: str, names: dict[str, Any]) -> Outcome:
    try:
        value = await _value(source, names)
        if not inspect.iscoroutine(value):
            return Outcome(value)
        value.close()
        return Outcome(error=NOT_AWAITED, lines=(ast.parse(source).body[-1].lineno,))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return Outcome(error="Stopped.", stopped=True)
    except BaseException as error:  # SystemExit too: it must not end the worker
        described = traceback.TracebackException.from_exception(error)
        lines = _own_lines(described)
        said = "".join(list(described.format())[0 if described.stack else 1 :]).rstrip()
        if isinstance(error, AttributeError | TypeError) and "coroutine" in str(error):
            said += NO_AWAIT
        return Outcome(error=said, lines=lines, out_of_memory=isinstance(error, MemoryError))


async def _value(source: str, names: dict[str, Any]) -> Any:
    """Runs the code; the value of its last line, if that is an expression."""
    tree = ast.parse(source, FILE)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr):
        tree.body.pop()
    await _run(compile(tree, FILE, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True), names)
    if not isinstance(last, ast.Expr):
        return None
    expression = ast.Expression(last.value)
    return await _run(compile(expression, FILE, "eval", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True), names)


async def _run(code: Any, names: dict[str, Any]) -> Any:
    value = eval(code, names)
    return await value if code.co_flags & inspect.CO_COROUTINE else value


def _own_lines(described: traceback.TracebackException) -> tuple[int, ...]:
    """The lines of the user's code in a traceback, from which the other frames are removed."""
    if isinstance(described.__cause__, traceback.TracebackException):
        _own_lines(described.__cause__)
    if isinstance(described.__context__, traceback.TracebackException):
        _own_lines(described.__context__)
    own = [frame for frame in described.stack if frame.filename == FILE]
    described.stack[:] = own
    lines = [frame.lineno for frame in own if frame.lineno]
    if isinstance(described, traceback.TracebackException) and getattr(described, "filename", None) == FILE:
        lines.append(int(described.lineno or 0))  # a SyntaxError
    return tuple(lines)
