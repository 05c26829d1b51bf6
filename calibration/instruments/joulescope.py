"""Joulescope: CSV of the Joulescope UI and of the statistics loggers.

* ``# time,DEVICE.i,DEVICE.v,...``: "Export visible data as CSV", means of the visible points; quantities are ``i``, ``v``,
  ``p`` and the inputs ``0`` to ``3``. Source: jetperch/pyjoulescope_ui:joulescope_ui/widgets/waveform/waveform_widget.py (and
  devices/jsdrv/js220.py for the quantities) @4c8c8855d8d6ed74d96e1537f42b2ede97ac9411.
* ``#time,current,voltage,power,charge,energy``: statistics recorded by the UI, means since the line before, time in seconds
  or as ``20260131T120000.5Z``. Source: the same, widgets/statistics_record/statistics_record.py.
* ``time,current,voltage,power,charge,energy[,current_min,current_max]``, or ``#= header=...`` and further lines ``#= ...``: the
  logger of the examples. Source: jetperch/pyjoulescope_examples:bin/downsample_logging.py
  @fb1d588c2d9d9b1884b4a25f0b251321ef89b66e.

All units are SI. JLS files are binary, and not read here.
"""

from __future__ import annotations

import re

from calibration.instruments.table import Column, read_trace_table
from calibration.instruments.trace import Trace
from calibration.text import Place

NAME = "Joulescope"
HEADER = "# time,DEVICE.i,DEVICE.v or #time,current,voltage,..."
KEYED = "#= header="
FORM = re.compile(r"# ?time,|#= header=time,|time,current,voltage,|#current,")
NAMES = (
    (r"current|(.+\.)?i", Column("amperes")),
    (r"voltage|(.+\.)?v", Column("volts")),
    (r".+\.[0-3]", Column("level")),
)
CLOCK_CELL = re.compile(r"\d{8}T")


def recognises(path: str, head: str) -> bool:
    """Whether the first lines of a file are one of these formats."""
    return FORM.match(head) is not None


def read(place: Place, text: str) -> Trace:
    """The trace, with voltage, and with lines ``0`` to ``3`` where inputs were exported."""
    lines = text.split("\n", 16)
    header_lines = len(_leading(lines)) or 1
    names = lines[0].removeprefix(KEYED).lstrip("# ").split(",")
    first = lines[header_lines] if header_lines < len(lines) else ""
    time = Column("clock" if CLOCK_CELL.match(first) else "seconds")
    return read_trace_table(NAME, place, text, names, (("time", time), *NAMES), header_lines + 1)


def _leading(lines: list[str]) -> list[str]:
    """The comment lines at the top."""
    count = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return lines[:count]
