"""SIO of the RP chips: pins, spinlocks, the mailbox to the second core, and RP2040's divider.

Sources: RP2040 Datasheet 2.3.1; RP2350 Datasheet 3.1.
"""

from __future__ import annotations

from typing import ClassVar

from mcusim.errors import UnsupportedError
from mcusim.machine.coprocessor import Transfer
from mcusim.machine.peripherals.raspberry_interpolator import Interpolator
from mcusim.machine.peripherals.register_file import RegisterFile

FIFO_READY = 2
DIVIDE_CYCLES = 8
READY, DIRTY = 1, 2
WORD = 0xFFFFFFFF


def signed(word: int) -> int:
    return word - (1 << 32) if word >> 31 else word


def divide_unsigned(dividend: int, divisor: int) -> tuple[int, int]:
    """Quotient and remainder as the divider gives them; division by 0 as in 2.3.1.5."""
    return divmod(dividend, divisor) if divisor else (WORD, dividend)


def divide_signed(dividend: int, divisor: int) -> tuple[int, int]:
    """Signed quotient, rounded to zero, and remainder, both as 32-bit words; division by 0 gives -1 or 1."""
    a, b = signed(dividend), signed(divisor)
    if not b:
        return (1 if a < 0 else WORD), dividend
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return quotient & WORD, (a - quotient * b) & WORD


class PinBank:
    """32 pins: output level and enable, each with set, clear and xor registers; an undriven pin reads its pull-up."""

    def __init__(self, mask: int) -> None:
        self.mask = mask
        self.out, self.enable = 0, 0

    def write(self, name: str, operation: str, value: int) -> None:
        old = getattr(self, name)
        new = {"put": value, "set": old | value, "clear": old & ~value, "xor": old ^ value}[operation]
        setattr(self, name, new & self.mask)

    def levels(self, pulled_up: int) -> int:
        return (self.out & self.enable | pulled_up & ~self.enable) & self.mask


# Offset of the first register: (bank, which register, operation). 2.3.1.7 and RP2350 3.1.11.
OPERATIONS = ("put", "set", "clear", "xor")
PINS = {
    "rp2040": {
        0x10 + 0x10 * group + 4 * index: (bank, name, operation)
        for group, (bank, name) in enumerate(((0, "out"), (0, "enable"), (1, "out"), (1, "enable")))
        for index, operation in enumerate(OPERATIONS)
    },
    "rp2350": {
        0x10 + 0x20 * group + 8 * index + 4 * bank: (bank, name, operation)
        for group, name in enumerate(("out", "enable"))
        for index, operation in enumerate(OPERATIONS)
        for bank in (0, 1)
    },
}


COPROCESSOR_REGISTERS = {0: "out", 4: "enable", 8: "levels"}
COPROCESSOR_OPERATIONS = ("put", "xor", "set", "clear")


class SingleCycleIo(RegisterFile):
    """SIO as core 0 sees it. The second core is never started: starting it stops the run with UnsupportedError.

    Parameters: ``layout``, ``pads`` and ``flash_pads`` names of the pad blocks. The mailbox reads empty. TMDS encoder and
    doorbells are storage.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"layout", "pads", "flash_pads"})

    def reset_state(self) -> None:
        self.layout = self.parameter("layout")
        # GPIO_HI: QSPI pins only on RP2040; on RP2350 also USB (24, 25) and QSPI (26-31).
        masks = {"rp2040": (0x3FFFFFFF, 0x3F), "rp2350": (WORD, 0xFF00FFFF)}[self.layout]
        self.banks = tuple(PinBank(mask) for mask in masks)
        self.pins = PINS[self.layout]
        self.locks = 0
        self.quotient, self.remainder, self.ready_at, self.dirty = 0, 0, 0, 0
        self.operands = {0x60: 0, 0x64: 0}
        self.interpolators = tuple(Interpolator(self.layout == "rp2350", blends) for blends in (True, False))

    def read_pins(self, bank: int) -> int:
        pads = self.parameter("flash_pads" if bank else "pads")
        pulled_up = self.chip.peripheral(pads).pulled_up() if pads else 0
        # The flash chip select is pulled up; a BOOTSEL button that nobody presses reads 1.
        select = {"rp2040": 1 << 1, "rp2350": 1 << 27}[self.layout] if bank else 0
        return self.banks[bank].levels(pulled_up | select)

    def read_register(self, offset: int) -> int:
        if offset in self.pins:
            bank, name, _ = self.pins[offset]
            return getattr(self.banks[bank], name)
        if 0x100 <= offset < 0x180:
            return self._claim((offset - 0x100) // 4)
        if 0x80 <= offset < 0x100:
            return self.interpolators[offset >> 6 & 1].read(offset & 0x3F)
        if self.layout == "rp2040" and offset in DIVIDER_READS:
            return DIVIDER_READS[offset](self)
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        if offset in self.pins:
            bank, name, operation = self.pins[offset]
            self.banks[bank].write(name, operation, value)
        elif 0x100 <= offset < 0x180:
            self.locks &= ~(1 << (offset - 0x100) // 4)
        elif 0x80 <= offset < 0x100:
            self.interpolators[offset >> 6 & 1].write(offset & 0x3F, value)
        elif self.layout == "rp2040" and offset in DIVIDER_WRITES:
            DIVIDER_WRITES[offset](self, value)
        else:
            super().write_register(offset, value)

    def _claim(self, index: int) -> int:
        """The lock's bit when it was free, 0 when it was taken."""
        free = ~self.locks & (1 << index)
        self.locks |= free
        return free

    def write_mailbox(self, value: int) -> None:
        raise UnsupportedError(
            f"the program sends {value:#010x} to the second core (SIO FIFO_WR): core 1 is not modelled; "
            "only programs that stay on core 0 can be run"
        )

    def _divide(self, offset: int, value: int) -> None:
        kind = offset & 0x8
        self.operands[0x60 | offset & 4] = value
        divide = divide_signed if kind else divide_unsigned
        self.quotient, self.remainder = divide(self.operands[0x60], self.operands[0x64])
        self.ready_at, self.dirty = self.chip.now() + DIVIDE_CYCLES, DIRTY

    def read_quotient(self) -> int:
        self.dirty = 0
        return self.quotient

    def write_quotient(self, value: int) -> None:
        self.quotient, self.ready_at, self.dirty = value, self.chip.now(), DIRTY

    def write_remainder(self, value: int) -> None:
        self.remainder, self.ready_at, self.dirty = value, self.chip.now(), DIRTY

    def read_divider_status(self) -> int:
        return self.dirty | READY * (self.chip.now() >= self.ready_at)

    # --- coprocessor 0 of RP2350 (3.6.1): the pins by MCR, MCRR, MRC and MRRC ---------------------------------------------
    def coprocess(self, transfer: Transfer) -> tuple[int, ...]:
        """Carry out one instruction of the GPIO coprocessor."""
        bank, name = transfer.crm & 3, COPROCESSOR_REGISTERS.get(transfer.crm & ~3, "")
        if transfer.kind == "cdp" or not name or bank > 1:
            raise UnsupportedError(f"GPIO coprocessor: {transfer.kind} p0, #{transfer.opcode}, c{transfer.crm} does not exist")
        if transfer.targets:
            banks = (0, 1) if len(transfer.targets) == 2 else (bank,)
            return tuple(self.read_pins(index) if name == "levels" else getattr(self.banks[index], name) for index in banks)
        self._operate(transfer, bank, name)
        return ()

    def _operate(self, transfer: Transfer, bank: int, name: str) -> None:
        group, operation = transfer.opcode >> 2, COPROCESSOR_OPERATIONS[transfer.opcode & 3]
        values = transfer.values
        if group == 0:  # whole words
            for index, value in enumerate(values, bank if len(values) == 1 else 0):
                self.banks[index].write(name, operation, value)
        elif group == 1:  # one pin; the second word says whether (or, for put, to what)
            pin, wanted = values[0] & 0x3F, values[1] & 1 if len(values) == 2 else 1
            if operation == "put":
                operation, wanted = ("set" if wanted else "clear"), 1
            if wanted:
                self.banks[pin >> 5].write(name, operation, 1 << (pin & 31))
        else:  # the second word chooses the bank
            self.banks[values[1] & 1].write(name, operation, values[0])

    RESET = {0x50: FIFO_READY}
    READS = {
        0x00: lambda self: 0,  # CPUID
        0x04: lambda self: self.read_pins(0),
        0x08: lambda self: self.read_pins(1),
        0x50: lambda self: FIFO_READY,
        0x58: lambda self: 0,
        0x5C: lambda self: self.locks,
    }
    WRITES = {0x50: lambda self, value: None, 0x54: write_mailbox}


DIVIDER_READS = {
    0x60: lambda sio: sio.operands[0x60],
    0x64: lambda sio: sio.operands[0x64],
    0x68: lambda sio: sio.operands[0x60],
    0x6C: lambda sio: sio.operands[0x64],
    0x70: SingleCycleIo.read_quotient,
    0x74: lambda sio: sio.remainder,
    0x78: SingleCycleIo.read_divider_status,
}
DIVIDER_WRITES = {
    0x60: lambda sio, value: sio._divide(0x60, value),
    0x64: lambda sio, value: sio._divide(0x64, value),
    0x68: lambda sio, value: sio._divide(0x68, value),
    0x6C: lambda sio, value: sio._divide(0x6C, value),
    0x70: SingleCycleIo.write_quotient,
    0x74: SingleCycleIo.write_remainder,
}
