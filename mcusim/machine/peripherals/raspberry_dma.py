"""DMA of the RP chips: channels, chaining, rings, byte swap, interrupts.

Sources: RP2040 Datasheet 2.5; RP2350 Datasheet 12.6.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    groups: int
    triggers: int
    abort: int
    ring_bits: int = 4


LAYOUTS = {
    "rp2040": Layout(5, 6, 11, 15, 21, 22, 24, groups=2, triggers=0x430, abort=0x444),
    "rp2350": Layout(6, 8, 13, 17, 23, 24, 26, groups=4, triggers=0x450, abort=0x464),
}


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

    An unpaced block is copied as a whole when its last cycle is reached. Sniffing, pacing timers, self-triggering counts
    and endless mode are not modelled; a request that is not listed stops the run with UnsupportedError.
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
        self.registers |= dict.fromkeys([*self.enables, *self.forces], 0)

    def read_register(self, offset: int) -> int:
        if offset < STRIDE * len(self.channels):
            return self._read_channel(self.channels[offset // STRIDE], offset % STRIDE)
        if offset in self.raws:
            return self.pending
        if offset in self.statuses:
            return self._status(self.statuses[offset])
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
        if offset >> 2 & 3 == 3 and value:
            self._start(index)

    def _start(self, index: int) -> None:
        channel = self.channels[index]
        if channel.busy or not channel.control & 1:
            return
        channel.busy, channel.left = True, channel.count
        request = channel.control >> self.bits.request & 0x3F
        if request == UNPACED:
            self.chip.at(self.chip.now() + channel.left, lambda: self._copy(index))
            return
        names = self.parameter("requests", {})
        if str(request) not in names:
            raise UnsupportedError(
                f"{self.spec.name}: channel {index} waits for request {request}, which is not modelled; "
                f"allowed are {', '.join(f'{number} ({name})' for number, name in names.items())}, and {UNPACED} (unpaced)"
            )
        self._step(index, *names[str(request)].split("."))

    def _copy(self, index: int) -> None:
        channel = self.channels[index]
        while channel.busy and channel.left:
            self._transfer(channel)
        self._finish(index)

    def _step(self, index: int, name: str, direction: str) -> None:
        """Serve a request for as long as it stands, then look again when the peripheral may have moved on."""
        channel, uart = self.channels[index], self.chip.peripheral(name)
        while channel.busy and channel.left and uart.requests(direction):
            self._transfer(channel)
        if channel.busy and channel.left:
            self.chip.at(self.chip.now() + uart.character_cycles(), lambda: self._step(index, name, direction))
        else:
            self._finish(index)

    def _transfer(self, channel: Channel) -> None:
        size = 1 << (channel.control >> 2 & 3)
        data = self.chip.read_memory(channel.read, size)
        swap = channel.control >> self.bits.swap & 1
        self.chip.write_memory(channel.write, data[::-1] if swap else data)
        channel.read = self._next(channel, channel.read, 4, 0, size)
        channel.write = self._next(channel, channel.write, self.bits.increment_write, 1, size)
        channel.left -= 1

    def _next(self, channel: Channel, address: int, bit: int, side: int, size: int) -> int:
        if not channel.control >> bit & 1:
            return address
        ring = channel.control >> self.bits.ring & 0xF
        mask = (1 << ring) - 1 if ring and channel.control >> (self.bits.ring + 4) & 1 == side else 0xFFFFFFFF
        return address & ~mask | (address + size) & mask

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
