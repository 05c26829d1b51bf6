"""DMA of STM32L4, L4+, G0 and the BDMA of H7: channels. Sources: RM0432, RM0444, RM0433."""

from __future__ import annotations

from typing import ClassVar

from mcusim.boards.board import PeripheralSpec
from mcusim.machine.peripheral import Chip
from mcusim.machine.peripherals.register_file import RegisterFile

ISR, IFCR = 0x00, 0x04
FIRST, STRIDE = 0x08, 0x14
CCR, CNDTR, CPAR, CMAR, CM1AR = 0x00, 0x04, 0x08, 0x0C, 0x10
EN, TCIE, HTIE, TEIE, DIR, CIRC, PINC, MINC, MEM2MEM = (1 << bit for bit in (0, 1, 2, 3, 4, 5, 6, 7, 14))
GIF, TCIF, HTIF, TEIF = 1, 2, 4, 8


class DmaChannel:
    """One channel: where it stands in its transfer."""

    def __init__(self, controller: ChannelDma, index: int) -> None:
        self.controller, self.index = controller, index
        self.base = FIRST + STRIDE * index
        self.peripheral = self.memory = self.total = 0

    def stored(self, register: int) -> int:
        """A register of this channel."""
        return self.controller.stored(self.base + register)

    def enable(self) -> None:
        """EN was set: take over addresses and count."""
        self.peripheral, self.memory = self.stored(CPAR), self.stored(CMAR)
        self.total = self.stored(CNDTR) & 0xFFFF

    def active(self) -> bool:
        """Enabled, with items left."""
        return bool(self.stored(CCR) & EN and self.stored(CNDTR) & 0xFFFF)

    def transfer(self) -> None:
        """Move one item."""
        control = self.stored(CCR)
        sizes = 1 << (control >> 8 & 3), 1 << (control >> 10 & 3)
        places = (self.peripheral, sizes[0]), (self.memory, sizes[1])
        (source, width), (target, target_width) = places[::-1] if control & DIR else places
        chip = self.controller.chip
        data = chip.read_memory(source, width)[:target_width]
        chip.write_memory(target, data.ljust(target_width, b"\0"))  # RM0432: zero-extended or cut
        self.peripheral += sizes[0] if control & PINC else 0
        self.memory += sizes[1] if control & MINC else 0
        self._count_down()

    def _count_down(self) -> None:
        left = (self.stored(CNDTR) & 0xFFFF) - 1
        self.controller.registers[self.base + CNDTR] = left
        if left == self.total // 2 and self.total > 1:
            self.controller.raise_flag(self.index, HTIF)
        if not left:
            self._finish()

    def _finish(self) -> None:
        if self.stored(CCR) & CIRC:
            self.controller.registers[self.base + CNDTR] = self.total
            self.peripheral, self.memory = self.stored(CPAR), self.stored(CMAR)
        self.controller.raise_flag(self.index, TCIF)


class ChannelDma(RegisterFile):
    """A DMA controller whose channels serve peripherals item by item, as they ask. Transfers take no time on the bus.

    ``channels`` is their number, ``mux`` the request multiplexer, ``mux_channel`` the multiplexer's channel of
    channel 1. Interrupt lines are named "1", "2-3": the channels they serve. Not modelled: double buffer, transfer
    errors.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"channels", "mux", "mux_channel"})
    READS: ClassVar = {ISR: lambda self: self.flags, IFCR: lambda self: 0}
    WRITES: ClassVar = {IFCR: lambda self, value: self._clear(value), ISR: lambda self, value: None}

    def __init__(self, chip: Chip, spec: PeripheralSpec) -> None:
        self.channels = [DmaChannel(self, index) for index in range(spec.parameters.get("channels", 7))]
        self._serving = False
        super().__init__(chip, spec)

    def reset_state(self) -> None:
        self.flags = 0
        for channel in self.channels:
            self.registers.update({channel.base + offset: 0 for offset in (CCR, CNDTR, CPAR, CMAR, CM1AR)})
        self._drive()

    def write_register(self, offset: int, value: int) -> None:
        index, register = divmod(offset - FIRST, STRIDE)
        before = self.stored(offset)
        super().write_register(offset, value)
        if offset >= FIRST and register == CCR and index < len(self.channels):
            if value & EN and not before & EN:
                self.channels[index].enable()
            self.serve()
        self._drive()

    def serve(self) -> None:
        """Transfer while a request stands; called by peripherals that ask."""
        if self._serving:
            return
        self._serving = True
        try:
            for channel in self.channels:
                while channel.active() and self._requested(channel):
                    channel.transfer()
        finally:
            self._serving = False
        self._drive()

    def _requested(self, channel: DmaChannel) -> bool:
        if channel.stored(CCR) & MEM2MEM:
            return True
        multiplexer = self.chip.peripheral(self.parameter("mux"))
        return multiplexer.requested(self.parameter("mux_channel", 0) + channel.index)

    def raise_flag(self, index: int, flag: int) -> None:
        """Set a flag of channel ``index``, and its global flag."""
        self.flags |= (flag | GIF) << 4 * index

    def _clear(self, value: int) -> None:
        for index in range(len(self.channels)):
            bits = value >> 4 * index & 15
            self.flags &= ~((15 if bits & GIF else bits) << 4 * index)
            if not self.flags >> 4 * index & (TCIF | HTIF | TEIF):
                self.flags &= ~(GIF << 4 * index)

    def _active(self, index: int) -> bool:
        enabled = self.stored(FIRST + STRIDE * index) & (TCIE | HTIE | TEIE)
        return bool(self.flags >> 4 * index & enabled)  # enables and flags stand at the same three bits

    def _drive(self) -> None:
        for line in self.spec.interrupts:
            first, _, last = line.partition("-")
            self.interrupt(any(self._active(index - 1) for index in range(int(first), int(last or first) + 1)), line)
