"""DMA of the RP chips: channels, chaining, rings, byte swap, pacing timers, checksums, interrupts.

Sources: RP2040 Datasheet 2.5; RP2350 Datasheet 12.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from mcusim.errors import UnsupportedError
from mcusim.machine.peripherals.raspberry import RaspberryRegisters

READ, WRITE, COUNT, CTRL = "read", "write", "count", "control"
# Order of the four registers in each alias; the last one triggers (2.5.2.1).
ALIASES = (
    (READ, WRITE, COUNT, CTRL),
    (CTRL, READ, WRITE, COUNT),
    (CTRL, COUNT, READ, WRITE),
    (CTRL, WRITE, COUNT, READ),
)
STRIDE = 0x40
UNPACED = 0x3F
FIRST_TIMER = 0x3B


@dataclass(frozen=True, slots=True)
class Layout:
    """Bit positions in CTRL, number of interrupt groups, and where the common registers lie."""

    increment_write: int
    ring: int
    chain: int
    request: int
    quiet: int
    swap: int
    busy: int
    sniff: int
    groups: int
    timers: int
    triggers: int
    sniffer: int
    abort: int

    @property
    def reversible(self) -> bool:
        """The bit above each increment bit reverses it."""
        return self.increment_write == 6


LAYOUTS = {
    "rp2040": Layout(5, 6, 11, 15, 21, 22, 24, 23, groups=2, timers=0x420, triggers=0x430, sniffer=0x434, abort=0x444),
    "rp2350": Layout(6, 8, 13, 17, 23, 24, 26, 25, groups=4, timers=0x440, triggers=0x450, sniffer=0x454, abort=0x464),
}
INCREMENTS = (0, 1, 2, -1)
"""Address steps in transfers, by the increment bit and, above it, RP2350's reversing bit (RP2350 12.6.9)."""

CRC32, CRC16 = 0x04C11DB7, 0x1021
BITS_REVERSED, EVEN, SUM = 1, 0xE, 0xF


def reverse(word: int, bits: int) -> int:
    """``word`` with its low ``bits`` in the opposite order."""
    return int(f"{word & (1 << bits) - 1:0{bits}b}"[::-1], 2)


def checksum(mode: int, total: int, word: int, bits: int) -> int:
    """The sniffer's data register after ``word`` of ``bits`` (2.5.5.2): CRC-32 (0, 1), CRC-16 (2, 3), parity or sum."""
    if mode == SUM:
        return (total + word) & 0xFFFFFFFF
    if mode == EVEN:
        return total ^ word.bit_count() & 1
    width, polynomial = (32, CRC32) if mode < 2 else (16, CRC16)
    word = reverse(word, bits) if mode & BITS_REVERSED else word
    for bit in range(bits - 1, -1, -1):
        out = (total >> (width - 1) ^ word >> bit) & 1
        total = (total << 1 & (1 << width) - 1) ^ (polynomial if out else 0)
    return total


@dataclass(slots=True)
class Channel:
    """Registers of one channel, and how much of the running transfer is left."""

    read: int = 0
    write: int = 0
    count: int = 0
    control: int = 0
    left: int = 0
    busy: bool = False


class Dma(RaspberryRegisters):
    """Each transfer takes one core cycle, or waits for its request (parameter ``requests``: number to ``uart.tx``/``uart.rx``).

    An unpaced block is copied as a whole when its last cycle is reached. Self-triggering counts and endless mode are not
    modelled; a request that is neither listed nor a pacing timer stops the run with UnsupportedError.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"channels", "layout", "requests"})
    INTR = 0x400

    def reset_state(self) -> None:
        self.bits = LAYOUTS[self.parameter("layout")]
        self.channels = [Channel(control=index << self.bits.chain) for index in range(self.parameter("channels"))]
        self.pending = 0
        groups = range(self.bits.groups)
        self.enables = {self.INTR + 0x10 * group + 4: group for group in groups}
        self.forces = {self.INTR + 0x10 * group + 8: group for group in groups}
        self.statuses = {self.INTR + 0x10 * group + 12: group for group in groups}
        self.raws = {self.INTR + 0x10 * group for group in groups}
        timers = range(self.bits.timers, self.bits.timers + 16, 4)
        self.registers |= dict.fromkeys([*self.enables, *self.forces, *timers, self.bits.sniffer, self.bits.sniffer + 4], 0)

    def read_register(self, offset: int) -> int:
        if offset < STRIDE * len(self.channels):
            return self._read_channel(self.channels[offset // STRIDE], offset % STRIDE)
        if offset in self.raws:
            return self.pending
        if offset in self.statuses:
            return self._status(self.statuses[offset])
        if offset == self.bits.sniffer + 4:
            return self._sniffed()
        return super().read_register(offset)

    def value_for_alias(self, offset: int) -> int:
        if offset < STRIDE * len(self.channels):
            return self.read_register(offset)
        return self.stored(offset)

    def write_register(self, offset: int, value: int) -> None:
        if offset < STRIDE * len(self.channels):
            self._write_channel(offset // STRIDE, offset % STRIDE, value)
        elif offset in self.raws or offset in self.statuses:
            self.pending &= ~value
            self._update()
        elif offset == self.bits.triggers:
            for index in range(len(self.channels)):
                if value >> index & 1:
                    self._start(index)
        elif offset == self.bits.abort:
            for index, channel in enumerate(self.channels):
                channel.busy = channel.busy and not value >> index & 1
        else:
            super().write_register(offset, value)
            self._update()

    def _read_channel(self, channel: Channel, offset: int) -> int:
        name = ALIASES[offset >> 4][offset >> 2 & 3]
        if name == CTRL:
            return channel.control | channel.busy << self.bits.busy
        return channel.left if name == COUNT else getattr(channel, name)

    def _write_channel(self, index: int, offset: int, value: int) -> None:
        channel, name = self.channels[index], ALIASES[offset >> 4][offset >> 2 & 3]
        setattr(channel, name, value & ~(1 << self.bits.busy) if name == CTRL else value)
        if name == COUNT and value >> 28 and self.parameter("layout") == "rp2350":
            text = f"transfer count {value:#x}: self-triggering and endless modes are not modelled"
            raise UnsupportedError(f"{self.spec.name}: {text}")
        if offset >> 2 & 3 == 3:
            self._trigger(index, value)

    def _trigger(self, index: int, value: int) -> None:
        """A write to a trigger register: zero ends a chain, and a quiet channel tells it by its interrupt (2.5.6.3)."""
        if value:
            self._start(index)
        elif self.channels[index].control >> self.bits.quiet & 1:
            self.pending |= 1 << index
            self._update()

    def _start(self, index: int) -> None:
        channel = self.channels[index]
        if channel.busy or not channel.control & 1:
            return
        channel.busy, channel.left = True, channel.count
        request = channel.control >> self.bits.request & 0x3F
        if request == UNPACED:
            self.chip.at(self.chip.now() + channel.left, lambda: self._copy(index))
            return
        if FIRST_TIMER <= request < UNPACED:
            self._pace(index, request - FIRST_TIMER, Fraction(0))
            return
        names = self.parameter("requests", {})
        if str(request) not in names:
            raise UnsupportedError(
                f"{self.spec.name}: channel {index} waits for request {request}, which is not modelled; "
                f"allowed are {', '.join(f'{number} ({name})' for number, name in names.items())}, and {UNPACED} (unpaced)"
            )
        name, direction = names[str(request)].split(".")
        self.chip.at(self.chip.now() + 1, lambda: self._step(index, name, direction))

    def _pace(self, index: int, timer: int, late: Fraction) -> None:
        """One transfer for each Y/X core cycles of a pacing timer; ``late`` is the fraction of a cycle carried over."""
        channel, value = self.channels[index], self.stored(self.bits.timers + 4 * timer)
        if not channel.busy or not channel.left:
            self._finish(index)
            return
        if not value >> 16 or not value & 0xFFFF:
            return
        due = max(Fraction(value & 0xFFFF, value >> 16), Fraction(1)) + late

        def fire() -> None:
            if channel.busy:
                self._transfer(index)
                self._pace(index, timer, due - int(due))

        self.chip.at(self.chip.now() + int(due), fire)

    def _copy(self, index: int) -> None:
        channel = self.channels[index]
        while channel.busy and channel.left:
            self._transfer(index)
        self._finish(index)

    def _step(self, index: int, name: str, direction: str) -> None:
        """Serve a request for as long as it stands, then look again when the peripheral may have moved on."""
        channel, uart = self.channels[index], self.chip.peripheral(name)
        while channel.busy and channel.left and uart.requests(direction):
            self._transfer(index)
        if channel.busy and channel.left:
            self.chip.at(self.chip.now() + uart.character_cycles(), lambda: self._step(index, name, direction))
        else:
            self._finish(index)

    def _transfer(self, index: int) -> None:
        channel = self.channels[index]
        size = 1 << (channel.control >> 2 & 3)
        data = self.chip.read_memory(channel.read, size)
        if channel.control >> self.bits.swap & 1:
            data = data[::-1]
        self.chip.write_memory(channel.write, data)
        if channel.control >> self.bits.sniff & 1:
            self._sniff(index, data)
        channel.read = self._next(channel, channel.read, 4, 0, size)
        channel.write = self._next(channel, channel.write, self.bits.increment_write, 1, size)
        channel.left -= 1

    def _next(self, channel: Channel, address: int, bit: int, side: int, size: int) -> int:
        mode = channel.control >> bit & (3 if self.bits.reversible else 1)
        size *= INCREMENTS[mode]
        ring = channel.control >> self.bits.ring & 0xF
        mask = (1 << ring) - 1 if ring and channel.control >> (self.bits.ring + 4) & 1 == side else 0xFFFFFFFF
        return address & ~mask | (address + size) & mask

    def _sniff(self, index: int, data: bytes) -> None:
        """Words of more than one byte enter most significant bit first.  # unverified on silicon"""
        control = self.stored(self.bits.sniffer)
        if control & 1 and control >> 1 & 0xF == index:
            word = int.from_bytes(data, "big" if control >> 9 & 1 else "little")
            total = self.stored(self.bits.sniffer + 4)
            self.registers[self.bits.sniffer + 4] = checksum(control >> 5 & 0xF, total, word, 8 * len(data))

    def _sniffed(self) -> int:
        control, total = self.stored(self.bits.sniffer), self.stored(self.bits.sniffer + 4)
        total = reverse(total, 32) if control >> 10 & 1 else total
        return total ^ 0xFFFFFFFF if control >> 11 & 1 else total

    def _finish(self, index: int) -> None:
        channel = self.channels[index]
        if not channel.busy:
            return
        channel.busy = False
        if not channel.control >> self.bits.quiet & 1:
            self.pending |= 1 << index
        self._update()
        chained = channel.control >> self.bits.chain & 0xF
        if chained != index and chained < len(self.channels):
            self._start(chained)

    def _status(self, group: int) -> int:
        base = self.INTR + 0x10 * group
        return (self.pending | self.stored(base + 8)) & self.stored(base + 4)

    def _update(self) -> None:
        for group in range(self.bits.groups):
            self.interrupt(self._status(group), f"dma{group}")
