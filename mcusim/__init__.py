"""mcusim: firmware goes in; what the board would have told comes out.

``run(path, board=...) -> Report`` runs a program, ``retime(profile) -> Retiming`` prices a saved run again,
``bench(network, board) -> BenchReport`` tells what a neural network takes; ``McusimError`` is the base of all errors raised
on purpose.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcusim.bench import BenchReport, bench
    from mcusim.errors import McusimError
    from mcusim.report import Report
    from mcusim.retime import retime
    from mcusim.run import run

    __version__: str

__all__ = ["BenchReport", "McusimError", "Report", "__version__", "bench", "retime", "run"]

_PUBLIC = {
    "BenchReport": "mcusim.bench",
    "McusimError": "mcusim.errors",
    "Report": "mcusim.report",
    "bench": "mcusim.bench",
    "retime": "mcusim.retime",
    "run": "mcusim.run",
}
"""Public name to the module that defines it, imported at first use: ``import mcusim`` stays below 50 ms."""


class _Package(ModuleType):
    """Keeps ``mcusim.run`` the function: importing the module of that name would put the module in its place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _PUBLIC and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(import_module(_PUBLIC[name]), name)
    elif name == "__version__":
        value = _version()
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("mcusim")
    except PackageNotFoundError:  # a checkout that is not installed has no metadata
        return "0+uninstalled"
