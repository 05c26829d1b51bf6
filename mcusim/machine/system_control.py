"""The private peripheral bus: SCB, NVIC, SysTick, MPU, FPU, DWT and ITM registers (Armv6-M, Armv7-M and Armv8-M ARM, part B).

Not modelled: memory protection itself (of the MPU, only what its regions mean to caches), breakpoints, comparators, trace
beyond ITM stimulus ports.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from mcusim.errors import McusimError
from mcusim.machine import nvic as N
from mcusim.machine.cache_maintenance import CCSIDR, CLIDR, CSSELR, CTR, OPERATIONS, CacheMaintenance
from mcusim.machine.memory_attributes import Protected, v7_regions, v8_regions
from mcusim.machine.systick import SysTick

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine

START, SIZE = 0xE0000000, 0x100000
DWT, SCS = 0x1000, 0xE000
ICSR, VTOR, AIRCR, SCR, CCR = 0xED04, 0xED08, 0xED0C, 0xED10, 0xED14
SHCSR, CFSR, HFSR, DFSR, MMFAR, BFAR = 0xED24, 0xED28, 0xED2C, 0xED30, 0xED34, 0xED38
CPACR, MPU_TYPE, MPU_CTRL, MPU_RNR, MPU_RBAR, MPU_RASR = 0xED88, 0xED90, 0xED94, 0xED98, 0xED9C, 0xEDA0
MPU_RBAR_ALIASES, MPU_RASR_ALIASES = (0xEDA4, 0xEDAC, 0xEDB4), (0xEDA8, 0xEDB0, 0xEDB8)
MPU_MAIR0, MPU_MAIR1, CACR = 0xEDC0, 0xEDC4, 0xEF9C
DHCSR, DCRSR, DCRDR = 0xEDF0, 0xEDF4, 0xEDF8
DEMCR, STIR, FPCCR, FPCAR, FPDSCR = 0xEDFC, 0xEF00, 0xEF34, 0xEF38, 0xEF3C
ITM_TCR, ITM_TER = 0xE80, 0xE00
VECTKEY, VECTKEY_READ = 0x05FA, 0xFA05
TRCENA, CYCCNTENA = 1 << 24, 1
CCR_UNALIGN_TRAP, CCR_DIV_0_TRAP, CCR_STKALIGN = 1 << 3, 1 << 4, 1 << 9
SYSTICK_TOP = 0xFFFFFF
CCR_V7, CCR_V8 = 0x0007031B, 0x0007051A
"""Bits of CCR that can be written (Armv7-M ARM B3.2.8; Armv8-M ARM D1.2.9, where bits 0 and 9 are RES1)."""
CCR_DATA_CACHE, CCR_INSTRUCTION_CACHE = 1 << 16, 1 << 17
SLEEPONEXIT, SLEEPDEEP, SEVONPEND = 1 << 1, 1 << 2, 1 << 4
SYSTEM_PRIORITIES = {4: N.MEMORY_FAULT, 5: N.BUS_FAULT, 6: N.USAGE_FAULT, 11: N.SVCALL, 12: N.DEBUG_MONITOR,
                     14: N.PENDSV, 15: N.SYSTICK}  # fmt: skip
SHCSR_ENABLES = {16: N.MEMORY_FAULT, 17: N.BUS_FAULT, 18: N.USAGE_FAULT}
SHCSR_ACTIVE = {0: N.MEMORY_FAULT, 1: N.BUS_FAULT, 3: N.USAGE_FAULT, 7: N.SVCALL, 8: N.DEBUG_MONITOR, 10: N.PENDSV,
                11: N.SYSTICK}  # fmt: skip
ONE_TO_CLEAR = (CFSR, HFSR, DFSR)
AIRCR_VECTRESET, AIRCR_VECTCLRACTIVE, AIRCR_SYSRESETREQ = 1, 2, 4
PLAIN_REGISTERS = {
    0xE008, 0xED3C, CSSELR, MPU_RNR, MPU_MAIR0, MPU_MAIR1, FPCAR, FPDSCR, ITM_TCR, ITM_TER, 0xE40, 0xFB0, DWT + 0xFB0,
    SCS + 0xFB0, *range(0xEF50, 0xEF7C, 4), *range(0xEF90, 0xEFAC, 4), *range(0x40000, 0x41000, 4),
}  # fmt: skip
"""Registers that hold what was written and change nothing here: ACTLR, AFSR, CSSELR, MPU_RNR, MPU_MAIR, lazy stacking's, ITM's,
lock access, cache maintenance, the Cortex-M7's TCM and cache control, and the trace port."""
SHCSR_PENDING = {12: N.USAGE_FAULT, 13: N.MEMORY_FAULT, 14: N.BUS_FAULT, 15: N.SVCALL}
PROFILE_ENABLES = {0x08: 17, 0x0C: 18, 0x10: 19, 0x14: 20, 0x18: 21}
"""Bits of DWT_CTRL that let each profiling counter count (Armv7-M ARM C1.8.7)."""
COUNTER_NAMES = {
    0xE010: "SysTick->CTRL", 0xE018: "SysTick->VAL", DWT + 0x04: "DWT->CYCCNT", DWT + 0x08: "DWT->CPICNT",
    DWT + 0x0C: "DWT->EXCCNT", DWT + 0x10: "DWT->SLEEPCNT", DWT + 0x14: "DWT->LSUCNT", DWT + 0x18: "DWT->FOLDCNT",
}  # fmt: skip
"""Registers here that show time, by the names of CMSIS."""
PROFILE_COUNTERS = {0x08: "cpi", 0x0C: "exception", 0x10: "sleep", 0x14: "load_store", 0x18: "fold"}


class SystemControl:
    """Registers at 0xE0000000..0xE00FFFFF. Offsets are from 0xE0000000; accesses are composed of whole words."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        board = machine.board
        self.nvic = N.Nvic(board.interrupt_count, board.priority_bits, machine.traits.groups)
        self.nvic.newly_pending, self.nvic.no_longer_pending = self._note_pending, self._note_taken
        self.systick = SysTick(machine.now, machine.at, lambda: machine.pend(N.SYSTICK), self._reference_divider)
        self.itm_output: list[int] = []
        self.reads: dict[int, Callable[[], int]] = {}
        self.writes: dict[int, Callable[[int], None]] = {}
        self.unmodelled: dict[int, int] = {}
        self.caches = CacheMaintenance(machine)
        self._connect()
        self.reset()

    def _reference_divider(self) -> int:
        board = self.machine.board
        if board.clock_peripheral:
            with contextlib.suppress(McusimError):  # a clock tree without that clock: the board's own numbers
                return max(1, self.machine.core_hertz() // max(1, self.machine.clock_hertz("systick")))
        if board.systick_reference_hertz:
            return max(1, self.machine.core_hertz() // board.systick_reference_hertz)
        return int(board.parameters.get("systick_divider", 8))

    def reset(self) -> None:
        """State after a system reset."""
        core = self.machine.core
        self.stored: dict[int, int] = dict(self.machine.traits.identification)
        self.stored.update({CCR: self.machine.traits.ccr, FPCCR: 0xC0000000 if core.has_fpu else 0})
        self.stored.update(dict.fromkeys((SCR, CFSR, HFSR, DFSR, MMFAR, BFAR, SHCSR, DEMCR, CPACR, MPU_CTRL), 0))
        self.modelled = set(self.stored) | PLAIN_REGISTERS
        self.vector_table = self.machine.reset_vector_table
        self.dwt_control = self.cycle_base = self.cycle_held = 0
        self.stopped_by_time = False  # CYCCNT holds what it had counted to
        self.profiled: set[int] = set()
        self.mpu_regions: dict[int, tuple[int, int]] = {}
        self.counter_base = dict.fromkeys(PROFILE_COUNTERS, 0)
        self.nvic.reset()
        self.systick.reset()

    # --- access ---------------------------------------------------------------------------------------------------------
    def read(self, address: int, size: int) -> int:
        offset = address - START
        word = self.read_word(offset & ~3)
        return (word >> (8 * (offset & 3))) & ((1 << (8 * size)) - 1)

    def write(self, address: int, size: int, value: int) -> None:
        offset = address - START
        if offset < 0x80:
            self._stimulate(offset // 4, size, value)
        elif size == 4:
            self.write_word(offset, value & 0xFFFFFFFF)
        elif SCS + 0x400 <= offset < SCS + 0x800 or SCS + 0xD18 <= offset < SCS + 0xD24:
            for byte in range(size):
                self._write_priority_byte(offset + byte, value >> (8 * byte) & 0xFF)
        else:
            shift, mask = 8 * (offset & 3), (1 << (8 * size)) - 1
            before = 0 if self._acts_on_ones(offset & ~3) else self.read_word(offset & ~3) & ~(mask << shift)
            self.write_word(offset & ~3, before | (value & mask) << shift)

    @staticmethod
    def _acts_on_ones(offset: int) -> bool:
        """True for registers in which a written zero does nothing: the lanes not written are zeros."""
        return offset in ONE_TO_CLEAR or offset == ICSR or SCS + 0x100 <= offset < SCS + 0x400

    def read_word(self, offset: int) -> int:
        handler = self.reads.get(offset)
        if handler is not None:
            return handler() & 0xFFFFFFFF
        if SCS + 0x100 <= offset < SCS + 0x400:
            return self._read_interrupt_bits(offset)
        if SCS + 0x400 <= offset < SCS + 0x800 or SCS + 0xD18 <= offset < SCS + 0xD24:
            return sum(self._read_priority_byte(offset + byte) << 8 * byte for byte in range(4))
        self._note_unmodelled(offset)
        return self.stored.get(offset, 0)

    def _note_unmodelled(self, offset: int) -> None:
        """Count an access to a register that means nothing here, though it reads as last written."""
        if offset not in self.modelled:
            self.unmodelled[offset] = self.unmodelled.get(offset, 0) + 1

    def write_word(self, offset: int, value: int) -> None:
        handler = self.writes.get(offset)
        if handler is not None:
            handler(value)
        elif SCS + 0x100 <= offset < SCS + 0x400:
            self._write_interrupt_bits(offset, value)
        elif SCS + 0x400 <= offset < SCS + 0x800 or SCS + 0xD18 <= offset < SCS + 0xD24:
            for byte in range(4):
                self._write_priority_byte(offset + byte, value >> 8 * byte & 0xFF)
        elif offset not in self.machine.traits.identification:
            self._note_unmodelled(offset)
            self.stored[offset] = value
        self.machine.interrupts_changed()

    def _connect(self) -> None:
        tick, nvic = self.systick, self.nvic
        self.reads = {
            0xE010: tick.read_control, 0xE014: lambda: tick.reload, 0xE018: self._read_tick, 0xE01C: lambda: 0,
            0xE004: lambda: (nvic.count - N.FIRST_INTERRUPT - 1) // 32,
            ICSR: self._read_icsr, VTOR: lambda: self.vector_table,
            AIRCR: lambda: VECTKEY_READ << 16 | nvic.group_point << 8, SHCSR: self._read_shcsr,
            MPU_TYPE: lambda: self.machine.core.mpu_regions << 8, MPU_RBAR: self._read_rbar, MPU_RASR: self._read_rasr,
            DWT: lambda: self.machine.traits.dwt_control | self.dwt_control, DWT + 4: self._read_cycle_count,
        }  # fmt: skip
        self.reads.update({DWT + offset: self._profile_reader(offset) for offset in PROFILE_COUNTERS})
        self.reads.update(dict.fromkeys((DHCSR, DCRSR, DCRDR), lambda: 0))  # no debugger is connected
        self.reads.update({4 * port: (lambda: 1) for port in range(32)})
        self.writes = {
            0xE010: tick.write_control, 0xE014: tick.write_reload, 0xE018: lambda value: tick.write_value(),
            ICSR: self._write_icsr, VTOR: self._write_vtor, AIRCR: self._write_aircr, SHCSR: self._write_shcsr,
            CFSR: lambda value: self._clear(CFSR, value), HFSR: lambda value: self._clear(HFSR, value),
            DFSR: lambda value: self._clear(DFSR, value), CCR: self._write_ccr, CPACR: self._write_cpacr,
            MPU_RBAR: self._write_rbar, MPU_RASR: self._write_rasr, DWT: self._write_dwt_control,
            DWT + 4: self._write_cycle_count, STIR: lambda value: nvic.pend(N.FIRST_INTERRUPT + (value & 0x1FF)),
            DEMCR: self._write_demcr, MPU_CTRL: lambda value: self._write_protection(MPU_CTRL, value & 7),
            CACR: lambda value: self._write_protection(CACR, value),
        }  # fmt: skip
        self._connect_caches()
        self.writes.update(dict.fromkeys((DHCSR, DCRSR, DCRDR, 0xE01C), lambda value: None))
        self.writes.update({DWT + offset: self._profile_writer(offset) for offset in PROFILE_COUNTERS})

    def _connect_caches(self) -> None:
        caches = self.caches
        for offset in (MPU_MAIR0, MPU_MAIR1):
            self.writes[offset] = partial(self._write_protection, offset)
        for number, (base, control) in enumerate(zip(MPU_RBAR_ALIASES, MPU_RASR_ALIASES, strict=True), 1):
            self.reads |= {base: partial(self._read_rbar, number), control: partial(self._read_rasr, number)}
            self.writes |= {
                base: partial(self._write_rbar, alias=number), control: partial(self._write_rasr, alias=number),
            }  # fmt: skip
        if caches.geometry:
            self.reads |= {CLIDR: caches.level, CTR: caches.kind, CCSIDR: lambda: caches.size(self.stored.get(CSSELR, 0))}
            self.writes |= {offset: partial(caches.operate, offset) for offset in OPERATIONS}

    # --- SCB ------------------------------------------------------------------------------------------------------------
    def _read_icsr(self) -> int:
        nvic, active = self.nvic, self.machine.exception_number()
        pending = nvic.highest_pending() or 0
        value = active | pending << 12
        value |= (1 << 11) if len(nvic.active) <= 1 else 0  # RETTOBASE
        value |= (1 << 22) if any(number >= N.FIRST_INTERRUPT for number in nvic.pending) else 0
        for bit, number in ((26, N.SYSTICK), (28, N.PENDSV), (31, N.NMI)):
            value |= (number in nvic.pending) << bit
        return value

    def _note_pending(self) -> None:
        """SCR.SEVONPEND: an exception that becomes pending is an event (Armv7-M ARM B1.5.18)."""
        if self.stored.get(SCR, 0) & SEVONPEND:
            self.machine.event_register = True

    def _note_taken(self, number: int) -> None:
        """SysTick may pend again."""
        if number == N.SYSTICK:
            self.systick.schedule()

    def _write_icsr(self, value: int) -> None:
        for bit, number in ((31, N.NMI), (28, N.PENDSV), (26, N.SYSTICK)):
            if value >> bit & 1:
                self.nvic.pend(number)
        for bit, number in ((27, N.PENDSV), (25, N.SYSTICK)):
            if value >> bit & 1:
                self.nvic.unpend(number)

    def _write_vtor(self, value: int) -> None:
        if self.machine.traits.vtor:
            self.vector_table = value & self.machine.traits.vtor

    def _write_aircr(self, value: int) -> None:
        if value >> 16 != VECTKEY:
            return
        if self.machine.traits.groups:
            self.nvic.group_point = value >> 8 & 7
        if value & AIRCR_SYSRESETREQ:
            self.machine.reset("SYSRESETREQ")
        elif value & AIRCR_VECTRESET and self.machine.traits.groups and not self.machine.traits.v8:
            self.machine.reset("VECTRESET", local=True)
        if value & AIRCR_VECTCLRACTIVE:
            self.machine.warn("AIRCR.VECTCLRACTIVE written while the core runs: UNPREDICTABLE, ignored")

    def _read_shcsr(self) -> int:
        nvic = self.nvic
        value = sum((number in nvic.enabled) << bit for bit, number in SHCSR_ENABLES.items())
        value |= sum((number in nvic.active) << bit for bit, number in SHCSR_ACTIVE.items())
        return value | sum((number in nvic.pending) << bit for bit, number in SHCSR_PENDING.items())

    def _write_shcsr(self, value: int) -> None:
        for bit, number in SHCSR_ENABLES.items():
            (self.nvic.enabled.add if value >> bit & 1 else self.nvic.enabled.discard)(number)
        for bit, number in SHCSR_PENDING.items():
            (self.nvic.pend if value >> bit & 1 else self.nvic.unpend)(number)

    def _clear(self, offset: int, value: int) -> None:
        self.stored[offset] &= ~value

    def _write_ccr(self, value: int) -> None:
        if not self.machine.traits.groups:
            return  # v6-M: read-only
        fixed = 0x201 if self.machine.traits.v8 else 0
        value = value & (CCR_V8 if self.machine.traits.v8 else CCR_V7) | fixed
        before, self.stored[CCR] = self.stored[CCR], value
        if (before ^ value) & (CCR_DATA_CACHE | CCR_INSTRUCTION_CACHE):
            self.machine.timing_changed()
        if (before ^ value) & (CCR_UNALIGN_TRAP | CCR_DIV_0_TRAP):
            self.machine.traps_changed()

    def _write_cpacr(self, value: int) -> None:
        self.stored[CPACR] = value
        self.machine.float_changed()

    def float_enabled(self) -> bool:
        """True when CPACR grants full access to CP10. CP11 must be equal on Armv7-M and is ignored on Armv8-M (D1.2.14)."""
        return self.stored[CPACR] >> 20 & 3 == 3

    def coprocessor_enabled(self, number: int) -> bool:
        """True when CPACR grants privileged code access to coprocessor ``number``."""
        return bool(self.stored[CPACR] >> (2 * number) & 1)

    def fault(self, register: int, bits: int) -> None:
        """Set fault status bits."""
        self.stored[register] |= bits

    # --- NVIC -----------------------------------------------------------------------------------------------------------
    def _read_interrupt_bits(self, offset: int) -> int:
        kind, word = (offset - SCS - 0x100) >> 7, (offset & 0x7F) >> 2
        nvic = self.nvic
        sets: tuple[set[int] | list[int], ...] = (
            nvic.enabled, nvic.enabled, nvic.pending, nvic.pending, nvic.active, [],
        )  # fmt: skip
        return self.nvic.bits(sets[kind], word)

    def _write_interrupt_bits(self, offset: int, value: int) -> None:
        kind, word = (offset - SCS - 0x100) >> 7, (offset & 0x7F) >> 2
        nvic = self.nvic
        actions = (nvic.enabled.add, nvic.enabled.discard, nvic.pend, self._unpend)
        if kind < len(actions):
            for number in nvic.numbers(word, value):
                actions[kind](number)

    def _unpend(self, number: int) -> None:
        self.nvic.unpend(number)
        if number in self.nvic.levels and number not in self.nvic.active:
            self.nvic.pend(number)

    def _exception_of(self, offset: int) -> int:
        if offset >= SCS + 0xD18:
            return SYSTEM_PRIORITIES.get(offset - SCS - 0xD18 + 4, -1)
        return N.FIRST_INTERRUPT + offset - SCS - 0x400

    def _read_priority_byte(self, offset: int) -> int:
        number = self._exception_of(offset)
        return self.nvic.priorities[number] if 0 <= number < self.nvic.count else 0

    def _write_priority_byte(self, offset: int, value: int) -> None:
        number = self._exception_of(offset)
        if number >= 0:
            self.nvic.set_priority(number, value)
        self.machine.interrupts_changed()

    # --- MPU registers --------------------------------------------------------------------------------------------------
    @property
    def cache_control(self) -> int:
        """CACR of the Cortex-M7."""
        return self.stored.get(CACR, 0) if self.caches.geometry else 0

    def protected_regions(self) -> list[Protected]:
        """What the MPU's enabled regions say of memory, the one that wins last; none while it is off."""
        if not self.stored[MPU_CTRL] & 1:
            return []
        registers = [self.mpu_regions[number] for number in sorted(self.mpu_regions)]
        if self.machine.traits.v8:
            indirection = self.stored.get(MPU_MAIR1, 0) << 32 | self.stored.get(MPU_MAIR0, 0)
            return v8_regions(registers, indirection)
        return v7_regions(registers, self.cache_control)

    def _write_protection(self, offset: int, value: int) -> None:
        """A register that decides on the attributes of memory."""
        self.stored[offset] = value
        self.machine.attributes_changed()

    def _region(self, alias: int) -> int:
        """The region that MPU_RNR selects; Armv8-M's aliases are its neighbours, Armv7-M's the same (Armv8-M ARM D1.2.128)."""
        number = self.stored.get(MPU_RNR, 0)
        return number & ~3 | alias if alias and self.machine.traits.v8 else number

    def _read_rbar(self, alias: int = 0) -> int:
        return self.mpu_regions.get(self._region(alias), (0, 0))[0]

    def _read_rasr(self, alias: int = 0) -> int:
        return self.mpu_regions.get(self._region(alias), (0, 0))[1]

    def _write_rbar(self, value: int, alias: int = 0) -> None:
        if value & 0x10 and not self.machine.traits.v8:
            self.stored[MPU_RNR] = value & 0xF
        number = self._region(alias)
        base = value if self.machine.traits.v8 else value & ~0x1F | number & 0xF
        self._set_region(number, base, self._read_rasr(alias))

    def _write_rasr(self, value: int, alias: int = 0) -> None:
        self._set_region(self._region(alias), self._read_rbar(alias), value)

    def _set_region(self, number: int, base: int, control: int) -> None:
        self.mpu_regions[number] = (base, control)
        if self.stored[MPU_CTRL] & 1:
            self.machine.attributes_changed()

    # --- DWT and ITM ----------------------------------------------------------------------------------------------------
    def _counting(self) -> bool:
        return bool(self.dwt_control & CYCCNTENA and self.stored[DEMCR] & TRCENA and self.machine.traits.cycle_counter)

    def cycle_count(self) -> int:
        """DWT_CYCCNT."""
        held = self.cycle_held
        if self.stopped_by_time:
            self.machine.now()  # tells that the value depends on time
        return (held + self.machine.now() - self.cycle_base if self._counting() else held) & 0xFFFFFFFF

    def _read_cycle_count(self) -> int:
        value = self.cycle_count()
        self.machine.marks.note_reading(value, 32)
        return value

    def _read_tick(self) -> int:
        value = self.systick.value()
        self.machine.marks.note_reading(SYSTICK_TOP - value, 24)  # marks.c counts up
        return value

    def _recount(self, change: Callable[[], None]) -> None:
        self.stopped_by_time |= self._counting()
        self.cycle_held = self.cycle_count()
        change()
        self.cycle_base = self.machine.now()

    def _write_cycle_count(self, value: int) -> None:
        self.cycle_held, self.cycle_base, self.stopped_by_time = value, self.machine.now(), False

    def _write_dwt_control(self, value: int) -> None:
        held = {offset: self._profile_count(offset) for offset in PROFILE_COUNTERS}
        self.profiled |= {offset for offset in PROFILE_COUNTERS if self._profile_enabled(offset)}
        self._recount(lambda: setattr(self, "dwt_control", value & 0x0FFFFFFF))
        for offset, count in held.items():
            self._set_profile_count(offset, count)

    def _write_demcr(self, value: int) -> None:
        self._recount(lambda: self.stored.__setitem__(DEMCR, value))

    def _profile_enabled(self, offset: int) -> bool:
        return bool(self.dwt_control >> PROFILE_ENABLES[offset] & 1)

    def _profile_count(self, offset: int) -> int:
        """A profiling counter: held while its enable bit in DWT_CTRL is clear."""
        if not self._profile_enabled(offset):
            return self.counter_base[offset] & 0xFF
        return (self.machine.profile_counter(PROFILE_COUNTERS[offset]) - self.counter_base[offset]) & 0xFF

    def _set_profile_count(self, offset: int, value: int) -> None:
        now = self.machine.profile_counter(PROFILE_COUNTERS[offset]) if self._profile_enabled(offset) else 2 * value
        self.counter_base[offset] = now - value

    def _profile_reader(self, offset: int) -> Callable[[], int]:
        def read() -> int:
            if self._profile_enabled(offset):
                self.profiled.add(offset)
            if offset in self.profiled:
                self.machine.now()  # what the counter shows depends on time
            return self._profile_count(offset)

        return read

    def _profile_writer(self, offset: int) -> Callable[[int], None]:
        return lambda value: self._set_profile_count(offset, value & 0xFF)

    def _stimulate(self, port: int, size: int, value: int) -> None:
        if self.stored.get(ITM_TCR, 0) & 1 and self.stored.get(ITM_TER, 0) >> port & 1:
            self.machine.itm(port, (value & (1 << 8 * size) - 1).to_bytes(size, "little"))
