"""Models of made-up costs, where shipped ones are looked for; and commands in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
import typer

import cost_models
from cost_models import shipped
from cost_models.files import Training, write
from mcusim.cli import app
from tests.cost_models.made_up import examples

BOARDS = ("m4", "m7", "nucleo-f746zg")


@cache
def fitted(board: str) -> cost_models.Linear:
    layers, costs = examples(48)
    return cost_models.Linear().fit(layers, replace(costs, board=board, cycles=costs.cycles * (1 + BOARDS.index(board))))


def ship(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``folder`` holds models of BOARDS, and is where they are looked for."""
    for board in BOARDS:
        write(folder / f"{board}.linear.json", fitted(board), Training(True, "made up", 48, 500))
    monkeypatch.setattr(shipped, "DATA", folder)
    return folder


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


Command = Callable[..., Outcome]


def ran(command: typer.Typer | Callable[..., None], capsys: pytest.CaptureFixture[str], *arguments: str) -> Outcome:
    """A command with these arguments."""
    code = app.run(arguments, command if isinstance(command, typer.Typer) else app.single(command))
    found = capsys.readouterr()
    return Outcome(code, found.out, found.err)
