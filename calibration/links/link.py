"""What a link to a board does."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from mcusim.errors import McusimError


class LinkError(McusimError):
    """A board cannot be reached, or does not answer as its firmware would."""


class Silence(LinkError):
    """Nothing came in the time given."""


class Link(Protocol):
    """Lines to and from a board. ``name`` is for people; ``patience``: seconds in which a board answers that is well.

    ``starts``: whether the board starts when the link is opened, so that its first line is still to come.
    """

    name: str
    patience: float
    starts: bool

    def flash(self, elf: Path) -> str:
        """Put firmware onto the board; what a person has to do or to know, "" for nothing."""

    def open(self) -> None:
        """Connect, anew where it was open. LinkError where the board is not there."""

    def send(self, line: str) -> None:
        """Send a line. LinkError where the board is gone."""

    def read_line(self, seconds: float) -> str:
        """The next whole line, without its end. Silence if none is complete in time; LinkError where the board is gone."""

    def close(self) -> None:
        """Disconnect."""
