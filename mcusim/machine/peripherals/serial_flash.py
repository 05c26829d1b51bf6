"""A QSPI NOR flash chip as its command interface shows it: status, identification, erase, program.

Source: Winbond W25Q16JV datasheet rev. H, 6.1 (status registers), 8.2 (instructions), 9.6 (AC characteristics, typical).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from mcusim.machine.peripheral import Chip

PAGE = 256
WRITE_ENABLE_LATCH, BUSY = 2, 1
QUAD_ENABLE = 2


@dataclass(frozen=True, slots=True)
class Erase:
    """An erase instruction: bytes erased and typical time."""

    size: int
    seconds: Fraction


KIB = 1024
ERASES = {
    0x20: Erase(4 * KIB, Fraction(45, 1000)),
    0x52: Erase(32 * KIB, Fraction(120, 1000)),
    0xD8: Erase(64 * KIB, Fraction(150, 1000)),
    0xC7: Erase(0, Fraction(5)),
    0x60: Erase(0, Fraction(5)),
}
PROGRAM_SECONDS = Fraction(4, 10_000)  # tPP
STATUS_SECONDS = Fraction(10, 1000)  # tW
# Bytes between the instruction and its answer: address and dummy bytes of the single-line instructions.
READS = {0x03: 0, 0x0B: 1}
STATUS = {0x05: 0, 0x35: 1, 0x15: 2}
WRITE_STATUS = {0x01: 0, 0x31: 1, 0x11: 2}


class SerialFlash:
    """Bytes go in and out one at a time between ``select`` and ``deselect``.

    ``base`` is where the chip's bytes lie in the memory map, ``size`` its capacity. Quad and dual transfers of this
    interface, suspend, protection bits and security registers are not modelled; unknown instructions answer 0xFF.
    """

    def __init__(self, chip: Chip, base: int, size: int, jedec: int, unique: int) -> None:
        self.chip, self.base, self.size = chip, base, size
        self.jedec = jedec.to_bytes(3, "big")
        self.unique = unique.to_bytes(8, "big")
        self.status = [0, QUAD_ENABLE, 0x60]
        self.busy_until = 0
        self.sent: bytearray = bytearray()

    def select(self) -> None:
        self.sent.clear()

    def transfer(self, byte: int) -> int:
        """The byte that comes out while ``byte`` goes in."""
        answer = self._answer(len(self.sent))
        self.sent.append(byte)
        return answer

    def deselect(self) -> None:
        """End the instruction: what changes the chip happens now."""
        sent, self.sent = bytes(self.sent), bytearray()
        if sent and not self._busy():
            self._act(sent[0], sent)

    def _busy(self) -> bool:
        return self.chip.now() < self.busy_until

    def _answer(self, index: int) -> int:
        if not index:
            return 0xFF
        command = self.sent[0]
        if command in STATUS:
            number = STATUS[command]
            return self.status[number] | (BUSY * self._busy() if not number else 0)
        if command in READS and index >= 4 + READS[command]:
            offset = self._address() + index - 4 - READS[command]
            return self.chip.read_memory(self.base + offset % self.size, 1)[0]
        if command == 0x9F:
            return self.jedec[(index - 1) % 3]
        if command == 0x4B and index >= 5:
            return self.unique[(index - 5) % 8]
        return {0xAB: self.jedec[2] - 1, 0x90: self.jedec[0]}.get(command, 0xFF)

    def _address(self) -> int:
        return int.from_bytes(self.sent[1:4], "big")

    def _act(self, command: int, sent: bytes) -> None:
        if command == 0x06:
            self.status[0] |= WRITE_ENABLE_LATCH
        elif command == 0x04:
            self.status[0] &= ~WRITE_ENABLE_LATCH
        elif self.status[0] & WRITE_ENABLE_LATCH:
            self._change(command, sent)

    def _change(self, command: int, sent: bytes) -> None:
        actions: dict[int, Callable[[], Fraction]] = {code: lambda: self._erase(command, sent) for code in ERASES}
        actions |= {code: lambda: self._write_status(command, sent) for code in WRITE_STATUS}
        actions[0x02] = lambda: self._program(sent)
        if command not in actions:
            return
        seconds = actions[command]()
        self.busy_until = self.chip.now() + int(seconds * self.chip.core_hertz())
        self.status[0] &= ~WRITE_ENABLE_LATCH

    def _erase(self, command: int, sent: bytes) -> Fraction:
        erase = ERASES[command]
        size = erase.size or self.size
        start = int.from_bytes(sent[1:4], "big") % self.size // size * size if erase.size else 0
        self.chip.program_memory(self.base + start, b"\xff" * size)
        return erase.seconds

    def _program(self, sent: bytes) -> Fraction:
        """Program inside one page, wrapping at its end; bits only go from 1 to 0."""
        start, data = int.from_bytes(sent[1:4], "big") % self.size, sent[4:]
        page = start // PAGE * PAGE
        content = bytearray(self.chip.read_memory(self.base + page, PAGE))
        for index, byte in enumerate(data[-PAGE:], start + max(0, len(data) - PAGE)):
            content[index % PAGE] &= byte
        self.chip.program_memory(self.base + page, bytes(content))
        return PROGRAM_SECONDS

    def _write_status(self, command: int, sent: bytes) -> Fraction:
        for number, value in enumerate(sent[1:3], WRITE_STATUS[command]):
            self.status[number] = value & ~3 if number == 0 else value
        return STATUS_SECONDS
