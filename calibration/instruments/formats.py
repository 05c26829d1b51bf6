"""The formats of power traces, told apart by the head of a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from calibration.instruments import joulescope, otii, powershield, ppk2
from calibration.instruments.trace import Trace
from calibration.text import Place, read_text, shown

TRACE_BYTES = 1 << 30
"""Largest trace, about 30 million samples."""
HEAD_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class Format:
    """A format: whose it is, what its header looks like, how it is recognised and read."""

    name: str
    header: str
    recognises: Callable[[str, str], bool]
    read: Callable[[Place, str], Trace]


def _format(module: ModuleType) -> Format:
    return Format(module.NAME, module.HEADER, module.recognises, module.read)


FORMATS = tuple(_format(module) for module in (ppk2, joulescope, otii, powershield))


def read_trace(path: str | Path) -> Trace:
    """The trace in a file of one of ``FORMATS``. MeasurementError, with line and column, for anything else."""
    text, place = read_text(path, TRACE_BYTES), Place(str(path))
    head = text[:HEAD_CHARACTERS]
    for each in FORMATS:
        if each.recognises(place.path, head):
            return each.read(place, text)
    known = "; ".join(f"{each.name}: {each.header}" for each in FORMATS)
    raise place.at(1).error(shown(head.split("\n", 1)[0]), known)
