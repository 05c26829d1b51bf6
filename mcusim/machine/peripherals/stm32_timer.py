"""Basic, general-purpose and advanced timers of STM32 (TIM1 to TIM20). Sources: RM0090, RM0432."""

from __future__ import annotations

from typing import ClassVar

from mcusim.boards.board import PeripheralSpec
from mcusim.machine.peripheral import Chip, Event
from mcusim.machine.peripherals.ramp import Ramp
from mcusim.machine.peripherals.register_file import RegisterFile

CR1, CR2, SMCR, DIER, SR, EGR, CCMR1, CCMR2, CCER, CNT, PSC, ARR, RCR = range(0x00, 0x34, 4)
CCR = (0x34, 0x38, 0x3C, 0x40, 0x58, 0x5C)
BDTR, DCR, DMAR, CCMR3, AF1, AF2, TISEL = 0x44, 0x48, 0x4C, 0x54, 0x60, 0x64, 0x68

CEN, UDIS, URS, OPM, DIR, CMS, ARPE, UIFREMAP = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 3 << 5, 1 << 7, 1 << 11
UIF = 1
CC_FLAGS = (1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 16, 1 << 17)
COMPARE_FLAGS = 0x3001E
TRIGGER_FLAG, COM_FLAG, BREAK_FLAGS = 1 << 6, 1 << 5, 3 << 7
DMA_ENABLES = {"up": (1 << 8, UIF), **{f"ch{i + 1}": (1 << 9 + i, 1 << 1 + i) for i in range(4)}}

LINES = {
    "up": UIF, "cc": COMPARE_FLAGS, "trg_com": TRIGGER_FLAG | COM_FLAG, "brk": BREAK_FLAGS,
    "global": UIF | COMPARE_FLAGS | TRIGGER_FLAG | COM_FLAG | BREAK_FLAGS,
}  # fmt: skip
"""Interrupt lines by name and the flags that drive them (RM0432, vector table)."""

CHANNELS = {
    CCMR1: ((0, 0), (1, 8)),
    CCMR2: ((2, 0), (3, 8)),
}
"""Channels of a mode register: index and lowest bit."""


class Timer(RegisterFile):
    """A timer that counts simulated cycles at its programmed rate, without a callback per tick.

    ``clock`` names its clock, ``bits`` is 16 or 32, ``channels`` the number of compare channels, ``dma`` the
    controllers that serve its requests. Edge- and centre-aligned counting, preload, repetition, one-pulse mode,
    compare flags. Not modelled: input capture, slave mode and external clocks (a warning), compare preload, pins,
    break, dithering, cycles of synchronisation, the count beyond ARR after ARR was lowered below it.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"clock", "bits", "channels", "dma"})
    RESET: ClassVar = dict.fromkeys(
        (CR1, CR2, SMCR, DIER, CCMR1, CCMR2, CCER, PSC, RCR, *CCR, BDTR, DCR, CCMR3, AF1, AF2, TISEL), 0
    )
    READS: ClassVar = {
        CNT: lambda self: self._read_count(),
        SR: lambda self: self._read_status(),
        CR1: lambda self: self._read_control(),
        EGR: lambda self: 0,
    }
    WRITES: ClassVar = {
        CR1: lambda self, value: self._write_control(value),
        SMCR: lambda self, value: self._write_slave_mode(value),
        SR: lambda self, value: self._write_status(value),
        EGR: lambda self, value: self._generate(value),
        CNT: lambda self, value: self._write_count(value),
        ARR: lambda self, value: self._write_reload(value),
    }

    def __init__(self, chip: Chip, spec: PeripheralSpec) -> None:
        self.limit = (1 << spec.parameters.get("bits", 16)) - 1
        self.channels = spec.parameters.get("channels", 4)
        self._event: Event | None = None
        super().__init__(chip, spec)

    def reset_state(self) -> None:
        self.registers[ARR] = self.limit
        self.flags = 0
        self._reload, self._divider, self._repeat = self.limit, 1, 0
        self.down = False
        self.ramp = Ramp(self.chip)
        self._compared, self._requests = -1, 0
        self._refresh()

    def write_register(self, offset: int, value: int) -> None:
        self._advance()
        super().write_register(offset, value & self.limit if offset in CCR else value)
        self._refresh()

    def clock_changed(self) -> None:
        self._advance()
        self._set_rate()
        self._refresh()

    def dma_request(self, line: str) -> bool:
        """Whether ``"up"`` or ``"ch1"`` .. ``"ch4"`` asks for a DMA transfer; asking takes the request."""
        enable, flag = DMA_ENABLES[line]
        asked = bool(self._requests & flag and self.stored(DIER) & enable)
        self._requests &= ~flag
        return asked

    # --- counting ---------------------------------------------------------------------------------------------------
    @property
    def centred(self) -> bool:
        """Counts up and down in turn."""
        return bool(self.stored(CR1) & CMS)

    def _leg(self) -> int:
        """Ticks from one end of the count to the other; 0 blocks the counter (RM0432)."""
        return self._reload if self.centred or not self._reload else self._reload + 1

    def _count(self) -> int:
        position = self.ramp.position()
        return (self._reload - position if self.down else position) & self.limit

    def _advance(self) -> None:
        """Let everything happen that is due by now."""
        while self.ramp.running:
            position, leg = self.ramp.position(), self._leg()
            if not leg or position < leg:
                self._compare(position)
                return
            self._compare(leg - 1)
            self._finish_legs(position // leg, leg)

    def _finish_legs(self, legs: int, leg: int) -> None:
        """The end of the count was reached ``legs`` times; all at once where each is like the one before."""
        alike = not self.centred and self._is_steady() and self.stored(CR1) & OPM == 0
        count = legs if alike else 1
        cycle = self.ramp.cycle_of(count * leg)
        self.ramp.rebase(count * leg)
        self._compared = -1
        if self.centred:
            self.down = not self.down
            self.registers[CR1] = self.stored(CR1) & ~DIR | (DIR if self.down else 0)
        if alike and count > 1:
            self._compare(leg - 1)
            self._compared = -1
        if self._repeat >= count:
            self._repeat -= count
        else:
            self._update(cycle)

    def _is_steady(self) -> bool:
        same = self._reload == self.stored(ARR) and self._divider == (self.stored(PSC) & 0xFFFF) + 1
        return same and not self.stored(RCR)

    def _update(self, cycle: int) -> None:
        """An update event at ``cycle``: preloaded values take effect, UIF is set, one-pulse mode stops."""
        if not self.stored(CR1) & UDIS:
            divider = self._divider
            self._load()
            if self._divider != divider:
                self._set_rate()
                self.ramp.place(0, cycle)
            self._raise(UIF)
        if self.stored(CR1) & OPM:
            self.ramp.stop(cycle)
            self.registers[CR1] = self.stored(CR1) & ~CEN

    def _load(self) -> None:
        self._reload = self.stored(ARR) & self.limit
        self._divider = (self.stored(PSC) & 0xFFFF) + 1
        self._repeat = self.stored(RCR) & 0xFFFF

    def _compare(self, position: int) -> None:
        """Set the flags of the channels whose value the count passed since it was last looked at."""
        if position > self._compared:
            for flag, match in self._matches():
                if self._compared < match <= position:
                    self._raise(flag)
        self._compared = max(position, self._compared)

    def _matches(self) -> list[tuple[int, int]]:
        """Flag and position in this leg of every channel in output mode."""
        found = []
        for index in range(self.channels):
            if self._is_output(index):
                value = self.stored(CCR[index]) & self.limit
                found.append((CC_FLAGS[index], self._reload - value if self.down else value))
        return found

    def _is_output(self, index: int) -> bool:
        if index > 3:
            return True
        register, shift = (CCMR1, CCMR2)[index >> 1], 8 * (index & 1)
        return not self.stored(register) >> shift & 3

    def _raise(self, flag: int) -> None:
        self.flags |= flag
        self._requests |= flag

    def _set_rate(self) -> None:
        hertz = self.chip.clock_hertz(self.parameter("clock", "core"))
        self.ramp.set_rate(hertz, self._divider, self.chip.core_hertz())

    # --- registers --------------------------------------------------------------------------------------------------
    def _read_count(self) -> int:
        self._advance()
        count = self._count()
        if self.stored(CR1) & UIFREMAP:
            return (count & ~(1 << 31)) | (self.flags & UIF) << 31
        return count

    def _read_status(self) -> int:
        self._advance()
        return self.flags

    def _read_control(self) -> int:
        self._advance()
        return self.stored(CR1)

    def _write_control(self, value: int) -> None:
        if self.centred:
            value = value & ~DIR | (DIR if self.down else 0)
        count, direction = self._count(), bool(value & DIR)
        self.store(CR1, value)
        if direction != self.down:
            self.down = direction
            self._place(count)
        if value & CEN and not self.ramp.running:
            self._set_rate()
            self.ramp.start()
        elif not value & CEN and self.ramp.running:
            self.ramp.stop()

    def _write_slave_mode(self, value: int) -> None:
        if value & 0x10007 or value & 1 << 14:
            self.chip.warn(f"{self.spec.name}: slave modes and external clocks are not modelled; it counts its own clock")
        self.store(SMCR, value)

    def _write_status(self, value: int) -> None:
        self.flags &= value

    def _write_count(self, value: int) -> None:
        self._place(value & self.limit)

    def _place(self, count: int) -> None:
        position = self._reload - count if self.down else count
        self.ramp.place(position, self.chip.now())
        self._compared = position - 1

    def _write_reload(self, value: int) -> None:
        count = self._count()
        self.store(ARR, value & self.limit)
        if not self.stored(CR1) & ARPE:
            self._reload = value & self.limit
            if self.down:
                self._move(count)

    def _move(self, count: int) -> None:
        """Keep the count and the phase of the prescaler where the position of that count changed."""
        self.ramp.rebase(self.ramp.position() - (self._reload - count))

    def _generate(self, value: int) -> None:
        """EGR: flags by software; UG starts the count and the prescaler anew (RM0432)."""
        for flag in (*CC_FLAGS[: self.channels], TRIGGER_FLAG, COM_FLAG):
            if value & flag & 0x7E:
                self._raise(flag)
        if value & UIF:
            self._start_anew()

    def _start_anew(self) -> None:
        quiet = self.stored(CR1) & (URS | UDIS)
        if not self.stored(CR1) & UDIS:
            self._load()
        self._set_rate()
        if self.centred:
            self.down = False
        self.ramp.place(0, self.chip.now())
        self._compared = -1
        if not quiet:
            self._raise(UIF)

    # --- interrupts -------------------------------------------------------------------------------------------------
    def _refresh(self) -> None:
        """Drive the interrupt lines, serve DMA, and be called again at the next flag that somebody waits for."""
        self._serve()
        active = self.flags & self.stored(DIER)
        for line in self.spec.interrupts:
            self.interrupt(active & LINES[line], line)
        if self._event:
            self._event.cancel()
        cycle = self._next_cycle()
        self._event = None if cycle is None else self.chip.at(cycle, self._due)

    def _serve(self) -> None:
        if self._requests and self.stored(DIER) & 0x7F00:
            for controller in self.parameter("dma", ()):
                self.chip.peripheral(controller).serve()

    def _due(self) -> None:
        self._event = None
        self._advance()
        self._refresh()

    def _next_cycle(self) -> int | None:
        enabled, leg = self.stored(DIER), self._leg()
        if not (self.ramp.running and self.ramp.numerator and leg):
            return None
        wanted = (enabled | enabled >> 8) & 0x1F & ~(self.flags & enabled & ~(enabled >> 8))
        positions = [match for flag, match in self._matches() if flag & wanted and self._compared < match < leg]
        if wanted & UIF or self.stored(CR1) & OPM or (positions == [] and wanted & COMPARE_FLAGS):
            positions.append(leg)
        return self.ramp.cycle_of(min(positions)) if positions else None
