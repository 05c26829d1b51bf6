"""Commands to microbenchmark firmware and its answers (``microbenchmarks/commands.h``), over a link that may fail."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from calibration.links.link import Link, LinkError, Silence
from calibration.microbenchmarks.results import ResultError, read

ATTEMPTS = 6
QUIET_SECONDS = 0.2
"""Silence after which nothing of an older answer is on its way."""
RETURN_SECONDS = 1.0
"""Between attempts to reach a board that is gone: one that was unplugged or reset is back after some of them."""
LONGEST_ANSWER = 4096
"""Lines."""
FIRST_HASH, HASH_FACTOR = 0x811C9DC5, 0x01000193
IDENTITY = re.compile(r"#firmware mcusim\.microbenchmarks/1 ([0-9a-f]{8}) (\d+)\n")


class Glitch(LinkError):
    """An answer that is not one: asked again, it may be."""


class Foreign(LinkError):
    """A sound answer, to another command."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A body's rounds: cycles that n more copies took in each. ``checksum`` of what the body computed."""

    body: str
    cycles: tuple[int, ...]
    checksum: int


class Dialogue:
    """Asks until there is a sound answer, ``ATTEMPTS`` times. ``note`` hears of what went wrong and was overcome."""

    def __init__(self, link: Link, note: Callable[[str], None] = lambda text: None) -> None:
        self.link, self.note = link, note
        self.glitches = 0

    def connect(self) -> None:
        """Opens the link; a board that starts with it has said that it is ready. LinkError where it does not."""
        self.link.open()
        while self.link.starts and self.link.read_line(self.link.patience) != "#ready":
            pass

    def identify(self) -> tuple[int, int]:
        """Build number of the firmware, and how many bodies it has."""
        text = self._asked("identify", _is_identity)
        found = IDENTITY.fullmatch(text)
        assert found is not None
        return int(found[1], 16), int(found[2])

    def run(self, body: str, rounds: int) -> Answer:
        """Times a body. LinkError where the board does not answer soundly; ResultError where it computes wrongly."""

        def check(text: str) -> None:
            if not text.startswith(f"#mark {body}:1n "):
                raise Foreign(f"a late answer, to something else: {text[:40]!r}")
            if len(read(text).rounds) != rounds:
                raise Glitch(f"an answer of {len(read(text).rounds)} rounds")

        results = read(self._asked(f"run {body} {rounds}", check))
        return Answer(body, tuple(one[body] for one in results.rounds), results.checksum)

    def _asked(self, command: str, check: Callable[[str], None]) -> str:
        """An answer that ``check`` has nothing against."""
        last: LinkError | ResultError = Silence("nothing was asked")
        for attempt in range(ATTEMPTS):
            try:
                if attempt:
                    self._recover(last)
                return self._answer(command, check)
            except (LinkError, ResultError) as error:
                last = error
                self.glitches += 1
                self.note(f"{command!r}: {error}; attempt {attempt + 1} of {ATTEMPTS}")
        raise LinkError(f"{self.link.name}: no sound answer to {command!r} in {ATTEMPTS} attempts; the last: {last}")

    def _recover(self, error: Exception) -> None:
        """Wait until nothing comes any more; where the board is gone, until it may be back."""
        if isinstance(error, Silence | Glitch | ResultError):
            self._drain()
        else:
            time.sleep(RETURN_SECONDS)
            self.connect()

    def _drain(self) -> None:
        try:
            for _ in range(LONGEST_ANSWER):
                self.link.read_line(QUIET_SECONDS)
        except Silence:
            pass

    def _answer(self, command: str, check: Callable[[str], None]) -> str:
        """The answer to a command, from among late ones to commands before."""
        self.link.send(command)
        while True:
            text = self._whole_answer()
            try:
                check(text)
                return text
            except Foreign as error:
                self.note(f"{command!r}: {error}")

    def _whole_answer(self) -> str:
        """The lines of an answer whose hash is right, but for the last."""
        lines: list[str] = []
        while len(lines) < LONGEST_ANSWER:
            line = self.link.read_line(self.link.patience)
            if line.startswith("#done"):
                return _checked(lines, line)
            if line == "#ready":
                raise Glitch("the board was reset")
            lines.append(line)
        raise Glitch(f"an answer of more than {LONGEST_ANSWER} lines")


def _is_identity(text: str) -> None:
    if not IDENTITY.fullmatch(text):
        raise Foreign(f"a late answer, to something else: {text[:40]!r}")


def _checked(lines: list[str], done: str) -> str:
    text = "".join(f"{line}\n" for line in lines)
    if done != f"#done {hash_of(text):08x}":
        raise Glitch("a damaged answer: its hash is wrong")
    if text.startswith("#error"):
        raise Glitch(f"the board did not understand: {text.strip()[:60]!r}")
    return text


def hash_of(text: str) -> int:
    """FNV-1a, 32 bits."""
    value = FIRST_HASH
    for byte in text.encode("ascii", "replace"):
        value = (value ^ byte) * HASH_FACTOR & 0xFFFFFFFF
    return value
