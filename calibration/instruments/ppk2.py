"""Nordic Power Profiler Kit II: CSV as nRF Connect's Power Profiler exports it.

The header has those of ``Timestamp(ms)``, ``Current(uA)``, ``D0-D7`` (eight letters, line 0 first) and ``D0,...,D7`` that were
chosen in the dialogue; digital cells are ``0``, ``1``, ``X`` (both within the sample) or ``-`` (not recorded). The program
leaves out samples that it has no value for: gaps. It writes no voltage.

Source: NordicSemiconductor/pc-nrfconnect-ppk:src/actions/exportChartAction.ts@8da7626e53e302a030ce741a9ea23900d1574e69.
"""

from __future__ import annotations

from calibration.instruments.table import Column, read_trace_table
from calibration.instruments.trace import Trace
from calibration.text import Place

NAME = "PPK2"
HEADER = "Timestamp(ms),Current(uA)"
COLUMNS = (
    (r"Timestamp\(ms\)", Column("seconds", 1e-3)),
    (r"Current\(uA\)", Column("amperes", 1e-6)),
    (r"D0-D7", Column("bits")),
    (r"D[0-7]", Column("line")),
)


def recognises(path: str, head: str) -> bool:
    """Whether the first lines of a file are this format."""
    return head.startswith(("Timestamp(ms),", "Current(uA)"))


def read(place: Place, text: str) -> Trace:
    """The trace, with lines ``D0`` to ``D7`` where they were exported."""
    return read_trace_table(NAME, place, text, text.split("\n", 1)[0].split(","), COLUMNS, 2)
