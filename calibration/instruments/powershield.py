"""STM32 Power shield X-NUCLEO-LPM01A (and that of the STM32L562E-DK): its ASCII stream, and CSV with units in the header.

The stream is what a terminal or a script records from the board's serial port (format ``ascii_dec``):

* ``6409-07``: one sample, 6409e-7 A, or J with ``output energy``: the energy since the sample before;
* ``TimeStamp: 003s 245ms, buff 05%``: the board's clock, from time to time; samples that went missing in between leave a gap;
* ``event 3 ris``: an edge on pin D7; two of them bracket a stretch here, as EnergyRunner has it: line ``events``;
* ``PowerShield > ack freq 1k``, ``ack volt 1800m``, ``ack output energy``: the settings; ``freq`` is needed.

Source: the commands of user manual UM2269 (STMicroelectronics), as quoted and parsed in
mlcommons/tiny:benchmark/runner/power_manager/power_manager_lpm.py@5158b74cddb0334aa81f7ee91f02ad2a65b64526 and script.py there.

CSV: a header with time and current, each with its unit in brackets, as ``Time (ms);Current (uA)``, separated by comma,
semicolon or tab. Which names and units STM32CubeMonitor-Power writes **could not be verified**: nothing public says it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from calibration.instruments.table import Column, read_trace_table
from calibration.instruments.trace import Trace, checked
from calibration.text import Place, shown

NAME = "PowerShield"
HEADER = "PowerShield > ack ... (recorded ASCII stream) or Time (ms);Current (uA)"
STREAM = re.compile(r"(?:PowerShield ?>|ack |TimeStamp:|\d{4}[+-]\d{2}$)", re.MULTILINE)
SAMPLE = re.compile(r"(\d{4})([+-]\d{2})", re.ASCII)
STAMP = re.compile(r"TimeStamp:[ ><]*(\d+)s (\d+)ms", re.ASCII)
EVENT = re.compile(r"event \d+ (?:ris|fal)", re.ASCII)
SETTING = re.compile(r"ack (freq|volt|output) (\S+)", re.ASCII)
NUMBER = re.compile(r"(\d+(?:\.\d+)?)([km]?)", re.ASCII)
PREFIXES = {"k": 1e3, "": 1.0, "m": 1e-3}
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
AMPERES = {"A": 1.0, "mA": 1e-3, "uA": 1e-6, "µA": 1e-6, "nA": 1e-9}
VOLTS = {"V": 1.0, "mV": 1e-3}
COLUMNS = tuple(
    (rf"(?:{names}) ?[(\[]{unit}[)\]]", Column(role, factor))
    for role, names, units in (
        ("seconds", "time|timestamp", SECONDS), ("amperes", "current", AMPERES), ("volts", "voltage", VOLTS),
    )
    for unit, factor in units.items()
)  # fmt: skip


def recognises(path: str, head: str) -> bool:
    """Whether the first lines of a file are this stream or this table."""
    return _delimiter(head) != "" or STREAM.match(head) is not None


def _delimiter(head: str) -> str:
    """What separates the cells of the header; "" where it has no time and current."""
    header = head.split("\n", 1)[0]
    for delimiter in ";,\t":
        roles = {column.role for name in header.split(delimiter) for form, column in COLUMNS
                 if re.fullmatch(form, name.strip(' "'), re.IGNORECASE)}  # fmt: skip
        if {"seconds", "amperes"} <= roles:
            return delimiter
    return ""


def read(place: Place, text: str) -> Trace:
    """The trace of either format."""
    if delimiter := _delimiter(text):
        names = [name.strip(' "') for name in text.split("\n", 1)[0].split(delimiter)]
        return read_trace_table(NAME, place, text, names, COLUMNS, 2, delimiter)
    return _read_stream(place, text)


@dataclass(slots=True)
class _Stream:
    """What was read so far: samples, and beside them (how many came before) stamps and events."""

    settings: dict[str, str] = field(default_factory=dict)
    samples: list[float] = field(default_factory=list)
    stamps: list[tuple[float, int]] = field(default_factory=list)
    events: list[int] = field(default_factory=list)

    def take(self, place: Place, line: str) -> None:
        if found := SETTING.search(line):
            self.settings[found[1]] = found[2]
        elif found := SAMPLE.fullmatch(line):
            self.samples.append(float(f"{found[1]}e{found[2]}"))
        elif found := STAMP.match(line):
            self.stamps.append((int(found[1]) + int(found[2]) * 1e-3, len(self.samples)))
        elif EVENT.match(line):
            self.events.append(len(self.samples))
        elif line[:1].isdigit():
            raise place.error(shown(line), "a sample, as 6409-07")


def _read_stream(place: Place, text: str) -> Trace:
    stream = _Stream()
    for line, content in enumerate(text.splitlines(), 1):
        stream.take(place.at(line), content.strip())
    hertz, volts = _setting(place, stream, "freq"), _setting(place, stream, "volt")
    if hertz is None:
        raise place.error("a stream without its sampling frequency", "one with the line 'ack freq ...'")
    seconds, values = _times(place, stream, hertz), np.array(stream.samples)
    if stream.settings.get("output") == "energy":
        if volts is None:
            raise place.error("a stream of energies without its voltage", "one with the line 'ack volt ...'")
        values = values * hertz / volts
    toggles = np.searchsorted(np.array(stream.events, int), np.arange(len(values)), side="right")
    return checked(Trace(NAME, place.path, seconds, values, volts, {"events": (toggles % 2).astype(np.int8)}), None)


def _setting(place: Place, stream: _Stream, name: str) -> float | None:
    if name not in stream.settings:
        return None
    found = NUMBER.fullmatch(stream.settings[name])
    value = float(found[1]) * PREFIXES[found[2]] if found else 0.0
    if value <= 0:
        raise place.error(f"{name} {shown(stream.settings[name])}", "a number above 0, as 1k or 3300m")
    return value


def _times(place: Place, stream: _Stream, hertz: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Begins of the samples: counted, and later by what is missing between two stamps of the board."""
    late = np.zeros(len(stream.samples))
    for (earlier, before), (later, after) in zip(stream.stamps, stream.stamps[1:], strict=False):
        if later < earlier:
            raise place.error(f"a TimeStamp of {later:g} s after one of {earlier:g} s", "stamps in order of time")
        missing = round((later - earlier) * hertz) - (after - before)
        if missing > 0:
            late[after:] += missing / hertz
    return np.arange(len(late)) / hertz + late
