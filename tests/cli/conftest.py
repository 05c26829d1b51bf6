"""The command in this process, with a machine that a test makes up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

import mcusim
from mcusim.cli import app
from mcusim.report import Report
from tests.report.samples import SPARE


@dataclass
class Facade:
    """Stands in for ``mcusim.run``: records its arguments, plays ``action``, answers ``report``."""

    report: Report = SPARE
    action: Callable[..., None] = lambda **arguments: None
    image: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)

    def __call__(self, image: str, **arguments: Any) -> Report:
        self.image, self.arguments = image, arguments
        self.action(**arguments)
        return self.report


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


@pytest.fixture
def facade(monkeypatch) -> Facade:
    stand_in = Facade()
    monkeypatch.setitem(vars(mcusim), "run", stand_in)
    return stand_in


@pytest.fixture
def command(capfdbinary) -> Callable[..., Outcome]:
    """Runs ``mcusim`` with these arguments."""

    def call(*arguments: str) -> Outcome:
        code = app.run(arguments)
        out, err = capfdbinary.readouterr()
        return Outcome(code, out.decode("utf-8", "backslashreplace"), err.decode("utf-8", "backslashreplace"))

    return call
