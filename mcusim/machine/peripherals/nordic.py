"""nRF52 and nRF53: tasks, events, shorts, interrupts, and the channels (PPI, DPPI) that tie events to tasks.

Sources: nRF52840 Product Specification v1.8 (6.1 peripheral interface, 6.16 PPI), nRF5340 PS v1.4 (7.1, 7.12 DPPI), Nordic's
MDK headers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from mcusim.errors import UnsupportedError
from mcusim.machine.peripherals.register_file import RegisterFile, offsets

Task = Callable[[Any], None]
SUBSCRIBE, EVENTS, PUBLISH = 0x080, 0x100, 0x180
SHORTS, INTEN, INTENSET, INTENCLR, INTPEND = 0x200, 0x300, 0x304, 0x308, 0x30C
CONNECTED, CHANNEL = 1 << 31, 0xFF
LONGEST_CHAIN = 64


def seconds_to_cycles(numerator: int, denominator: int, core_hertz: int) -> int:
    """Core cycles of numerator / denominator seconds, rounded up."""
    return -(-numerator * core_hertz // denominator)


class NordicPeripheral(RegisterFile):
    """A peripheral with tasks and events.

    ``TASKS`` maps an offset to what the task does, ``EVENT_OFFSETS`` lists the events, ``SHORT_CUTS`` maps a bit of SHORTS to
    (event, task). INTEN bit n belongs to the event at 0x100 + 4n. Parameter ``channels``: name of the PPI or DPPIC.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"channels"})
    TASKS: ClassVar[Mapping[int, Task]] = {}
    EVENT_OFFSETS: ClassVar[tuple[int, ...]] = ()
    SHORT_CUTS: ClassVar[Mapping[int, tuple[int, int]]] = {}

    def reset_registers(self) -> None:
        self.enabled = 0
        super().reset_registers()
        self.registers |= dict.fromkeys(self.EVENT_OFFSETS, 0) | {SHORTS: 0}
        self.update()

    def read_register(self, offset: int) -> int:
        if offset in (INTEN, INTENSET, INTENCLR):
            return self.enabled
        if offset == INTPEND:
            return self._pending()
        if offset in self.TASKS:
            return 0
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        if offset in self.TASKS:
            self.run(offset) if value & 1 else None
        elif offset in self.EVENT_OFFSETS:
            self.registers[offset] = value & 1
            self.update()
        elif offset in (INTEN, INTENSET, INTENCLR):
            self._enable(offset, value)
        elif SUBSCRIBE <= offset < EVENTS and self.parameter("channels"):
            self._subscribe(offset, value)
        elif PUBLISH <= offset < SHORTS and self.parameter("channels"):
            self.registers[offset] = value
        else:
            super().write_register(offset, value)

    def run(self, task: int) -> None:
        """Run the task at offset ``task``."""
        self.TASKS[task](self)

    def fire(self, event: int) -> None:
        """Generate the event at offset ``event``: shorts, channels, interrupt."""
        self.registers[event] = 1
        shorts = self.stored(SHORTS)
        for bit, (source, task) in self.SHORT_CUTS.items():
            if source == event and shorts >> bit & 1:
                self.run(task)
        self._announce(event)
        self.update()

    def update(self) -> None:
        """Drive the interrupt line from events and enables."""
        self.interrupt(self._pending())

    def after(self, numerator: int, denominator: int, action: Callable[[], None]) -> Any:
        """Call ``action`` numerator / denominator seconds from now."""
        cycles = seconds_to_cycles(numerator, denominator, self.chip.core_hertz())
        return self.chip.at(self.chip.now() + cycles, action)

    def _pending(self) -> int:
        return self.enabled & sum(1 << (event - EVENTS) // 4 for event in self.EVENT_OFFSETS if self.stored(event))

    def _enable(self, offset: int, value: int) -> None:
        old = self.enabled
        self.enabled = {INTEN: value, INTENSET: old | value, INTENCLR: old & ~value}[offset]
        self.update()

    def _announce(self, event: int) -> None:
        channels = self.parameter("channels")
        if channels:
            self.chip.peripheral(channels).announce(self, event)

    def _subscribe(self, offset: int, value: int) -> None:
        self.registers[offset] = value
        self.chip.peripheral(self.parameter("channels")).subscribe(self, offset - SUBSCRIBE, value)


class Channels(NordicPeripheral):
    """What PPI and DPPIC share: the channel enables and the channel groups."""

    CHEN, CHENSET, CHENCLR, GROUPS = 0x500, 0x504, 0x508, 0x800
    COUNT = 6

    following = 0

    def announce(self, source: NordicPeripheral, event: int) -> None:
        """Publish an event. A ring of events and tasks never comes to an end here: UnsupportedError."""
        if self.following >= LONGEST_CHAIN:
            raise UnsupportedError(
                f"{self.spec.name}: event 0x{event:03x} of {source.spec.name} triggers itself through a ring of channels; "
                f"chains of up to {LONGEST_CHAIN} tasks are modelled"
            )
        self.following += 1
        try:
            self.publish(source, event)
        finally:
            self.following -= 1

    def publish(self, source: NordicPeripheral, event: int) -> None:
        """Run the tasks that listen to an event."""
        raise NotImplementedError

    def subscribe(self, peripheral: NordicPeripheral, task: int, value: int) -> None:
        """A write to a SUBSCRIBE register, which chips with PPI do not have."""

    def reset_state(self) -> None:
        self.open = 0
        self.registers |= dict.fromkeys(offsets(self.GROUPS, self.COUNT), 0)

    def read_register(self, offset: int) -> int:
        if offset in (self.CHEN, self.CHENSET, self.CHENCLR):
            return self.open
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        changes = {self.CHEN: value, self.CHENSET: self.open | value, self.CHENCLR: self.open & ~value}
        if offset in changes:
            self.open = changes[offset]
        else:
            super().write_register(offset, value)

    def switch_group(self, task: int) -> None:
        """Task CHG[n].EN (even) or CHG[n].DIS (odd)."""
        group = self.stored(self.GROUPS + 4 * (task // 8))
        self.open = self.open & ~group if task & 4 else self.open | group

    def run(self, task: int) -> None:
        self.switch_group(task)

    TASKS = dict.fromkeys(range(0, 48, 4), lambda self: None)


# nRF52840 PS 6.16, table of pre-programmed channels: (event address, task address) of channels 20 to 31.
FIXED = {
    20: (0x40008140, 0x40001004), 21: (0x40008140, 0x40001000), 22: (0x40008144, 0x40001010), 23: (0x4000111C, 0x4000F000),
    24: (0x40001104, 0x4000E000), 25: (0x40001110, 0x40008040), 26: (0x40001104, 0x40008044), 27: (0x4000110C, 0x40008048),
    28: (0x4000B140, 0x40008008), 29: (0x4000B140, 0x40001000), 30: (0x4000B140, 0x40008000), 31: (0x4000B140, 0x40001004),
}  # fmt: skip


class Ppi(Channels):
    """Programmable peripheral interconnect of nRF52: an event's address triggers a task's address, at once."""

    EVENT, TASK, FORK = 0x510, 0x514, 0x910

    def reset_state(self) -> None:
        super().reset_state()
        self.registers |= dict.fromkeys(offsets(self.EVENT, 40), 0) | dict.fromkeys(offsets(self.FORK, 32), 0)

    def publish(self, source: NordicPeripheral, event: int) -> None:
        address = source.spec.address + event
        for channel in range(32):
            if self.open >> channel & 1:
                self._follow(channel, address)

    def _follow(self, channel: int, address: int) -> None:
        if channel in FIXED:
            event, task = FIXED[channel]
        else:
            event, task = (self.stored(start + 8 * channel) for start in (self.EVENT, self.TASK))
        if event == address:
            for target in (task, self.stored(self.FORK + 4 * channel)):
                if target:
                    self.chip.write_memory(target, b"\x01\x00\x00\x00")


class Dppi(Channels):
    """Distributed interconnect of nRF53: events publish to a channel, tasks subscribe to it."""

    def reset_state(self) -> None:
        super().reset_state()
        self.subscribers: dict[tuple[NordicPeripheral, int], int] = {}

    def subscribe(self, peripheral: NordicPeripheral, task: int, value: int) -> None:
        if value & CONNECTED:
            self.subscribers[peripheral, task] = value & CHANNEL
        else:
            self.subscribers.pop((peripheral, task), None)

    def publish(self, source: NordicPeripheral, event: int) -> None:
        target = source.stored(event + 0x80)
        if not target & CONNECTED or not self.open >> (target & CHANNEL) & 1:
            return
        for (peripheral, task), channel in list(self.subscribers.items()):
            if channel == target & CHANNEL and task in peripheral.TASKS:
                peripheral.run(task)


class EventUnit(NordicPeripheral):
    """EGU (and SWI): each task generates its event."""

    EVENT_OFFSETS = tuple(offsets(EVENTS, 16))

    def run(self, task: int) -> None:
        self.fire(EVENTS + task)

    TASKS = dict.fromkeys(range(0, 64, 4), lambda self: None)


class Port(RegisterFile):
    """GPIO port: undriven pins read their pull-up. Parameters: ``base`` of OUT (0x504 or 0x004), ``configuration`` of PIN_CNF.

    LATCH and the DETECT signal are storage: nothing drives the pins.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"base", "configuration"})
    INPUT_DISCONNECTED, PULL_UP = 2, 3
    DIRECTION = 0x10

    def reset_state(self) -> None:
        self.base = self.parameter("base")
        self.pins = tuple(offsets(self.parameter("configuration"), 32))
        self.registers |= {self.base: 0, self.base + self.DIRECTION: 0, self.base + 0x1C: 0, self.base + 0x20: 0}
        self.registers |= dict.fromkeys(self.pins, self.INPUT_DISCONNECTED)

    def read_register(self, offset: int) -> int:
        relative = offset - self.base
        if relative in (4, 8):
            return self.stored(self.base)
        if relative in (0x14, 0x18):
            return self.stored(self.base + self.DIRECTION)
        return self._levels() if relative == 0xC else super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        relative = offset - self.base
        if relative in (4, 8, 0x14, 0x18):
            register = self.base + (self.DIRECTION if relative > 8 else 0)
            old = self.stored(register)
            value = old | value if relative in (4, 0x14) else old & ~value
            offset = register
        if relative == 0xC:
            return
        super().write_register(offset, value)
        if offset == self.base + self.DIRECTION:
            self._follow_direction()
        if offset in self.pins:
            bit = 1 << self.pins.index(offset)
            old = self.stored(self.base + self.DIRECTION)
            self.registers[self.base + self.DIRECTION] = old | bit if value & 1 else old & ~bit

    def _follow_direction(self) -> None:
        """PIN_CNF.DIR shows DIR (6.9)."""
        direction = self.stored(self.base + self.DIRECTION)
        for index, offset in enumerate(self.pins):
            self.registers[offset] = self.stored(offset) & ~1 | direction >> index & 1

    def _levels(self) -> int:
        direction = self.stored(self.base + self.DIRECTION)
        levels = self.stored(self.base) & direction
        for index, offset in enumerate(self.pins):
            if not direction >> index & 1 and self.stored(offset) >> 2 & 3 == self.PULL_UP:
                levels |= 1 << index
        return levels


class PinTasks(NordicPeripheral):
    """GPIOTE: tasks OUT, SET and CLR are accepted and change no pin; no pin ever changes, so no event is generated."""

    EVENT_OFFSETS = (*offsets(EVENTS, 8), 0x17C)
    RESET = dict.fromkeys(offsets(0x510, 8), 0)
    TASKS = dict.fromkeys((*offsets(0x00, 8), *offsets(0x30, 8), *offsets(0x60, 8)), lambda self: None)


class RandomNumbers(NordicPeripheral):
    """RNG (6.19): one byte at a time; a fixed pseudo-random sequence, so that runs repeat exactly.

    Time for a byte: 30 us, with bias correction 120 us (PS 6.19.2, typical).
    """

    CONFIG, VALUE, READY = 0x504, 0x508, 0x100
    EVENT_OFFSETS = (READY,)
    RESET = {CONFIG: 0, VALUE: 0}
    SHORT_CUTS = {0: (READY, 0x4)}

    def reset_state(self) -> None:
        self.running, self.state = False, 0x2545F491

    def start(self) -> None:
        if not self.running:
            self.running = True
            self._wait()

    def stop(self) -> None:
        self.running = False

    def _wait(self) -> None:
        self.after(120 if self.stored(self.CONFIG) & 1 else 30, 1_000_000, self._produce)

    def _produce(self) -> None:
        if not self.running:
            return
        for shift in (13, -17, 5):
            self.state ^= (self.state << shift if shift > 0 else self.state >> -shift) & 0xFFFFFFFF
        self.registers[self.VALUE] = self.state & 0xFF
        self.fire(self.READY)
        if self.running:
            self._wait()

    TASKS = {0x0: start, 0x4: stop}


class Thermometer(NordicPeripheral):
    """TEMP: 25 degrees Celsius, 36 us after the start (PS 6.23)."""

    EVENT_OFFSETS = (0x100,)
    RESET = {
        0x508: 100,
        **dict(zip(offsets(0x520, 6), (0x326, 0x348, 0x3AA, 0x40E, 0x4BD, 0x5A3), strict=True)),
        **dict(zip(offsets(0x540, 6), (0x3FEF, 0x3FBE, 0x3FBE, 0x12, 0x124, 0x27C), strict=True)),
        **dict(zip(offsets(0x560, 5), (0xE2, 0, 0x19, 0x3C, 0x50), strict=True)),
    }

    def start(self) -> None:
        self.after(36, 1_000_000, lambda: self.fire(0x100))

    TASKS = {0x0: start, 0x4: lambda self: None}


class Watchdog(NordicPeripheral):
    """WDT (6.27): resets (CRV + 1) / 32768 seconds after the last reload of all enabled channels. Never stops once started."""

    CRV, RREN, CONFIG, RUNNING, REQUESTS = 0x504, 0x508, 0x50C, 0x400, 0x404
    RELOADS = tuple(offsets(0x600, 8))
    MAGIC = 0x6E524635
    EVENT_OFFSETS = (0x100,)
    RESET = {CRV: 0xFFFFFFFF, RREN: 1, CONFIG: 1, RUNNING: 0}

    def reset_state(self) -> None:
        self.waiting, self.event = 0, None

    def start(self) -> None:
        if not self.stored(self.RUNNING):
            self.registers[self.RUNNING] = 1
            self._reload()

    def _reload(self) -> None:
        if self.event:
            self.event.cancel()
        self.waiting = self.stored(self.RREN)
        self.event = self.after(self.stored(self.CRV) + 1, 32768, self._expire)

    def _expire(self) -> None:
        self.fire(0x100)
        # The reset follows two 32 kHz cycles after the event (6.27).
        self.after(2, 32768, lambda: self.chip.reset("watchdog"))

    def write_register(self, offset: int, value: int) -> None:
        locked = self.stored(self.RUNNING) and offset in (self.CRV, self.RREN, self.CONFIG)
        if offset in self.RELOADS:
            self._request(self.RELOADS.index(offset), value)
        elif not locked:
            super().write_register(offset, value)

    def _request(self, index: int, value: int) -> None:
        if value == self.MAGIC and self.stored(self.RUNNING):
            self.waiting &= ~(1 << index)
            if not self.waiting:
                self._reload()

    TASKS = {0x0: start}
    READS = {REQUESTS: lambda self: self.waiting or self.stored(Watchdog.RREN), RUNNING: lambda self: self.stored(0x400)}
