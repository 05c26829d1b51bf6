"""Links as they are typed: ``pyocd``, ``pyocd:TARGET``, ``serial:PORT``, ``sim``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from calibration.links.link import Link, LinkError
from calibration.links.probe import ProbeLink
from calibration.links.serial_port import SerialLink
from calibration.links.simulated import SimulatedLink

ALLOWED = "pyocd, pyocd:TARGET, serial:PORT, sim"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A link before it is made: the ``kind`` of it, what stands behind its colon, and what it may need.

    ``answered`` measurements were made before, which matters to simulated boards only.
    """

    kind: str
    place: str
    board: str
    seed: int = 0
    port: str = ""
    answered: int = 0


def _probe(wanted: Wanted) -> Link:
    return ProbeLink(wanted.place, wanted.port)


def _serial(wanted: Wanted) -> Link:
    return SerialLink(wanted.place)


def _simulated(wanted: Wanted) -> Link:
    return SimulatedLink(("--board", wanted.board, "--seed", str(wanted.seed), "--answered", str(wanted.answered)))


KINDS: dict[str, Callable[[Wanted], Link]] = {"pyocd": _probe, "serial": _serial, "sim": _simulated}


def parse_via(text: str) -> tuple[str, str]:
    """Kind and place of a link. LinkError for what is none."""
    kind, colon, place = text.partition(":")
    if kind not in KINDS or (kind == "serial") > bool(place) or (kind == "sim" and colon):
        raise LinkError(f"{text!r} is no way to a board; allowed: {ALLOWED}")
    return kind, place


def link_of(wanted: Wanted) -> Link:
    """The link, not open yet."""
    return KINDS[wanted.kind](wanted)
