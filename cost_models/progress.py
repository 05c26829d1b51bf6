"""Progress: a line on a terminal, for what takes longer than one likes to wait without a word."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TextIO

AFTER_SECONDS = 2.0
"""What ends before says nothing."""

ERASE = "\r\x1b[K"


class Progress:
    """Counts to ``total`` on ``stream``, from ``after`` seconds on and only where that is a terminal."""

    def __init__(
        self, total: int, what: str, quiet: bool = False, after: float = AFTER_SECONDS, stream: TextIO | None = None
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._total, self._what, self._done = total, what, 0
        self._shows = self._stream.isatty() and not quiet
        self._from = monotonic() + after

    def step(self, name: str) -> None:
        """``name`` is next."""
        self._done += 1
        if self._shows and monotonic() >= self._from:
            self._stream.write(f"{ERASE}{self._done:,} of {self._total:,} {self._what}: {name}")
            self._stream.flush()

    def end(self) -> None:
        """Leave an empty line."""
        if self._shows:
            self._stream.write(ERASE)
            self._stream.flush()
