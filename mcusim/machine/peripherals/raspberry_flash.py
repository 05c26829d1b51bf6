"""Execute-in-place flash of the RP chips: XIP cache control, SSI (RP2040), QMI (RP2350).

Sources: RP2040 Datasheet 2.6.3, 4.10; RP2350 Datasheet 4.4, 12.14.
"""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

from mcusim.errors import UnsupportedError
from mcusim.machine.peripherals.cache_monitor import LookupCounter
from mcusim.machine.peripherals.raspberry import RaspberryRegisters
from mcusim.machine.peripherals.register_file import RegisterFile, offsets
from mcusim.machine.peripherals.serial_flash import SerialFlash
from mcusim.machine.peripherals.stm32_flash import FlashTiming
from mcusim.pricing.memory import Chain

LINE_BYTES, WORD_BYTES = 8, 4
WORD_BITS = 8 * WORD_BYTES
CACHE_LINES = 16384 // LINE_BYTES  # 2.6.3.1: 16 KiB for instructions and data, two ways
CACHED_BUS = "xip"
"""Bus of the view of flash that the cache serves; the other views go round it."""
CS_LOW, CS_HIGH = 2, 3


def lanes(width: int) -> int:
    """Data lines of a width code: single, dual, quad."""
    return 1 << (width & 3)


class FlashInterface(RegisterFile):
    """What SSI and QMI share: the flash chip behind them, and bytes that take time on the wire.

    Parameters: ``base``, ``size``, ``jedec``, ``unique`` of the flash chip.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"base", "size", "jedec", "unique"})

    def reset_state(self) -> None:
        if not hasattr(self, "flash"):
            values = (self.parameter(name) for name in ("base", "size", "jedec", "unique"))
            self.flash = SerialFlash(self.chip, *values)
        self.arriving: deque[tuple[int, int]] = deque()
        self.busy_until = 0
        self.selected = False

    def select(self) -> None:
        if not self.selected:
            self.selected = True
            self.flash.select()

    def deselect(self) -> None:
        if self.selected:
            self.selected = False
            self.flash.deselect()

    def on_wire(self, cycles: int) -> int:
        """Cycle at which a transfer of ``cycles`` ends that starts when the wire is free."""
        self.busy_until = max(self.chip.now(), self.busy_until) + cycles
        return self.busy_until

    def busy(self) -> bool:
        return self.chip.now() < self.busy_until

    def arrived(self) -> int:
        """Received words that can be read now."""
        now = self.chip.now()
        return sum(1 for cycle, _ in self.arriving if cycle <= now)

    def take(self) -> int:
        return self.arriving.popleft()[1] if self.arrived() else 0


class Ssi(FlashInterface):
    """XIP_SSI, a Synopsys DW_apb_ssi (4.10): serial transfers frame by frame, and the timing of XIP.

    Single-line frames of 8 bits (TMOD 0) reach the flash chip. Other frames (the quad reads with which a second stage puts
    the chip into continuous read) take their time and answer 0.
    """

    CTRLR0, CTRLR1, SSIENR, SER, BAUDR, TXFLR, RXFLR, SR = 0x00, 0x04, 0x08, 0x10, 0x14, 0x20, 0x24, 0x28
    DR0, SPI_CTRLR0 = 0x60, 0xF4
    DEPTH = 16
    START_CYCLES = 10
    """Core cycles from the bus to the first SCK and back: a cold load takes about 400 ns at 125 MHz, 50 cycles, of which 20 SCK
    at a divider of 2 explain 40 (measured, oberon-rtk.org).  # unverified on silicon"""
    NOT_FULL, EMPTY, NOT_EMPTY, FULL = 2, 4, 8, 16
    RESET = {
        CTRLR0: 0, CTRLR1: 0, SSIENR: 0, SER: 0, BAUDR: 0, 0x0C: 0, 0x18: 0, 0x1C: 0, 0x2C: 0x3F, 0x30: 0, 0x34: 0, 0x38: 0,
        0x3C: 0, 0x40: 0, 0x44: 0, 0x48: 0, 0x4C: 0, 0x50: 0, 0x54: 0, 0x58: 0x51535049, 0x5C: 0x3430312A, 0xF0: 0,
        SPI_CTRLR0: 0x03000000, 0xF8: 0,
    }  # fmt: skip

    def reset_state(self) -> None:
        super().reset_state()
        self.forced = 0

    def force_select(self, override: int) -> None:
        """The pin's OUTOVER field: 2 and 3 hold chip select low or high, else SSI drives it."""
        self.forced = override
        if override == CS_LOW:
            self.select()
        elif override == CS_HIGH:
            self.deselect()

    def window(self) -> dict[str, Any]:
        """Fields of FlashTiming: each word is a transaction of its own (4.10.6; boot2_w25q080.S of the SDK: one frame of 32
        bits). A line is two of them; the core goes on with the word that it asked for.  # unverified on silicon
        """
        word = self._word_clocks() * max(2, self.stored(self.BAUDR))
        return {"wait_states": word + self.START_CYCLES, "next_cycles": word}

    def _word_clocks(self) -> int:
        """SCK cycles of one word: instruction, address and mode bits, dummy cycles, 32 bits of data."""
        control = self.stored(self.SPI_CTRLR0)
        data = lanes(self.stored(self.CTRLR0) >> 21)
        kind = control & 3
        instruction = (0, 4, 8, 16)[control >> 8 & 3] // (data if kind == 2 else 1)
        address = (control >> 2 & 0xF) * 4 // (data if kind else 1)
        wait = control >> 11 & 0x1F if data > 1 else 0
        return instruction + address + wait + WORD_BITS // data

    def _frame_cycles(self) -> int:
        bits = (self.stored(self.CTRLR0) >> 16 & 0x1F) + 1
        return -(-bits // lanes(self.stored(self.CTRLR0) >> 21)) * max(2, self.stored(self.BAUDR))

    def write_data(self, value: int) -> None:
        if not self.stored(self.SSIENR) & 1:
            return
        if not self.busy() and self.forced not in (CS_LOW, CS_HIGH):
            self.deselect()
        control = self.stored(self.CTRLR0)
        serial = not control & 0x0060_0300 and (control >> 16 & 0x1F) == 7
        answer = self._exchange(value & 0xFF) if serial else 0
        done = self.on_wire(self._frame_cycles())
        if len(self.arriving) < self.DEPTH and (serial or (control >> 8 & 3 == 3 and not self.arriving)):
            self.arriving.append((done, answer))

    def _exchange(self, byte: int) -> int:
        if self.forced != CS_HIGH:
            self.select()
        return self.flash.transfer(byte) if self.selected else 0xFF

    def read_status(self) -> int:
        level = self.arrived()
        status = self.NOT_FULL | self.EMPTY * (not self.busy()) | self.busy()
        if not self.busy() and self.forced not in (CS_LOW, CS_HIGH):
            self.deselect()
        return status | self.NOT_EMPTY * bool(level) | self.FULL * (level >= self.DEPTH)

    def write_enable(self, value: int) -> None:
        self.store(self.SSIENR, value & 1)
        if not value & 1:
            self.arriving.clear()
            self.busy_until = 0
            if self.forced not in (CS_LOW, CS_HIGH):
                self.deselect()
        self.chip.timing_changed()

    def write_timing(self, offset: int, value: int) -> None:
        self.store(offset, value)
        self.chip.timing_changed()

    READS = {
        TXFLR: lambda self: 0,
        RXFLR: lambda self: self.arrived(),
        SR: read_status,
        DR0: FlashInterface.take,
    }
    WRITES = {
        SSIENR: write_enable,
        DR0: write_data,
        BAUDR: lambda self, value: self.write_timing(Ssi.BAUDR, value & 0xFFFE),
        SPI_CTRLR0: lambda self, value: self.write_timing(Ssi.SPI_CTRLR0, value),
    }


class XipControl(RaspberryRegisters):
    """XIP_CTRL of both chips: cache enable, flush, streaming, counters.

    A stream is filled at once. The hit and access counters show the look-ups of the simulated cache.
    Parameters: ``enables`` bits of CTRL that enable the cache, ``reset`` for CTRL, ``flash`` name of the interface,
    ``replacement`` of the cache.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"enables", "flash", "replacement"})

    CTRL, FLUSH, STAT, STREAM_ADDRESS, STREAM_COUNT, STREAM_FIFO = 0x00, 0x04, 0x08, 0x14, 0x18, 0x1C
    HITS, ACCESSES = 0x0C, 0x10
    RESET = {CTRL: 3, STREAM_ADDRESS: 0, STREAM_COUNT: 0}
    FLUSH_READY, FIFO_EMPTY, FIFO_FULL = 1, 2, 4

    def cached(self) -> bool:
        """The cache is on."""
        return bool(self.stored(self.CTRL) & self.parameter("enables", 1))

    def reset_state(self) -> None:
        name = self.cache_name()
        self.counters = {
            self.HITS: LookupCounter(lambda: sum(self.chip.cache_lookups(name)[0::2])),
            self.ACCESSES: LookupCounter(lambda: sum(self.chip.cache_lookups(name))),
        }
        for counter in self.counters.values():
            counter.switch(True)

    def cache_name(self) -> str:
        """What the simulated cache is called."""
        return f"{self.spec.name}.instruction"

    def timing(self) -> FlashTiming:
        """How the flash window answers now: a miss fetches one line over the serial interface."""
        cached = self.cached()
        return FlashTiming(
            **self.chip.peripheral(self.parameter("flash")).window(),
            instruction_cache=cached,
            data_cache=cached,
            read_bytes=WORD_BYTES,
            whole_line=True,
            accelerated_bus=CACHED_BUS,
            data_buffer=False,
            kept=True,  # emptied by FLUSH or cache maintenance only
            policy=self.parameter("replacement", "lru"),
            line_bytes=LINE_BYTES,
            instruction_lines=CACHE_LINES,
            data_lines=CACHE_LINES,
            ways=2,  # RP2040 DS 2.6.3.1, RP2350 DS 4.4
            unified=True,
        )

    def write_control(self, value: int) -> None:
        self.store(self.CTRL, value)
        self.chip.timing_changed()

    def write_flush(self, value: int) -> None:
        if value & 1:
            self.chip.empty_cache(self.cache_name())

    def read_status(self) -> int:
        waiting = self.stored(self.STREAM_COUNT)
        return self.FLUSH_READY | (self.FIFO_FULL if waiting >= 2 else 0) | (0 if waiting else self.FIFO_EMPTY)

    def read_stream(self) -> int:
        left = self.stored(self.STREAM_COUNT)
        if not left:
            return 0
        address = self.stored(self.STREAM_ADDRESS)
        self.registers |= {self.STREAM_COUNT: left - 1, self.STREAM_ADDRESS: address + 4}
        return int.from_bytes(self.chip.read_memory(address, 4), "little")

    READS = {
        FLUSH: lambda self: 0,
        STAT: read_status,
        STREAM_FIFO: read_stream,
        HITS: lambda self: self.counters[XipControl.HITS].value(),
        ACCESSES: lambda self: self.counters[XipControl.ACCESSES].value(),
    }
    WRITES = {
        CTRL: write_control,
        FLUSH: write_flush,
        HITS: lambda self, value: self.counters[XipControl.HITS].clear(),
        ACCESSES: lambda self, value: self.counters[XipControl.ACCESSES].clear(),
    }


class Qmi(RaspberryRegisters, FlashInterface):
    """QMI of RP2350 (12.14): direct mode to the flash chip, and the timing of window 0.

    Address translation other than the identity, and a second chip on chip select 1, stop the run with UnsupportedError.
    """

    CSR, TX, RX, TIMING, FORMAT = 0x00, 0x04, 0x08, 0x0C, 0x10
    ENABLE, BUSY, ASSERT, AUTO = 1, 2, 4, 0x40
    TX_FULL, TX_EMPTY, RX_EMPTY, RX_FULL = 1 << 10, 1 << 11, 1 << 16, 1 << 17
    START_CYCLES = 4
    """Core cycles of bus, cache and QMI in front of a transfer.  # unverified on silicon"""
    PAGES = (0, 256, 1024, 4096)
    """Bytes by M0_TIMING.PAGEBREAK; 0: no break."""
    WINDOW = (0x40000004, 0x1000, 0xA003, 0x1000, 0xA002)
    TRANSLATION = dict(zip(offsets(0x34, 8), [0x04000000 + 0x400 * (i & 3) for i in range(8)], strict=True))
    RESET = {
        CSR: 0x01800000,
        **dict(zip(offsets(TIMING, 10), WINDOW + WINDOW, strict=True)),
        **TRANSLATION,
    }

    def window(self) -> dict[str, Any]:
        """Fields of FlashTiming. A line is one transfer of 64 bits, an uncached read one of its own size (12.14.1); a transfer
        right behind the last one needs no command while chip select is still low (12.14.2.1)."""
        timing, data = self.stored(self.TIMING), lanes(self.stored(self.FORMAT) >> 8)
        divider = timing & 0xFF or 256
        start = self.START_CYCLES + -(-(timing >> 8 & 7) // 2)  # RXDELAY counts half cycles
        word, high = WORD_BITS // data * divider, -(-divider // 2)
        return {
            "wait_states": high + self._command_clocks() * divider + word + start,
            "next_cycles": word,
            "critical_word_first": False,
            "chain": self._chain(timing, word + start, high),
        }

    def _chain(self, timing: int, cycles: int, high: int) -> Chain | None:
        """COOLDOWN, PAGEBREAK and MIN_DESELECT of M0_TIMING (12.14.6)."""
        cooldown, page, deselect = timing >> 30, self.PAGES[timing >> 28 & 3], timing >> 12 & 0x1F
        if not cooldown:
            return None
        return Chain(cycles, cycles, 64 * cooldown, page, break_cycles=1 + high + deselect)

    def _command_clocks(self) -> int:
        """SCK cycles in front of the data: prefix, address, suffix, dummy cycles."""
        form = self.stored(self.FORMAT)
        prefix, address, suffix, dummy = (lanes(form >> shift) for shift in (0, 2, 4, 6))
        bits = 8 * (form >> 12 & 1) // prefix + 24 // address + 4 * (form >> 14 & 3) // suffix
        return bits + 4 * (form >> 16 & 7) // dummy

    def read_control(self) -> int:
        level = self.arrived()
        stored = self.stored(self.CSR) & 0xFFC000CD
        flags = self.BUSY * self.busy() | self.TX_EMPTY | self.RX_EMPTY * (not level) | min(level, 7) << 18
        return stored | flags

    def value_for_alias(self, offset: int) -> int:
        return self.stored(offset)

    def write_control(self, value: int) -> None:
        if value >> 3 & 1:
            raise UnsupportedError("QMI: chip select 1 (a second flash or PSRAM chip) is not modelled; use chip select 0")
        self.store(self.CSR, value & 0xFFC000CD)
        (self.select if value & self.ASSERT else self.deselect)()
        if not value & self.ENABLE:
            self.arriving.clear()

    def write_data(self, value: int) -> None:
        if not self.stored(self.CSR) & self.ENABLE:
            return
        size = 2 if value >> 18 & 1 else 1
        automatic = self.stored(self.CSR) & self.AUTO and not self.selected
        if automatic:
            self.select()
        word = value & ((1 << 8 * size) - 1)
        answer = 0
        for byte in word.to_bytes(size, "big"):
            answer = answer << 8 | (self.flash.transfer(byte) if self.selected else 0xFF)
        if automatic:
            self.deselect()
        cycles = 8 * size // lanes(value >> 16) * max(1, self.stored(self.CSR) >> 22 & 0xFF)
        done = self.on_wire(cycles)
        if not value >> 20 & 1:
            self.arriving.append((done, answer))

    def write_register(self, offset: int, value: int) -> None:
        if offset in self.TRANSLATION and value != self.TRANSLATION[offset]:
            raise UnsupportedError(
                f"QMI ATRANS{(offset - 0x34) // 4} = {value:#010x}: address translation of the flash window is not modelled; "
                f"only the reset value {self.TRANSLATION[offset]:#010x} is allowed"
            )
        super().write_register(offset, value)
        if offset in (self.TIMING, self.FORMAT):
            self.chip.timing_changed()

    READS = {CSR: read_control, RX: FlashInterface.take, TX: lambda self: 0}
    WRITES = {CSR: write_control, TX: write_data}


class Maintenance(RegisterFile):
    """XIP cache maintenance window of RP2350 (4.4.1.1): a store names a line and what to do with it; reads give 0.

    Parameter ``xip``: name of the XipControl. Flash is never written, so that cleaning does nothing; lines are not pinned.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"xip"})
    INVALIDATE_PLACE, INVALIDATE_ADDRESS = 0, 2
    FLASH = 0x10000000
    WAY_BYTES = CACHE_LINES * LINE_BYTES // 2

    def read(self, offset: int, size: int) -> int:
        return 0

    def write(self, offset: int, size: int, value: int) -> None:
        operation, address = offset & 7, offset & ~7
        if operation in (self.INVALIDATE_PLACE, self.INVALIDATE_ADDRESS):
            name = self.chip.peripheral(self.parameter("xip")).cache_name()
            way = address // self.WAY_BYTES & 1 if operation == self.INVALIDATE_PLACE else None
            self.chip.empty_cache(name, self.FLASH + address, way)
