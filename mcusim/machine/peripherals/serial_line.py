"""The two wires of a UART: characters leave and arrive at the baud rate, whatever the registers around them look like."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from fractions import Fraction

from mcusim.machine.peripheral import Chip, Event

Seconds = Callable[[], "Fraction"]


class SerialLine:
    """Transmit FIFO with shift register, and typed characters that arrive one frame time apart.

    ``frame_seconds`` gives the duration of one character frame (0 while the line is off: characters wait).
    ``sent`` is called whenever a character has left the shift register, ``arrived`` with each character received.
    Framing, parity errors and break are not modelled.
    """

    def __init__(
        self,
        chip: Chip,
        name: str,
        depth: int,
        frame_seconds: Seconds,
        sent: Callable[[], None],
        arrived: Callable[[int], None],
    ) -> None:
        self.chip, self.name, self.depth = chip, name, depth
        self.frame_seconds, self.sent, self.arrived = frame_seconds, sent, arrived
        self.fifo: deque[int] = deque()
        self.shifting: int | None = None
        self.typed: deque[int] = deque()
        self._events: dict[str, Event] = {}

    @property
    def level(self) -> int:
        """Characters that wait in the transmit FIFO, the shift register not counted."""
        return len(self.fifo)

    @property
    def idle(self) -> bool:
        """All characters have left."""
        return self.shifting is None and not self.fifo

    def push(self, byte: int) -> bool:
        """Put a character into the transmit FIFO; False where it is full and the character is lost."""
        if len(self.fifo) >= self.depth and not (self.shifting is None and self.frame_seconds()):
            return False
        self.fifo.append(byte)
        self.resume()
        return True

    def type(self, data: bytes) -> None:
        """Let ``data`` arrive, one character per frame time."""
        self.typed.extend(data)
        self.resume()

    def resume(self) -> None:
        """Start what can start; call it when the line was switched on or the baud rate was set."""
        seconds = self.frame_seconds()
        if not seconds:
            return
        if self.shifting is None and self.fifo:
            self.shifting = self.fifo.popleft()
            self._after(seconds, "out", self._shifted)
        if self.typed and "in" not in self._events:
            self._after(seconds, "in", self._received)

    def clear(self) -> None:
        """Drop everything (a reset of the UART)."""
        for event in self._events.values():
            event.cancel()
        self._events.clear()
        self.fifo.clear()
        self.shifting = None

    def _after(self, seconds: Fraction, key: str, action: Callable[[], None]) -> None:
        cycles = -((-seconds.numerator * self.chip.core_hertz()) // seconds.denominator)
        self._events[key] = self.chip.at(self.chip.now() + cycles, action)

    def _shifted(self) -> None:
        del self._events["out"]
        byte, self.shifting = self.shifting, None
        self.chip.transmit(self.name, bytes([byte or 0]))
        self.resume()
        self.sent()

    def _received(self) -> None:
        del self._events["in"]
        byte = self.typed.popleft()
        self.resume()
        self.arrived(byte)
