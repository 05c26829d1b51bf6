"""Values of command line options: what people type, and what it means."""

from __future__ import annotations

import math
import re
from fractions import Fraction

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
