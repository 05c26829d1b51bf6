"""What the firmware prints, and what is typed to it in answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

KEPT_BYTES = 16 << 20
"""Serial output kept for the report; what comes after is passed on but not kept."""
RECENT_BYTES = 1 << 16
"""Searched output that may pile up before it is let go."""
LINE_BYTES = 4096
"""Longest line that can be a mark."""


class SerialConsole:
    """Output of all channels in order of time; ``send`` rules are consumed in order, each by a new occurrence of its trigger.

    ``until``: ``done`` once the output contains it and the line it stands in is finished. Both look at all output, whether
    it is kept or not, and at each byte once.
    """

    def __init__(
        self, send: tuple[tuple[bytes, bytes], ...], until: bytes | None, output: Callable[[bytes], None] | None
    ) -> None:
        self.rules = list(send)
        self.until, self.output = until, output
        self.kept = bytearray()
        self.channels: dict[str, bytearray] = {}
        self.dropped = 0
        self.recent, self.forgotten = bytearray(), 0
        self.searched = self.until_searched = 0
        self.until_found = self.done = False
        self.line = bytearray()
        self.marks: dict[str, tuple[int, int]] = {}
        self.on_mark: Callable[[str], None] = lambda name: None

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
        self.recent += data
        self._note_marks(data)
        self._look_for_until()
        yield from self._answers()
        self._forget()

    def _answers(self) -> Iterator[bytes]:
        while self.rules:
            trigger, text = self.rules[0]
            end, self.searched = self._find(trigger, self.searched)
            if end is None:
                return
            self.rules.pop(0)
            yield text

    def _look_for_until(self) -> None:
        if self.until is None or self.done:
            return
        if not self.until_found:
            end, self.until_searched = self._find(self.until, self.until_searched)
            self.until_found = end is not None
        if self.until_found:
            end, self.until_searched = self._find(b"\n", self.until_searched)
            self.done = end is not None

    def _find(self, text: bytes, start: int) -> tuple[int | None, int]:
        """End of ``text`` in the output from byte ``start`` on (None where it is not), and where to look next time."""
        place = self.recent.find(text, start - self.forgotten)
        if place < 0:
            return None, max(start, self.forgotten + len(self.recent) - len(text) + 1)
        end = self.forgotten + place + len(text)
        return end, end

    def _forget(self) -> None:
        """Let go of output that has been searched."""
        end = self.forgotten + len(self.recent)
        needed = min(self.searched if self.rules else end, end if self.until is None or self.done else self.until_searched)
        if needed - self.forgotten > RECENT_BYTES:
            del self.recent[: needed - self.forgotten]
            self.forgotten = needed

    def _note_marks(self, data: bytes) -> None:
        """Lines ``#mark NAME COUNT CYCLES``, as printed by kernels_c/src/marks.c."""
        self.line += data
        if b"\n" not in data:
            del self.line[: len(self.line) - LINE_BYTES if len(self.line) > 2 * LINE_BYTES else 0]
            return
        *lines, rest = bytes(self.line).split(b"\n")
        self.line = bytearray(rest)
        for line in lines:
            words = line.decode("utf-8", "replace").split()
            if len(words) == 4 and words[0] == "#mark" and words[2].isdigit() and words[3].isdigit():
                self.marks[words[1]] = (int(words[2]), int(words[3]))
                self.on_mark(words[1])
