"""Commands of other packages, found through the entry points of group ``mcusim.commands``.

An entry point names a ``typer.Typer`` (a group of commands) or a function (one command). Its module should import
little: ``mcusim --help`` loads it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points

import typer

GROUP = "mcusim.commands"


def add_plugins(app: typer.Typer, own_names: Sequence[str], arguments: Sequence[str]) -> None:
    """Add the commands that ``arguments`` may need: none for one of ``own_names``, else all that can be imported.

    A package that cannot be imported costs a line on stderr, not the command line.
    """
    if next((each for each in arguments if not each.startswith("-")), None) in own_names:
        return
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.name in own_names:
            _complain(point, f"the name {point.name!r} is mcusim's own")
            continue
        try:
            plugin = point.load()
        except Exception as error:  # whatever a foreign package raises while it is imported
            _complain(point, f"{type(error).__name__}: {error}")
            continue
        _add(app, point, plugin)


def _add(app: typer.Typer, point: EntryPoint, plugin: object) -> None:
    if isinstance(plugin, typer.Typer):
        app.add_typer(plugin, name=point.name)
    elif callable(plugin):
        app.command(point.name)(plugin)
    else:
        _complain(point, f"{type(plugin).__name__} found, allowed: a typer.Typer or a function")


def _complain(point: EntryPoint, problem: str) -> None:
    sys.stderr.write(f"mcusim: command {point.name!r} ({point.value}) is left out: {problem}\n")
