"""Qoitech Otii: CSV exports of one or of several channels.

* ``"Wall-clock time (UTC)","Arc Main Current (A)","Arc Main Voltage (V)",...`` or ``Timestamp (S),...``: several channels, each
  name with that of the device in front;
* ``Timestamp,Value``: one channel, which the file's name tells: ``Main current - Arc.csv``.

Not verified with documentation of Qoitech, which publishes none of the format: both were seen in public scripts that read such
files. The names of digital inputs (``GPI1``, ``GPI2``) follow those of the channels of
qoitech/otii-tcp-client-python, and are not verified in a CSV file.
"""

from __future__ import annotations

from pathlib import Path

from calibration.instruments.table import Column, read_trace_table
from calibration.instruments.trace import Trace
from calibration.text import Place, cells

NAME = "Otii"
HEADER = '"Wall-clock time (UTC)","Arc Main Current (A)",... or Timestamp,Value in "Main current - Arc.csv"'
ONE_CHANNEL = "timestamp,value"
CHANNELS = (("main current", "Main Current (A)"), ("main voltage", "Main Voltage (V)"))
"""Beginnings of file names, and the column that ``Value`` then is."""
COLUMNS = (
    (r"Wall-clock time \(UTC\)", Column("clock")),
    (r"Timestamp( \(S\))?", Column("seconds")),
    (r"(.+ )?Main Current \(A\)", Column("amperes")),
    (r"(.+ )?Main Voltage \(V\)", Column("volts")),
    (r"(.+ )?GPI ?[12]", Column("line")),
)


def recognises(path: str, head: str) -> bool:
    """Whether the first lines of a file are one of these formats."""
    header = head.split("\n", 1)[0].replace('"', "").lower()
    return header == ONE_CHANNEL or (header.startswith(("wall-clock time (utc),", "timestamp (s),")) and "main " in header)


def read(place: Place, text: str) -> Trace:
    """The trace; voltage and lines where they were exported into the same file."""
    names = cells(place.at(1), text.split("\n", 1)[0])
    if [name.lower() for name in names] == ONE_CHANNEL.split(","):
        file = Path(place.path).name.lower()
        known = [column for beginning, column in CHANNELS if file.startswith(beginning)]
        if not known:
            raise place.at(1).error("a column 'Value' in a file whose name tells no channel", "Main current - DEVICE.csv")
        names[1] = known[0]
    return read_trace_table(NAME, place, text, names, COLUMNS, 2)
