"""DMA of STM32F4, F7 and H7: streams. Sources: RM0090, RM0385, RM0433."""

from __future__ import annotations

from typing import ClassVar

from mcusim.boards.board import PeripheralSpec
from mcusim.machine.peripheral import Chip
from mcusim.machine.peripherals.register_file import RegisterFile
from mcusim.machine.peripherals.stm32_dmamux import is_requested

LISR, HISR, LIFCR, HIFCR = 0x00, 0x04, 0x08, 0x0C
FIRST, STRIDE, STREAMS = 0x10, 0x18, 8
CR, NDTR, PAR, M0AR, M1AR, FCR = range(0x00, 0x18, 4)
EN, TEIE, HTIE, TCIE, CIRC, PINC, MINC, DBM, CT = (1 << bit for bit in (0, 2, 3, 4, 8, 9, 10, 18, 19))
TEIF, HTIF, TCIF = 1 << 3, 1 << 4, 1 << 5
FROM_PERIPHERAL, TO_PERIPHERAL, MEMORY_TO_MEMORY = 0, 1, 2
SHIFTS = (0, 6, 16, 22)
"""Lowest flag bit of streams 0 to 3 in LISR, and of 4 to 7 in HISR (RM0090)."""


class DmaStream:
    """One stream: where it stands in its transfer."""

    def __init__(self, controller: StreamDma, index: int) -> None:
        self.controller, self.index = controller, index
        self.base = FIRST + STRIDE * index
        self.peripheral = self.memory = self.total = self.left = 0

    def stored(self, register: int) -> int:
        """A register of this stream."""
        return self.controller.stored(self.base + register)

    def enable(self) -> None:
        """EN was set: take over addresses and count."""
        self.total = self.stored(NDTR) & 0xFFFF
        self._rewind()

    def _rewind(self) -> None:
        self.left = self.total
        self.controller.registers[self.base + NDTR] = self.total
        self.peripheral = self.stored(PAR)
        self.memory = self.stored(M1AR if self.stored(CR) & CT else M0AR)

    @property
    def direction(self) -> int:
        """CR.DIR."""
        return self.stored(CR) >> 6 & 3

    def active(self) -> bool:
        """Enabled, with items left."""
        return bool(self.stored(CR) & EN and self.left)

    def transfer(self) -> None:
        """Move one item of the peripheral's width (FIFO packing keeps the bytes in order)."""
        control = self.stored(CR)
        width = 1 << (control >> 11 & 3)
        source, target = (self.memory, self.peripheral) if self.direction == TO_PERIPHERAL else (self.peripheral, self.memory)
        self.controller.chip.write_memory(target, self.controller.chip.read_memory(source, width))
        self.peripheral += width if control & PINC else 0
        self.memory += width if control & MINC else 0
        self.left -= 1
        self.controller.registers[self.base + NDTR] = self.left
        if self.left == self.total // 2 and self.total > 1:
            self.controller.raise_flag(self.index, HTIF)
        if not self.left:
            self._finish()

    def _finish(self) -> None:
        control = self.stored(CR)
        if control & DBM:
            control ^= CT
        if not control & (CIRC | DBM):
            control &= ~EN
        self.controller.registers[self.base + CR] = control
        if control & EN:
            self._rewind()
        self.controller.raise_flag(self.index, TCIF)


class StreamDma(RegisterFile):
    """A DMA controller whose streams serve peripherals item by item, as they ask. Transfers take no time on the bus.

    ``requests`` maps "stream.channel" to "peripheral.line" (F4, F7); ``mux`` and ``mux_channel`` name the request
    multiplexer and its channel of stream 0 instead (H7). Interrupt lines are named "0" to "7". Not modelled: bursts,
    errors, peripheral flow control.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"requests", "mux", "mux_channel"})
    READS: ClassVar = {
        LISR: lambda self: self._status(0), HISR: lambda self: self._status(4),
        LIFCR: lambda self: 0, HIFCR: lambda self: 0,
    }  # fmt: skip
    WRITES: ClassVar = {
        LIFCR: lambda self, value: self._clear(0, value), HIFCR: lambda self, value: self._clear(4, value),
        LISR: lambda self, value: None, HISR: lambda self, value: None,
    }  # fmt: skip

    def __init__(self, chip: Chip, spec: PeripheralSpec) -> None:
        self.streams = [DmaStream(self, index) for index in range(STREAMS)]
        self._serving = False
        super().__init__(chip, spec)

    def reset_state(self) -> None:
        self.flags = [0] * STREAMS
        for stream in self.streams:
            self.registers.update({stream.base + offset: 0 for offset in (CR, NDTR, PAR, M0AR, M1AR)})
            self.registers[stream.base + FCR] = 0x21  # RM0090
        self._drive()

    def write_register(self, offset: int, value: int) -> None:
        index, register = divmod(offset - FIRST, STRIDE)
        before = self.stored(offset)
        super().write_register(offset, value)
        if offset >= FIRST and register == CR and index < STREAMS:
            if value & EN and not before & EN:
                self.streams[index].enable()
            self.serve()
        self._drive()

    def serve(self) -> None:
        """Transfer while a request stands; called by peripherals that ask."""
        if self._serving:
            return
        self._serving = True
        try:
            for stream in self.streams:
                while stream.active() and self._requested(stream):
                    stream.transfer()
        finally:
            self._serving = False
        self._drive()

    def _requested(self, stream: DmaStream) -> bool:
        if stream.direction == MEMORY_TO_MEMORY:
            return True
        if self.parameter("mux"):
            return self.chip.peripheral(self.parameter("mux")).requested(self.parameter("mux_channel", 0) + stream.index)
        channel = stream.stored(CR) >> 25 & 7
        source = self.parameter("requests", {}).get(f"{stream.index}.{channel}")
        return source is not None and is_requested(self.chip, source)

    def raise_flag(self, index: int, flag: int) -> None:
        """Set a flag of stream ``index``."""
        self.flags[index] |= flag

    def _status(self, first: int) -> int:
        return sum(self.flags[first + index] << shift for index, shift in enumerate(SHIFTS))

    def _clear(self, first: int, value: int) -> None:
        for index, shift in enumerate(SHIFTS):
            self.flags[first + index] &= ~(value >> shift)

    def _drive(self) -> None:
        for line in self.spec.interrupts:
            control, flags = self.stored(FIRST + STRIDE * int(line)), self.flags[int(line)]
            pairs = ((TCIE, TCIF), (HTIE, HTIF), (TEIE, TEIF))
            self.interrupt(any(control & enable and flags & flag for enable, flag in pairs), line)
