"""I2C of the RP chips on a bus where nobody answers. Sources: RP2040 Datasheet 4.3; RP2350 Datasheet 12.2 (DW_apb_i2c)."""

from __future__ import annotations

from typing import ClassVar

from mcusim.machine.peripheral import Event
from mcusim.machine.peripherals.raspberry import RaspberryRegisters

CON, TAR, DATA, STATUS_MASKED, MASK, RAW = 0x00, 0x04, 0x10, 0x2C, 0x30, 0x34
CLEAR_ALL, ENABLE, STATUS, ABORT_SOURCE, ENABLED = 0x40, 0x6C, 0x70, 0x80, 0x9C
TX_EMPTY, TX_ABORT, STOP, START, ACTIVITY = 1 << 4, 1 << 6, 1 << 9, 1 << 10, 1 << 8
# CLR_x registers, each clears its interrupt when read (4.3.17).
CLEARS = {
    0x44: 1,
    0x48: 2,
    0x4C: 8,
    0x50: 0x20,
    0x54: TX_ABORT,
    0x58: 0x80,
    0x5C: ACTIVITY,
    0x60: STOP,
    0x64: START,
    0x68: 0x800,
}
ADDRESS_NOT_ACKNOWLEDGED = 1
FLUSH_COUNT = 23
ADDRESS_BITS = 1 + 9 + 1
"""Start, address with its missing acknowledge, stop."""
SPEEDS = {1: (0x14, 0x18), 2: (0x1C, 0x20), 3: (0x1C, 0x20)}


class TwoWire(RaspberryRegisters):
    """As master: every address goes unacknowledged, which aborts the transfer. As slave: never addressed. No DMA requests."""

    PARAMETERS: ClassVar[frozenset[str]] = frozenset()
    # 4.3.17
    RESET = {
        CON: 0x65, TAR: 0x55, 0x08: 0x55, 0x14: 0x28, 0x18: 0x2F, 0x1C: 6, 0x20: 0xD, MASK: 0x8FF, 0x38: 0, 0x3C: 0,
        ENABLE: 0, 0x74: 0, 0x78: 0, 0x7C: 1, ABORT_SOURCE: 0, 0x84: 0, 0x88: 0, 0x8C: 0, 0x90: 0, 0x94: 0x64, 0x98: 1,
        0xA0: 7, 0xA8: 0, 0xF4: 0, 0xF8: 0x3230312A, 0xFC: 0x44570140,
    }  # fmt: skip
    WRITABLE = dict.fromkeys((0x74, 0x78, ABORT_SOURCE, 0xF4, 0xF8, 0xFC), 0)

    event: Event | None = None

    def reset_state(self) -> None:
        if self.event:
            self.event.cancel()
        self.event, self.raw, self.queued = None, 0, 0

    def write_data(self, value: int) -> None:
        """A byte or a read command enters the FIFO; the first one begins a transfer. Nothing enters after an abort."""
        if not self.stored(ENABLE) & 1 or self.raw & TX_ABORT:
            return
        self.queued += 1
        if self.event is None:
            self.raw |= START | ACTIVITY
            self.event = self.chip.at(self.chip.now() + ADDRESS_BITS * self._bit_cycles(), self._abort)
        self._update()

    def _bit_cycles(self) -> int:
        """Core cycles of one bit; the block runs from clk_sys."""
        high, low = SPEEDS.get(self.stored(CON) >> 1 & 3, SPEEDS[2])
        return self.stored(high) + self.stored(low) + 8

    def _abort(self) -> None:
        self.event = None
        self.registers[ABORT_SOURCE] = ADDRESS_NOT_ACKNOWLEDGED | self.queued << FLUSH_COUNT
        self.queued = 0
        self.raw |= TX_ABORT | STOP
        self._update()

    def _raw(self) -> int:
        return self.raw | (TX_EMPTY if self.stored(ENABLE) & 1 and self.event is None else 0)

    def _update(self) -> None:
        self.interrupt(self._raw() & self.stored(MASK))

    def write_enable(self, value: int) -> None:
        self.store(ENABLE, value & 7 & ~2)
        if not value & 1:
            self.reset_state()
        self._update()

    def write_mask(self, value: int) -> None:
        self.store(MASK, value)
        self._update()

    def read_status(self) -> int:
        busy = self.event is not None
        return 0x21 * busy | 2 | (0 if busy else 4)

    def read_register(self, offset: int) -> int:
        if offset in CLEARS or offset == CLEAR_ALL:
            self.raw &= ~CLEARS.get(offset, 0xFFF)
            if offset in (0x54, CLEAR_ALL):
                self.registers[ABORT_SOURCE] = 0
            self._update()
            return 0
        return super().read_register(offset)

    READS = {
        DATA: lambda self: 0,
        RAW: _raw,
        STATUS_MASKED: lambda self: self._raw() & self.stored(MASK),
        STATUS: read_status,
        ENABLED: lambda self: self.stored(ENABLE) & 1,
    }
    WRITES = {DATA: write_data, ENABLE: write_enable, MASK: write_mask}
