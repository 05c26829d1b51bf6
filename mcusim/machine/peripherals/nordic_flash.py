"""Flash of nRF52 and nRF53: NVMC with the instruction cache enable, UICR, nRF53's CACHE.

Sources: nRF52840 PS v1.8 4.3 (NVMC: tWRITE, tERASEPAGE, tERASEALL), nRF5340 PS v1.4 7.21, 7.6; wait states: see the chip files.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import ClassVar

from mcusim.machine.peripherals.cache_monitor import LookupCounter
from mcusim.machine.peripherals.nordic import seconds_to_cycles
from mcusim.machine.peripherals.register_file import RegisterFile
from mcusim.machine.peripherals.stm32_flash import FlashTiming

WRITE, ERASE = 1, 2
PAGE = 4096


class FlashControl(RegisterFile):
    """NVMC: busy times of writes and erases, and ICACHECNF (nRF52) or the CACHE peripheral (nRF53) for timing.

    Parameters: ``flash`` base address, ``size`` bytes, ``wait_states`` without and ``miss_wait_states`` with cache,
    ``line_bytes`` and ``cache_bytes`` of the cache, ``uncached_bytes`` of one read without it, ``cache`` name of the CACHE
    peripheral if there is one, ``uicr`` name of the UserWords. Partial erase is done at once, whole.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset(
        {"flash", "size", "wait_states", "miss_wait_states", "line_bytes", "uncached_bytes", "cache_bytes", "cache", "uicr"}
    )
    READY, READYNEXT, CONFIG = 0x400, 0x408, 0x504
    ERASE_PAGE, ERASE_ALL, ERASE_PAGE_0, ERASE_UICR, ERASE_PARTIAL = 0x508, 0x50C, 0x510, 0x514, 0x518
    ICACHECNF, IHIT, IMISS = 0x540, 0x548, 0x54C
    CACHE_PROFILING = 1 << 8
    RESET = {CONFIG: 0, 0x51C: 0xA, ICACHECNF: 0, 0x584: 0}
    # PS 4.3.4: tWRITE 41 us, tERASEPAGE 85 ms, tERASEALL 169 ms (maximum values)
    WRITE_TIME, PAGE_TIME, ALL_TIME = Fraction(41, 1_000_000), Fraction(85, 1000), Fraction(169, 1000)

    def reset_state(self) -> None:
        self.busy_until = 0
        self.monitors = [LookupCounter(partial(self.lookups, kind)) for kind in range(2)]

    def cache_name(self) -> str:
        """What the cache in front of this flash is called."""
        return f"{self.spec.name}.instruction"

    def lookups(self, kind: int) -> int:
        """Hits of fetches, misses of fetches, hits of data or misses of data, by number."""
        return self.chip.cache_lookups(self.cache_name())[kind]

    def timing(self) -> FlashTiming:
        """How flash answers now. nRF52's cache sits on ICODE only: literals and tables always pay the wait states."""
        on, unified = self._cached(), bool(self.parameter("cache"))
        line = self.parameter("line_bytes")
        lines = self.parameter("cache_bytes") // line
        return FlashTiming(
            wait_states=self.parameter("wait_states"),
            miss_cycles=self.parameter("miss_wait_states") - self.parameter("wait_states"),
            instruction_cache=on,
            data_cache=on and unified,
            read_bytes=line if on else self.parameter("uncached_bytes", line),
            line_bytes=line,
            instruction_lines=lines,
            data_lines=lines if unified else 0,
            ways=2,  # nRF5340 PS, CACHE: 2-way; nRF52840: by analogy  # unverified on silicon
            unified=unified,
            data_buffer=False,
        )

    def _cached(self) -> bool:
        cache = self.parameter("cache")
        return self.chip.peripheral(cache).enabled() if cache else bool(self.stored(self.ICACHECNF) & 1)

    def program(self, address: int, data: bytes) -> bool:
        """The core stores to flash: bits go from 1 to 0 where CONFIG allows writes. True if it was taken."""
        if self.stored(self.CONFIG) & 3 == ERASE:
            return self._erase(address // PAGE * PAGE, PAGE, self.PAGE_TIME) if data == b"\xff\xff\xff\xff" else False
        if self.stored(self.CONFIG) & 3 != WRITE:
            return False
        old = self.chip.read_memory(address, len(data))
        self.chip.program_memory(address, bytes(a & b for a, b in zip(old, data, strict=True)))
        self._wait(self.WRITE_TIME)
        return True

    def start_write(self) -> bool:
        """A word is written elsewhere (UICR); False where CONFIG does not allow it."""
        allowed = self.stored(self.CONFIG) & 3 == WRITE
        if allowed:
            self._wait(self.WRITE_TIME)
        return allowed

    def _wait(self, seconds: Fraction) -> None:
        start = max(self.chip.now(), self.busy_until)
        self.busy_until = start + seconds_to_cycles(seconds.numerator, seconds.denominator, self.chip.core_hertz())

    def _erase(self, address: int, size: int, seconds: Fraction) -> bool:
        if self.stored(self.CONFIG) & 3 == ERASE:
            self.chip.program_memory(address, b"\xff" * size)
            self._wait(seconds)
        return True

    def erase_page(self, value: int) -> None:
        start = self.parameter("flash")
        if start <= value < start + self.parameter("size"):
            self._erase(value // PAGE * PAGE, PAGE, self.PAGE_TIME)

    def erase_all(self, value: int) -> None:
        if value & 1:
            self._erase(self.parameter("flash"), self.parameter("size"), self.ALL_TIME)
            if self.stored(self.CONFIG) & 3 == ERASE:
                self.chip.peripheral(self.parameter("uicr")).erase()

    def erase_user_words(self, value: int) -> None:
        if value & 1 and self.stored(self.CONFIG) & 3 == ERASE:
            self.chip.peripheral(self.parameter("uicr")).erase()
            self._wait(self.PAGE_TIME)

    def read_ready(self) -> int:
        return self.chip.now() >= self.busy_until

    def write_cache(self, value: int) -> None:
        self.store(self.ICACHECNF, value & 0x101)
        for monitor in self.monitors:
            monitor.switch(bool(value & self.CACHE_PROFILING))
        self.chip.timing_changed()

    READS = {
        READY: read_ready,
        READYNEXT: read_ready,
        IHIT: lambda self: self.monitors[0].value(),
        IMISS: lambda self: self.monitors[1].value(),
    }
    WRITES = {
        ERASE_PAGE: erase_page,
        ERASE_PAGE_0: erase_page,
        ERASE_PARTIAL: erase_page,
        ERASE_ALL: erase_all,
        ERASE_UICR: erase_user_words,
        ICACHECNF: write_cache,
        IHIT: lambda self, value: self.monitors[0].clear(),
        IMISS: lambda self, value: self.monitors[1].clear(),
    }


class UserWords(RegisterFile):
    """UICR: words of flash that outlive resets, written through NVMC: bits go from 1 to 0. Their effects are not modelled.

    Parameters: ``reset`` the words that are programmed when the board is delivered (others are erased), ``nvmc`` name of the
    FlashControl. A write that NVMC's CONFIG does not allow is dropped, with a warning.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"nvmc"})
    ERASED = 0xFFFFFFFF

    def reset_registers(self) -> None:
        if "words" not in self.__dict__:
            super().reset_registers()
            self.words = self.registers
        self.registers = self.words

    def erase(self) -> None:
        """All words as new."""
        self.words.clear()

    def read_register(self, offset: int) -> int:
        return self.words.get(offset, self.ERASED)

    def write_register(self, offset: int, value: int) -> None:
        if self.chip.peripheral(self.parameter("nvmc")).start_write():
            self.words[offset] = self.words.get(offset, self.ERASED) & value
        else:
            self.chip.warn(f"{self.spec.name}: write to +{offset:#x} while NVMC.CONFIG does not allow writes")


class Cache(RegisterFile):
    """CACHE of nRF5340 (PS 7.6): the enable, invalidation, and the profiling counters of flash; those of QSPI read 0.

    Parameters: ``nvmc`` name of the FlashControl whose flash it caches.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"nvmc"})
    ENABLE, INVALIDATE, ERASE, PROFILING, CLEAR = 0x500, 0x504, 0x508, 0x50C, 0x510
    RESET = {
        ENABLE: 0, 0x420: 0, 0x424: 0, 0x428: 0, 0x42C: 0, PROFILING: 0, CLEAR: 0, 0x514: 0, 0x518: 0, 0x51C: 0, 0x520: 0,
    }  # fmt: skip

    def reset_state(self) -> None:
        self.monitors = [LookupCounter(partial(self.lookups, kind)) for kind in range(4)]

    def cache_name(self) -> str:
        """What the simulated cache is called."""
        return str(self.chip.peripheral(self.parameter("nvmc")).cache_name())

    def lookups(self, kind: int) -> int:
        """As of FlashControl."""
        return int(self.chip.peripheral(self.parameter("nvmc")).lookups(kind))

    def read_counter(self, kind: int) -> int:
        return self.monitors[kind].value()

    def enabled(self) -> bool:
        """The cache is on."""
        return bool(self.stored(self.ENABLE) & 1)

    def write_enable(self, value: int) -> None:
        self.store(self.ENABLE, value & 1)
        self.chip.timing_changed()

    def empty(self, value: int) -> None:
        if value & 1:
            self.chip.empty_cache(self.cache_name())

    def write_profiling(self, value: int) -> None:
        self.store(self.PROFILING, value & 1)
        for monitor in self.monitors:
            monitor.switch(bool(value & 1))

    def clear(self, value: int) -> None:
        if value & 1:
            for monitor in self.monitors:
                monitor.clear()

    READS = {
        0x400: lambda self: self.read_counter(0),  # IHIT
        0x404: lambda self: self.read_counter(1),  # IMISS
        0x408: lambda self: self.read_counter(2),  # DHIT
        0x40C: lambda self: self.read_counter(3),  # DMISS
    }
    WRITES = {ENABLE: write_enable, INVALIDATE: empty, ERASE: empty, PROFILING: write_profiling, CLEAR: clear}
