"""ADC of the RP chips, with constant inputs. Sources: RP2040 Datasheet 4.9; RP2350 Datasheet 12.4."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import ClassVar

from mcusim.machine.peripheral import Event
from mcusim.machine.peripherals.raspberry import RaspberryRegisters

CS, RESULT, FCS, FIFO, DIV, INTR, INTE, INTF, INTS = range(0x00, 0x24, 4)
ENABLE, SENSOR, ONCE, MANY, READY = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 8
SELECT, ROUND_ROBIN = 12, 16
QUEUE, SHIFT, REQUEST, EMPTY, FULL, UNDERFLOW, OVERFLOW = 1 << 0, 1 << 1, 1 << 3, 1 << 8, 1 << 9, 1 << 10, 1 << 11
CONVERSION_CYCLES = 96


class Converter(RaspberryRegisters):
    """Conversions of 96 clk_adc cycles, single or paced by DIV, round robin, FIFO.

    Parameters: ``clock`` name of clk_adc, ``depth`` of the FIFO, ``sensor`` number of the temperature sensor's input,
    ``levels`` what each input reads, by number (0 where none is given; the sensor only while it is on). No noise, no errors.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"clock", "depth", "sensor", "levels"})
    RESET = {CS: 0, RESULT: 0, FCS: 0, DIV: 0, INTE: 0, INTF: 0}

    event: Event | None = None

    def reset_state(self) -> None:
        self.samples: deque[int] = deque()
        self.flags = 0
        if self.event:
            self.event.cancel()
        self.event = None

    def _cycles(self, adc_cycles: Fraction) -> int:
        hertz = self.chip.clock_hertz(self.parameter("clock"))
        wait = adc_cycles * self.chip.core_hertz() / hertz if hertz else Fraction(0)
        return -(-wait.numerator // wait.denominator)

    def _interval(self) -> Fraction:
        return max(Fraction(self.stored(DIV), 256) + 1, Fraction(CONVERSION_CYCLES))

    def character_cycles(self) -> int:
        """Core cycles from one sample to the next."""
        return max(1, self._cycles(self._interval()))

    def requests(self, direction: str) -> bool:
        """The FIFO asks for a DMA transfer."""
        return bool(self.stored(FCS) & REQUEST) and len(self.samples) >= max(1, self._threshold())

    def _threshold(self) -> int:
        return self.stored(FCS) >> 24 & 0xF

    def write_control(self, value: int) -> None:
        self.registers[CS] = value & (0x1FFF << ROUND_ROBIN | 0xF << SELECT | MANY | SENSOR | ENABLE)
        if value & (ONCE | MANY) and value & ENABLE and self.event is None and self.chip.clock_hertz(self.parameter("clock")):
            self._start(Fraction(CONVERSION_CYCLES))

    def _start(self, wait: Fraction) -> None:
        self.event = self.chip.at(self.chip.now() + self._cycles(wait), self._done)

    def _done(self) -> None:
        self.event = None
        control = self.stored(CS)
        self.registers[RESULT] = self._level(control >> SELECT & 0xF)
        self._advance(control)
        if self.stored(FCS) & QUEUE:
            self._queue(self.stored(RESULT))
        if control & MANY:
            self._start(self._interval())
        self._update()

    def _level(self, number: int) -> int:
        if number == self.parameter("sensor") and not self.stored(CS) & SENSOR:
            return 0
        return self.parameter("levels", {}).get(str(number), 0)

    def _advance(self, control: int) -> None:
        chosen = control >> ROUND_ROBIN & 0x1FF
        if chosen:
            number = control >> SELECT & 0xF
            following = next(n % 16 for n in range(number + 1, number + 17) if chosen >> n % 16 & 1)
            self.registers[CS] = control & ~(0xF << SELECT) | following << SELECT

    def _queue(self, sample: int) -> None:
        if len(self.samples) < self.parameter("depth"):
            self.samples.append(sample >> 4 if self.stored(FCS) & SHIFT else sample)
        else:
            self.flags |= OVERFLOW

    def _update(self) -> None:
        self.interrupt(self.read_status())

    def read_fifo(self) -> int:
        self.flags |= 0 if self.samples else UNDERFLOW
        sample = self.samples.popleft() if self.samples else 0
        self._update()
        return sample

    def read_fifo_control(self) -> int:
        level = len(self.samples)
        flags = self.flags | (0 if level else EMPTY) | (FULL if level >= self.parameter("depth") else 0)
        return self.stored(FCS) | flags | level << 16

    def write_fifo_control(self, value: int) -> None:
        self.registers[FCS] = value & 0xF00000F
        self.flags &= ~value
        self._update()

    def read_raw(self) -> bool:
        return bool(self.stored(FCS) & QUEUE) and len(self.samples) >= max(1, self._threshold())

    def read_status(self) -> int:
        return (self.read_raw() | self.stored(INTF)) & self.stored(INTE) & 1

    def write_mask(self, value: int) -> None:
        self.store(INTE, value)
        self._update()

    READS = {
        CS: lambda self: self.stored(CS) | (READY if self.event is None and self.stored(CS) & ENABLE else 0),
        RESULT: lambda self: self.stored(RESULT),
        FCS: read_fifo_control,
        FIFO: read_fifo,
        INTR: read_raw,
        INTS: read_status,
    }
    WRITES = {CS: write_control, FCS: write_fifo_control, INTE: write_mask}
