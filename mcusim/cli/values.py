"""Values of command line options: what people type, and what it means."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import typer

ADDRESS_SPACE = 1 << 32

_ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "\\": b"\\"}
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|[nrt\\])|(\\)|([^\\]+)", re.DOTALL)


def address(text: str) -> int:
    """An address, decimal or with 0x."""
    try:
        value = int(text, 0)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no address; allowed: 0x08000000 or a decimal number") from None
    if not 0 <= value < ADDRESS_SPACE:
        raise typer.BadParameter(f"{text} lies outside the 32-bit address space")
    return value


def count(text: str) -> int:
    """A number of things, at least 1: 1000000, 1_000_000, 1e6 or 2.5e6."""
    try:
        value = Fraction(text) if len(text) <= 40 and _exponent(text) <= 30 else None
    except (ValueError, ZeroDivisionError):
        value = None
    if value is None or value.denominator != 1 or value < 1 or "/" in text:
        raise typer.BadParameter(f"{text!r} is no whole number from 1; allowed: 1000000 or 1e6")
    return int(value)


def _exponent(text: str) -> int:
    return abs(int(text.lower().partition("e")[2] or 0))


def seconds(text: str) -> float:
    """A time in seconds above 0: 2.5 or 1e-3."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise typer.BadParameter(f"{text!r} is no time; allowed: seconds above 0, as 2.5 or 1e-3")
    return value


def byte_size(text: str) -> int:
    """A number of bytes, at least 1: 65536, 64K, 64Ki, 64KiB or 0x10000; K and M are powers of 1024."""
    found = _BYTES.fullmatch(text)
    value = int(found[1], 0) << _POWERS[found[2].upper()] if found else 0
    if value < 1:
        raise typer.BadParameter(f"{text!r} is no number of bytes from 1; allowed: 65536 or 64K (K, M are powers of 1024)")
    return value


_BYTES = re.compile(r"(0x[0-9A-Fa-f]{1,8}|0|[1-9][0-9]{0,9})(?:([KM]?)(?:iB|i|B)?)", re.IGNORECASE)
_POWERS = {"": 0, "K": 10, "M": 20}


def unescaped(text: str) -> bytes:
    """The bytes of ``text`` in UTF-8, with ``\\n``, ``\\r``, ``\\t``, ``\\xNN`` and ``\\\\`` replaced."""
    parts = []
    for match in _ESCAPE.finditer(text):
        code, stray, plain = match.groups()
        if stray:
            met = text[match.start() : match.start() + 4]
            raise typer.BadParameter(f"unknown escape {met!r}; allowed: \\n \\r \\t \\xNN \\\\")
        if plain is not None:
            parts.append(plain.encode("utf-8", "surrogateescape"))
        elif code[0] == "x" and len(code) == 3:
            parts.append(bytes.fromhex(code[1:]))
        else:
            parts.append(_ESCAPES[code])
    return b"".join(parts)


def exchange(text: str) -> tuple[bytes, bytes]:
    """``AFTER=>TEXT`` as (after, text), split at the first ``=>``; an empty AFTER means at once."""
    after, arrow, reply = text.partition("=>")
    if not arrow:
        raise typer.BadParameter(f"{text!r} has no '=>'; allowed: 'AFTER=>TEXT', as in 'm-ready=>infer 1 0%'")
    if not reply:
        raise typer.BadParameter(f"{text!r} has nothing to type behind '=>'")
    return unescaped(after), unescaped(reply)


def awaited(text: str) -> bytes:
    """The text of --until, not empty, with the escapes of --send."""
    if not text:
        raise typer.BadParameter("an empty text is always there; allowed: at least one character")
    return unescaped(text)


def hertz(text: str) -> int:
    """A clock in whole hertz, at least 1: 80000000, 80e6."""
    try:
        return count(text)
    except typer.BadParameter:
        raise typer.BadParameter(f"{text!r} is no clock; allowed: whole hertz from 1, as 80000000 or 80e6") from None


def wait_states(text: str) -> int:
    """A number of wait states, 0 to 15."""
    if not text.isascii() or not text.isdigit() or int(text) >= WAIT_STATES:
        raise typer.BadParameter(f"{text!r} is no number of wait states; allowed: 0 to {WAIT_STATES - 1}")
    return int(text)


def switch(text: str) -> bool:
    """``on`` or ``off``."""
    if text not in ("on", "off"):
        raise typer.BadParameter(f"{text!r}; allowed: on, off")
    return text == "on"


def placement(text: str) -> tuple[str, str]:
    """``MEMORY=OTHER`` as a pair of names."""
    memory, equals, other = text.partition("=")
    if not (memory and equals and other):
        raise typer.BadParameter(f"{text!r} names no two memories; allowed: MEMORY=OTHER, as in flash=sram1")
    return memory, other


def sweep(text: str) -> tuple[str, list[Any]]:
    """``NAME=VALUES`` as (field, values): ``FIRST:LAST[:POINTS]`` for numbers, or values separated by commas."""
    name, equals, listed = text.partition("=")
    if not equals or name not in SWEEPS or not listed:
        raise typer.BadParameter(f"{text!r} is no sweep; allowed: NAME=VALUES with a name of {', '.join(SWEEPS)}")
    reader = SWEEPS[name]
    if name in ("clock_hertz", "wait_states") and ":" in listed:
        return name, _range(name, listed)
    return name, [reader(value) for value in listed.split(",")]


def _range(name: str, text: str) -> list[int]:
    """Whole numbers from FIRST to LAST, evenly spaced: as many as POINTS, by default 16 clocks or all wait states."""
    parts = text.split(":")
    if len(parts) not in (2, 3):
        raise typer.BadParameter(f"{text!r} is no range; allowed: FIRST:LAST or FIRST:LAST:POINTS")
    first, last = (SWEEPS[name](part) for part in parts[:2])
    if last < first:
        raise typer.BadParameter(f"{text!r} runs backwards; allowed: FIRST:LAST with FIRST up to LAST")
    standard = CLOCK_POINTS if name == "clock_hertz" else last - first + 1
    points = count(parts[2]) if len(parts) == 3 else standard
    if points > POINTS_MAX:
        raise typer.BadParameter(f"{text!r} has {points:,} points; allowed: up to {POINTS_MAX:,}")
    if points == 1:
        return [first]
    return list(dict.fromkeys(first + (last - first) * number // (points - 1) for number in range(points)))


def placements(text: str) -> tuple[tuple[str, str], ...]:
    """Placements joined by ``+``; ``-`` for the program as it is linked."""
    return () if text == "-" else tuple(placement(part) for part in text.split("+"))


CLOCK_POINTS, POINTS_MAX, WAIT_STATES = 16, 4096, 16
SWEEPS: dict[str, Callable[[str], Any]] = {
    "clock_hertz": hertz, "wait_states": wait_states, "caches": switch, "prefetch": switch, "placement": placements,
}  # fmt: skip
"""What can be swept, and how one value is read."""
