"""GPDMA and LPDMA of STM32U5, U3 and H5: channels with linked lists. Source: RM0456."""

from __future__ import annotations

from typing import ClassVar

from mcusim.boards.board import PeripheralSpec
from mcusim.machine.peripheral import Chip
from mcusim.machine.peripherals.register_file import RegisterFile
from mcusim.machine.peripherals.stm32_dmamux import is_requested

MISR = 0x0C
FIRST, STRIDE = 0x50, 0x80
CLBAR, CFCR, CSR, CCR = 0x00, 0x0C, 0x10, 0x14
CTR1, CTR2, CBR1, CSAR, CDAR, CTR3, CBR2, CLLR = 0x40, 0x44, 0x48, 0x4C, 0x50, 0x54, 0x58, 0x7C
REGISTERS = (CLBAR, CSR, CCR, CTR1, CTR2, CBR1, CSAR, CDAR, CTR3, CBR2, CLLR)
EN, RESET, SUSP = 1, 1 << 1, 1 << 2
IDLEF, TCF, HTF, SUSPF = 1, 1 << 8, 1 << 9, 1 << 13
FLAGS = 0x7F00
SINC, DINC = 1 << 3, 1 << 19
SWREQ = 1 << 9
LINKED = ((31, CTR1), (30, CTR2), (29, CBR1), (28, CSAR), (27, CDAR), (26, CTR3), (25, CBR2), (16, CLLR))
"""Update bits of CLLR and the registers that they load, in order of memory (RM0456)."""


class GpdmaChannel:
    """One channel: a block in progress, and the list behind it."""

    def __init__(self, controller: LinkedDma, index: int) -> None:
        self.controller, self.index = controller, index
        self.base = FIRST + STRIDE * index
        self.total = 0

    def stored(self, register: int) -> int:
        """A register of this channel."""
        return self.controller.stored(self.base + register)

    def store(self, register: int, value: int) -> None:
        """Set a register of this channel as hardware does."""
        self.controller.registers[self.base + register] = value

    def enable(self) -> None:
        """EN was set: start the block that the registers describe, or load the first one."""
        self.store(CSR, self.stored(CSR) & ~IDLEF)
        if not self.stored(CBR1) & 0xFFFF:
            self._load_next()
        self.total = self.stored(CBR1) & 0xFFFF

    def active(self) -> bool:
        """Enabled, with bytes left."""
        return bool(self.stored(CCR) & EN and not self.stored(CCR) & SUSP and self.stored(CBR1) & 0xFFFF)

    def transfer(self) -> None:
        """Move one item of the source's width."""
        control, left = self.stored(CTR1), self.stored(CBR1) & 0xFFFF
        width = min(1 << (control & 3), left)
        source, target = self.stored(CSAR), self.stored(CDAR)
        target_width = 1 << (control >> 16 & 3)
        data = self.controller.chip.read_memory(source, width)
        self.controller.chip.write_memory(target, data[:target_width].ljust(target_width, b"\0"))
        self.store(CSAR, source + width if control & SINC else source)
        self.store(CDAR, target + target_width if control & DINC else target)
        self.store(CBR1, self.stored(CBR1) & ~0xFFFF | left - width)
        if left - width <= self.total // 2 < left:
            self.raise_flag(HTF)
        if left == width:
            self._finish_block()

    def raise_flag(self, flag: int) -> None:
        """Set a status flag."""
        self.store(CSR, self.stored(CSR) | flag)

    def _finish_block(self) -> None:
        mode = self.stored(CTR2) >> 30 & 3
        linked = self._load_next()
        if mode in (0, 2) or not linked:  # TCEM: at each block, at each list item, or at the end of the list
            self.raise_flag(TCF)
        if linked and not self.stored(CCR) & 1 << 16:
            self.total = self.stored(CBR1) & 0xFFFF
        else:
            self.stop()

    def stop(self) -> None:
        """The channel is idle."""
        self.store(CCR, self.stored(CCR) & ~(EN | SUSP))
        self.raise_flag(IDLEF)

    def _load_next(self) -> bool:
        """Load the next list item; False at the end of the list (CLLR is 0)."""
        link = self.stored(CLLR)
        if not link:
            return False
        place = self.stored(CLBAR) & 0xFFFF0000 | link & 0xFFFC
        if not link & 1 << 16:
            self.store(CLLR, 0)
        for bit, register in LINKED:
            if link >> bit & 1 and not (register in (CTR3, CBR2) and not self.controller.has_two_dimensions(self.index)):
                self.store(register, int.from_bytes(self.controller.chip.read_memory(place, 4), "little"))
                place += 4
        return True


class LinkedDma(RegisterFile):
    """GPDMA: channels that serve peripherals item by item, as they ask. Transfers take no time on the bus.

    ``channels`` is their number, ``requests`` maps a request number to "peripheral.line", ``two_dimensional`` is the
    first channel with CTR3 and CBR2. Interrupt lines are named by channel, "0" up. Not modelled: triggers,
    two-dimensional and repeated addressing, data handling (padding other than zeros, byte exchange), errors.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"channels", "requests", "two_dimensional"})
    READS: ClassVar = {MISR: lambda self: sum(self._active(index) << index for index in range(len(self.channels)))}

    def __init__(self, chip: Chip, spec: PeripheralSpec) -> None:
        self.channels = [GpdmaChannel(self, index) for index in range(spec.parameters.get("channels", 16))]
        self._serving = False
        super().__init__(chip, spec)

    def reset_state(self) -> None:
        self.registers.update({0x00: 0, 0x04: 0, 0x08: 0})
        for channel in self.channels:
            self.registers.update({channel.base + register: 0 for register in REGISTERS})
            channel.store(CSR, IDLEF)
        self._drive()

    def has_two_dimensions(self, index: int) -> bool:
        """Whether a channel has the registers CTR3 and CBR2."""
        return index >= self.parameter("two_dimensional", len(self.channels))

    def read_register(self, offset: int) -> int:
        if offset >= FIRST and (offset - FIRST) % STRIDE == CFCR:
            return 0
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        index, register = divmod(offset - FIRST, STRIDE)
        if offset < FIRST or index >= len(self.channels) or register not in (CFCR, CSR, CCR):
            super().write_register(offset, value)
            return
        channel = self.channels[index]
        if register == CFCR:
            channel.store(CSR, channel.stored(CSR) & ~(value & FLAGS))
        elif register == CCR:
            self._control(channel, value)
        self._drive()

    def _control(self, channel: GpdmaChannel, value: int) -> None:
        before = channel.stored(CCR)
        channel.store(CCR, value & ~RESET | before & EN)
        if value & RESET:
            channel.stop()
        elif value & EN and not before & EN:
            channel.enable()
        elif value & SUSP and not before & SUSP:
            channel.raise_flag(SUSPF | (0 if before & EN else IDLEF))
        self.serve()

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

    def _requested(self, channel: GpdmaChannel) -> bool:
        control = channel.stored(CTR2)
        if control & SWREQ:
            return True
        source = self.parameter("requests", {}).get(str(control & 0x7F))
        return source is not None and is_requested(self.chip, source)

    def _active(self, index: int) -> bool:
        channel = self.channels[index]
        return bool(channel.stored(CSR) & channel.stored(CCR) & FLAGS)  # flags and enables stand at the same bits

    def _drive(self) -> None:
        for line in self.spec.interrupts:
            self.interrupt(self._active(int(line)), line)
