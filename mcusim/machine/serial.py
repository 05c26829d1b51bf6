"""What the firmware prints, and what is typed to it in answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

KEPT_BYTES = 16 << 20
"""Serial output kept for the report; what comes after is passed on but not kept."""


class SerialConsole:
    """Output of all channels in order of time; ``send`` rules are consumed in order, each by a new occurrence of its trigger.

    ``until``: done once the output contains it and the line it stands in is finished.
    """

    def __init__(
        self, send: tuple[tuple[bytes, bytes], ...], until: bytes | None, output: Callable[[bytes], None] | None
    ) -> None:
        self.rules = list(send)
        self.until, self.output = until, output
        self.kept = bytearray()
        self.channels: dict[str, bytearray] = {}
        self.dropped = 0
        self.searched = 0
        self.until_found: int | None = None
        self.line = bytearray()
        self.marks: dict[str, tuple[int, int]] = {}

    @property
    def done(self) -> bool:
        """True once ``until`` was seen and its line has ended."""
        return self.until_found is not None and b"\n" in self.kept[self.until_found :]

    def opening(self) -> Iterator[bytes]:
        """Texts to type before anything was printed: rules with an empty trigger at the front."""
        while self.rules and not self.rules[0][0]:
            yield self.rules.pop(0)[1]

    def feed(self, channel: str, data: bytes) -> Iterator[bytes]:
        """Take output of ``channel``; yields the texts to type in answer."""
        if self.output is not None:
            self.output(data)
        room = max(KEPT_BYTES - len(self.kept), 0)
        self.kept += data[:room]
        self.channels.setdefault(channel, bytearray()).extend(data[:room])
        self.dropped += len(data) - min(len(data), room)
        self._note_marks(data)
        self._look_for_until(len(data))
        yield from self._answers()

    def _answers(self) -> Iterator[bytes]:
        while self.rules:
            trigger, text = self.rules[0]
            place = self.kept.find(trigger, self.searched)
            if place < 0:
                return
            self.searched = place + len(trigger)
            self.rules.pop(0)
            yield text

    def _look_for_until(self, fresh: int) -> None:
        if self.until is None or self.until_found is not None:
            return
        start = max(0, len(self.kept) - fresh - len(self.until))
        place = self.kept.find(self.until, start)
        if place >= 0:
            self.until_found = place + len(self.until)

    def _note_marks(self, data: bytes) -> None:
        """Lines ``#mark NAME COUNT CYCLES``, as printed by kernels_c/src/marks.c."""
        self.line += data
        *lines, rest = bytes(self.line).split(b"\n")
        self.line = bytearray(rest[-4096:])
        for line in lines:
            words = line.decode("utf-8", "replace").split()
            if len(words) == 4 and words[0] == "#mark" and words[2].isdigit() and words[3].isdigit():
                self.marks[words[1]] = (int(words[2]), int(words[3]))
