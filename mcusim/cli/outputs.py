"""Files that a command is to write, looked at before it does anything."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import typer

STDOUT = "-"

Path = str | os.PathLike[str]


def check_outputs(outputs: Mapping[str, Path | None], inputs: Mapping[str, Iterable[Path]]) -> None:
    """Refuse what could not be written after a run, and what would overwrite a file that is read, or another that is written.

    ``outputs``: by option, None where it is not given; ``--json`` alone may be ``-``, which is stdout. ``inputs``: files by
    what they are called in a message. BadParameter, and ReportError for a file that cannot be written.
    """
    files = {option: path for option, path in outputs.items() if path is not None and (option, path) != ("--json", STDOUT)}
    met: dict[str, str] = {}
    for option, path in files.items():
        if path == STDOUT:
            raise typer.BadParameter(f"{option} -: only --json goes to stdout; allowed: a file (./- for one called -)")
        for called, several in inputs.items():
            if any(_same(path, each) for each in several):
                raise typer.BadParameter(f"{option} {path} would overwrite {called}")
        other = met.setdefault(os.path.realpath(path), option)
        if other != option:
            raise typer.BadParameter(f"{other} and {option} would both write {path}; allowed: a file each")
    if files:
        from mcusim.report import check_writable

        for path in files.values():
            check_writable(path)


def _same(one: Path, other: Path) -> bool:
    return os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other)
