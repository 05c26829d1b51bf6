"""What a command is at, told while one waits for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def waiting(text: str, quiet: bool) -> Iterator[None]:
    """``text`` and the time that has passed, on stderr where that is a terminal, as long as it takes."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from mcusim.report.quantity import printable

    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as line:
        line.add_task(printable(text), total=None)
        yield
