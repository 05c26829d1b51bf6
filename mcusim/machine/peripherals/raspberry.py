"""RP2040 and RP2350: what all their register blocks share, resets, power-on state machine, identification, pins.

Sources: RP2040 Datasheet (build 2024), RP2350 Datasheet (build 2025); section numbers below are those of the RP2040 one.
"""

from __future__ import annotations

from typing import ClassVar

from mcusim.machine.peripherals.register_file import RegisterFile, offsets

# Datasheet 2.1.2: the upper address bits 13:12 of a block choose what a write does.
NORMAL, XOR, SET, CLEAR = 0x0000, 0x1000, 0x2000, 0x3000
ALIAS = 0x3000
COMBINE = {
    NORMAL: lambda old, value: value,
    XOR: lambda old, value: old ^ value,
    SET: lambda old, value: old | value,
    CLEAR: lambda old, value: old & ~value,
}

REPLICATE = {1: 0x01010101, 2: 0x00010001, 4: 1}


class RaspberryRegisters(RegisterFile):
    """A block on the APB or AHB of an RP chip: atomic aliases, and narrow writes that appear on all byte lanes.

    The narrow write is the datasheet's 2.1.4: the bus replicates the datum and the block takes the whole word.
    """

    def read(self, offset: int, size: int) -> int:
        word = self.read_register(offset & ~ALIAS & ~3)
        return word if size == 4 else word >> 8 * (offset & 3) & ((1 << 8 * size) - 1)

    def write(self, offset: int, size: int, value: int) -> None:
        word = (value & ((1 << (8 * size)) - 1)) * REPLICATE[size]
        register, alias = offset & ~ALIAS & ~3, offset & ALIAS
        old = self.value_for_alias(register) if alias else 0
        self.write_register(register, COMBINE[alias](old, word) & 0xFFFFFFFF)

    def value_for_alias(self, offset: int) -> int:
        """What a set, clear or xor write combines with: the readable value, without side effects of a read."""
        return self.stored(offset)


class PlainRegisters(RaspberryRegisters):
    """A block of storage with documented reset values (parameter ``reset``) and constant bits.

    Parameter ``ones``: bits that always read 1, by offset (ready flags of functions that are not modelled).
    Parameter ``banks``: ``[first, count, stride, value]`` rows of equal reset values.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"ones", "banks"})

    def reset_registers(self) -> None:
        super().reset_registers()
        for first, count, stride, value in self.parameter("banks", ()):
            for offset in offsets(first, count, stride):
                self.registers.setdefault(offset, value)
        self.ones = {int(offset, 0): bits for offset, bits in self.parameter("ones", {}).items()}

    def read_register(self, offset: int) -> int:
        return super().read_register(offset) | self.ones.get(offset, 0)


class ProgrammableIo(PlainRegisters):
    """PIO (chapter 3): storage. Its programs do not run, which a warning says: data for them vanish, and none ever come."""

    CTRL = 0x0

    def write_register(self, offset: int, value: int) -> None:
        started = offset == self.CTRL and value & ~self.stored(self.CTRL) & 0xF
        super().write_register(offset, value & 0xF if offset == self.CTRL else value)
        if started:
            self.chip.warn(f"{self.spec.name}: state machines are started, but PIO programs are not modelled")


class Resets(RaspberryRegisters):
    """RESETS (2.14): a peripheral held in reset has its reset values; RESET_DONE follows at once.

    Parameters: ``mask`` all implemented bits, ``released`` bits that the boot ROM has released, ``lines`` peripheral name to
    bit number. The few clk_sys cycles until RESET_DONE are not modelled.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"mask", "released", "lines"})

    RESET = {0x4: 0}

    def reset_state(self) -> None:
        self.held = self.parameter("mask") & ~self.parameter("released", 0)

    def value_for_alias(self, offset: int) -> int:
        return self.held if offset == 0 else self.stored(offset)

    def read_held(self) -> int:
        return self.held

    def write_held(self, value: int) -> None:
        value &= self.parameter("mask")
        newly, self.held = value & ~self.held, value
        for name, bit in self.parameter("lines", {}).items():
            if newly >> bit & 1:
                self.chip.peripheral(name).reset_registers()

    def read_done(self) -> int:
        return self.parameter("mask") & ~self.held

    READS = {0x0: read_held, 0x8: read_done}
    WRITES = {0x0: write_held}


class PowerOn(RaspberryRegisters):
    """PSM (2.13): DONE shows what is not forced off. Parameter ``mask``: all stages."""

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"mask"})

    RESET = {0x0: 0, 0x4: 0, 0x8: 0}

    def read_done(self) -> int:
        return self.parameter("mask") & ~self.stored(0x4)

    READS = {0xC: read_done}


class StripedBanks(RegisterFile):
    """SRAM0..3 seen one after the other at 0x21000000 (2.6.2): the same bytes as the striped view, not the same order.

    Parameters: ``striped`` base address of the striped view, ``bank_size`` in bytes. Instruction fetch is not modelled.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"striped", "bank_size"})

    def striped(self, offset: int) -> int:
        bank, inside = divmod(offset, self.parameter("bank_size"))
        return self.parameter("striped") + (inside // 4 * 4 + bank) * 4 + inside % 4

    def read(self, offset: int, size: int) -> int:
        return int.from_bytes(self.chip.read_memory(self.striped(offset), size), "little")

    def write(self, offset: int, size: int, value: int) -> None:
        self.chip.write_memory(self.striped(offset), (value & ((1 << 8 * size) - 1)).to_bytes(size, "little"))


class Pins(RaspberryRegisters):
    """IO_BANK0 / IO_QSPI (2.19): function select and interrupt registers of the pins.

    Parameter ``count``: number of pins; ``select``: name of the flash interface whose chip select is pin 1, or none.
    Pin interrupts are not modelled (nothing drives the pins); the STATUS registers read 0.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"count", "select", "interrupt_words"})

    FUNCTION_NULL = 0x1F
    SELECT_CONTROL = 0x0C

    def reset_registers(self) -> None:
        super().reset_registers()
        count = self.parameter("count")
        self.registers |= dict.fromkeys(offsets(0, count, 8), 0)
        self.registers |= dict.fromkeys(offsets(4, count, 8), self.FUNCTION_NULL)
        self.registers |= dict.fromkeys(offsets(8 * count, self.parameter("interrupt_words", 0)), 0)

    def write_register(self, offset: int, value: int) -> None:
        super().write_register(offset, value)
        if offset == self.SELECT_CONTROL and self.parameter("select"):
            self.chip.peripheral(self.parameter("select")).force_select(value >> 8 & 3)


class Pads(RaspberryRegisters):
    """PADS_BANK0 / PADS_QSPI (2.19.6.3): pad controls; ``pulled_up`` tells SIO what an undriven pin reads."""

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"count", "pad"})

    def reset_registers(self) -> None:
        super().reset_registers()
        self.registers.setdefault(0, 0)
        for offset in offsets(4, self.parameter("count")):
            self.registers.setdefault(offset, self.parameter("pad"))

    def pulled_up(self) -> int:
        """One bit for each pin with its pull-up on."""
        return sum(1 << index for index, offset in enumerate(offsets(4, self.parameter("count"))) if self.stored(offset) & 8)


class BootRam(RegisterFile):
    """BOOTRAM of RP2350 (4.3): 1 KiB with the atomic aliases and byte lanes, write-once words, and boot locks.

    Parameter ``words``: what the boot ROM leaves, by offset.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"words"})
    SIZE, WRITE_ONCE, LOCK_STATUS, LOCKS = 0x400, 0x800, 0x808, 0x80C

    def reset_state(self) -> None:
        self.registers |= dict.fromkeys(range(0, self.SIZE, 4), 0)
        self.registers |= {self.WRITE_ONCE: 0, self.WRITE_ONCE + 4: 0}
        self.registers |= {int(offset, 0): value for offset, value in self.parameter("words", {}).items()}
        self.free = 0xFF

    def read(self, offset: int, size: int) -> int:
        return super().read(offset & ~ALIAS, size)

    def write(self, offset: int, size: int, value: int) -> None:
        register, alias = offset & ~ALIAS, offset & ALIAS
        if alias:
            lane = 8 * (register & 3)
            old = self.stored(register & ~3) >> lane & ((1 << 8 * size) - 1)
            value = COMBINE[alias](old, value)
        super().write(register, size, value)

    def read_register(self, offset: int) -> int:
        if offset == self.LOCK_STATUS:
            return self.free
        index = (offset - self.LOCKS) // 4
        if 0 <= index < 8:
            claimed = self.free & (1 << index)
            self.free &= ~claimed
            return claimed
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        index = (offset - self.LOCKS) // 4
        if offset == self.LOCK_STATUS:
            self.free = value & 0xFF
        elif 0 <= index < 8:
            self.free |= 1 << index
        else:
            super().write_register(offset, value)


class RandomNumbers(RaspberryRegisters):
    """TRNG of RP2350 (12.12): 192 bits at a time, always ready; a fixed pseudo-random sequence, so that runs repeat exactly."""

    IMR, ISR, ICR, VALID, DATA, ENABLE, BUSY = 0x100, 0x104, 0x108, 0x110, 0x114, 0x12C, 0x1B8
    RESET = {
        IMR: 0xF, 0x10C: 0, ENABLE: 0, 0x130: 0xFFFF, 0x134: 0, 0x138: 0, 0x140: 0, 0x1B4: 0, 0x1BC: 0, 0x1C0: 0x40,
        0x1E0: 0, 0x1E4: 0, 0x1E8: 0,
    }  # fmt: skip

    PARAMETERS: ClassVar[frozenset[str]] = frozenset()

    def reset_state(self) -> None:
        self.state = 0x2545F491

    def read_valid(self) -> int:
        return self.stored(self.ENABLE) & 1

    def read_register(self, offset: int) -> int:
        if self.DATA <= offset < self.ENABLE:
            for shift in (13, -17, 5):
                self.state ^= (self.state << shift if shift > 0 else self.state >> -shift) & 0xFFFFFFFF
            return self.state
        return super().read_register(offset)

    READS = {ISR: read_valid, VALID: read_valid, BUSY: lambda self: 0}
    WRITES = {ICR: lambda self, value: None}
