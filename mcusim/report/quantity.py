"""Numbers as people read them: prefixes, thousands, shares."""

from __future__ import annotations

import math

_PREFIXES = {-4: "p", -3: "n", -2: "µ", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T"}
_BINARY = ("B", "KiB", "MiB", "GiB")


def si(value: float, unit: str, digits: int = 4) -> str:
    """``value`` with ``digits`` significant digits and the SI prefix that leaves one to three before the point."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}".rstrip()
    rounded = float(f"{value:.{digits - 1}e}")
    power = min(max(math.floor(math.log10(abs(rounded)) / 3 + 1e-12), min(_PREFIXES)), max(_PREFIXES))
    scaled = rounded / 1000.0**power
    decimals = max(digits - 1 - math.floor(math.log10(abs(scaled)) + 1e-12), 0)
    return f"{scaled:.{decimals}f} {_PREFIXES[power]}{unit}".rstrip()


def size(value_bytes: int) -> str:
    """A number of bytes with a binary prefix, exact below 1 KiB."""
    power = min(max(value_bytes.bit_length() - 1, 0) // 10, len(_BINARY) - 1)
    return f"{value_bytes} B" if power == 0 else f"{value_bytes / 1024**power:.1f} {_BINARY[power]}"


def grouped(value: int) -> str:
    """An integer with its thousands set apart."""
    return f"{value:,}"


def share(part: int, whole: int) -> str:
    """``part`` of ``whole`` in percent; a dash where there is no whole."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def percent(part: float | None, whole: float | None) -> str:
    """As ``share``, of amounts that are no counts; a dash where either is not known."""
    return f"{100 * part / whole:.1f} %" if part is not None and whole else "–"


def printable(text: str) -> str:
    """``text`` on one line and without control characters: names come from files that anyone may have made."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)
