"""i.MX RT1060: pins, FlexRAM partition, FlexSPI.

Source: i.MX RT1060 Processor Reference Manual, rev. 3: GPIO chapter 12, IOMUXC_GPR 11.3, FlexRAM 30, FlexSPI 27.
"""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from mcusim.machine.peripherals.register_file import RegisterFile, offsets
from mcusim.machine.peripherals.stm32_flash import FlashTiming
from mcusim.pricing.memory import Chain

SET, CLEAR, TOGGLE = 4, 8, 12


class ViewedRegisters(RegisterFile):
    """Registers 16 bytes apart, each with set, clear and toggle views behind it. ``PLAIN`` lists those that have none."""

    PARAMETERS: ClassVar[frozenset[str]] = frozenset()
    PLAIN: ClassVar[frozenset[int]] = frozenset()

    def write(self, offset: int, size: int, value: int) -> None:
        register, view = offset & ~0xF, offset & 0xF
        if size == 4 and register not in self.PLAIN and view in (SET, CLEAR, TOGGLE):
            old = self.stored(register)
            value = {SET: old | value, CLEAR: old & ~value, TOGGLE: old ^ value}[view]
            offset = register
        super().write(offset, size, value)

    def read_register(self, offset: int) -> int:
        return super().read_register(offset if offset & ~0xF in self.PLAIN else offset & ~0xF)


class Port(RegisterFile):
    """GPIO: outputs read back, inputs read low. Nothing drives the pins, so no interrupt is ever raised."""

    PARAMETERS: ClassVar[frozenset[str]] = frozenset()
    DR, GDIR, PSR, ISR, SET, CLEAR, TOGGLE = 0x00, 0x04, 0x08, 0x18, 0x84, 0x88, 0x8C
    RESET = dict.fromkeys((DR, GDIR, 0x0C, 0x10, 0x14, 0x1C), 0)

    def change(self, ones: int, zeros: int, flips: int) -> None:
        self.registers[self.DR] = (self.stored(self.DR) | ones) & ~zeros ^ flips

    READS = {PSR: lambda self: self.stored(0x00) & self.stored(0x04), ISR: lambda self: 0}
    WRITES = {
        SET: lambda self, value: self.change(value, 0, 0),
        CLEAR: lambda self, value: self.change(0, value, 0),
        TOGGLE: lambda self, value: self.change(0, 0, value),
        ISR: lambda self, value: None,
    }


BANK_BYTES = 32 * 1024
UNUSED, OCRAM, DTCM, ITCM = range(4)


class PinMultiplexer(RegisterFile):
    """IOMUXC: functions, pads and input selections of pins, as storage.

    Source: i.MX RT1060 Reference Manual, IOMUXC memory map; sizes of the arrays from NXP's MIMXRT1062.h. The pads of JTAG and
    boot pins have other reset values than these.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset()
    RESET = {
        **dict.fromkeys(offsets(0x14, 124), 5),  # SW_MUX_CTL_PAD: GPIO
        **dict.fromkeys(offsets(0x204, 124), 0x10B0),  # SW_PAD_CTL_PAD
        **dict.fromkeys(offsets(0x3F4, 154), 0),  # SELECT_INPUT
    }


class GeneralPurpose(RegisterFile):
    """IOMUXC_GPR: storage; GPR16 and GPR17 partition the FlexRAM.

    ``partition`` tells bytes of ITCM, DTCM and OCRAM. Accesses outside the partition are not refused.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"fuse_partition"})
    GPR16, GPR17, FROM_REGISTER = 0x40, 0x44, 1 << 2
    RESET = {
        **dict.fromkeys(offsets(0, 35), 0),
        0x0C: 0xF0F0, 0x28: 7, 0x3C: 0xFFFFFFFF, GPR16: 0x00200003, 0x84: 7,
    }  # fmt: skip

    def partition(self) -> dict[str, int]:
        """Bytes of each use of the 16 FlexRAM banks."""
        used = self.stored(self.GPR16) & self.FROM_REGISTER
        config = self.stored(self.GPR17) if used else self.parameter("fuse_partition")
        kinds = [config >> 2 * bank & 3 for bank in range(16)]
        return {name: BANK_BYTES * kinds.count(kind) for name, kind in (("itcm", ITCM), ("dtcm", DTCM), ("ocram", OCRAM))}


class FlexSpi(RegisterFile):
    """FlexSPI: the timing of XIP reads, and commands that are done at once and read zeros.

    Parameters: ``hertz`` of the serial clock that the flash configuration block asks the boot ROM for, ``overhead_clocks``
    of command, address and dummy cycles, ``lanes`` data lines, ``line_bytes`` of one fetch, ``start_cycles`` of the core from
    the bus to the first serial clock, ``buffer_cycles`` of a line that is in the receive buffer already.

    A read ends with its first 8 bytes; the line's others follow. With AHBCR.PREFETCHEN the controller goes on behind them
    into its receive buffer, and a read right behind the last one waits only for what has not arrived. Not modelled: the
    buffer's size, and reads back into it.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset(
        {"hertz", "overhead_clocks", "lanes", "line_bytes", "start_cycles", "buffer_cycles"}
    )
    MCR0, AHBCR, INTR, IPCMD, STS0 = 0x00, 0x0C, 0x14, 0xB0, 0xE0
    SOFTWARE_RESET, COMMAND_DONE, PREFETCH = 1, 1, 1 << 5
    BEAT_BITS = 64
    IDLE = 3
    RESET = {
        MCR0: 0xFFFF80C2, 0x04: 0xFFFFFFFF, 0x08: 0x200081F7, AHBCR: 0x18, 0x10: 0, 0x18: 0, 0x1C: 0,
        **dict.fromkeys(offsets(0x20, 56), 0), **dict.fromkeys(offsets(0x200, 64), 0),
    }  # fmt: skip

    def reset_state(self) -> None:
        self.flags = 0

    def timing(self) -> FlashTiming:
        """A read of 8 bytes over the serial interface, as wait states of the core, and what follows it."""
        beat_clocks = self.BEAT_BITS // self.parameter("lanes")
        first = self._core_cycles(self.parameter("overhead_clocks") + beat_clocks) + self.parameter("start_cycles")
        beat, line = self._core_cycles(beat_clocks), self.parameter("line_bytes")
        chain = Chain(beat, self.parameter("buffer_cycles")) if self.stored(self.AHBCR) & self.PREFETCH else None
        return FlashTiming(
            wait_states=first, read_bytes=line, line_bytes=line, clock_bound=True, next_cycles=beat, chain=chain
        )  # fmt: skip

    def _core_cycles(self, clocks: int) -> int:
        return int(Fraction(clocks * self.chip.core_hertz(), self.parameter("hertz")))

    def write_bus_control(self, value: int) -> None:
        self.store(self.AHBCR, value)
        self.chip.timing_changed()

    def clock_changed(self) -> None:
        self.chip.timing_changed()

    def write_command(self, value: int) -> None:
        self.flags |= self.COMMAND_DONE

    def write_flags(self, value: int) -> None:
        self.flags &= ~value

    def write_control(self, value: int) -> None:
        self.store(self.MCR0, value & ~self.SOFTWARE_RESET)

    READS = {STS0: lambda self: FlexSpi.IDLE, INTR: lambda self: self.flags}
    WRITES = {IPCMD: write_command, INTR: write_flags, MCR0: write_control, AHBCR: write_bus_control}
