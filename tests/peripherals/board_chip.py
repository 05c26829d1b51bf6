"""A chip without a core: the peripherals of a board on a deterministic clock, for tests of the models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcusim.boards import load
from mcusim.machine.events import Agenda, Event
from mcusim.machine.peripherals import create


class BoardChip:
    """What the machine offers to peripherals; time moves only by ``advance``, memory is a dictionary of bytes."""

    def __init__(self, board_name: str) -> None:
        self.board = load(board_name)
        self.cycle, self.hertz, self.agenda = 0, self.board.clock_hertz, Agenda()
        self.sent: list[tuple[int, str, bytes]] = []
        self.lines: dict[int, bool] = {}
        self.sources: dict[tuple[int, str], bool] = {}
        self.memory: dict[int, int] = {}
        self.resets: list[str] = []
        self.warnings: list[str] = []
        self.timing_changes = 0
        self.emptied: list[tuple[str, int | None, int | None]] = []
        self.lookups = (0, 0, 0, 0)
        self.peripherals: dict[str, Any] = {}
        for spec in self.board.peripherals:
            self.peripherals[spec.name] = create(self, spec)

    def now(self) -> int:
        return self.cycle

    def at(self, cycle: int, action: Callable[[], None]) -> Event:
        return self.agenda.add(max(cycle, self.cycle), action)

    def set_interrupt(self, number: int, active: bool, source: str = "") -> None:
        self.sources[number, source] = active
        self.lines[number] = any(state for (line, _), state in self.sources.items() if line == number)

    def core_hertz(self) -> int:
        return self.hertz

    def set_core_hertz(self, hertz: int) -> None:
        self.hertz = hertz
        for peripheral in self.peripherals.values():
            peripheral.clock_changed()

    def clock_hertz(self, name: str) -> int:
        return self.hertz if name == "core" else self.peripherals[self.board.clock_peripheral].clock_hertz(name)

    def timing_changed(self) -> None:
        self.timing_changes += 1

    def empty_cache(self, name: str, address: int | None = None, way: int | None = None) -> None:
        self.emptied.append((name, address, way))

    def cache_lookups(self, name: str) -> tuple[int, int, int, int]:
        return self.lookups

    def transmit(self, name: str, data: bytes) -> None:
        self.sent.append((self.cycle, name, data))

    def read_memory(self, address: int, size: int) -> bytes:
        return bytes(self.memory.get(address + index, 0) for index in range(size))

    def write_memory(self, address: int, data: bytes) -> None:
        self.memory.update(enumerate(data, address))

    def program_memory(self, address: int, data: bytes) -> None:
        self.memory.update(enumerate(data, address))

    def reset(self, reason: str) -> None:
        self.resets.append(reason)

    def peripheral(self, name: str) -> Any:
        return self.peripherals[name]

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def advance(self, cycles: int) -> None:
        """Let ``cycles`` core cycles pass and run what falls due, at its cycle."""
        end = self.cycle + cycles
        while (due := self.agenda.next_cycle()) is not None and due <= end:
            self.cycle = max(self.cycle, due)
            self.agenda.run_due(self.cycle)
        self.cycle = end

    def advance_seconds(self, seconds: float) -> None:
        self.advance(round(seconds * self.hertz))

    def store(self, address: int, value: int, size: int = 4) -> None:
        """A store by the core to a register address."""
        peripheral, offset = self._find(address)
        peripheral.write(offset, size, value)

    def load(self, address: int, size: int = 4) -> int:
        """A load by the core from a register address."""
        peripheral, offset = self._find(address)
        return peripheral.read(offset, size)

    def text(self, name: str) -> str:
        """What a UART has sent."""
        return b"".join(data for _, sender, data in self.sent if sender == name).decode()

    def _find(self, address: int) -> tuple[Any, int]:
        for spec in self.board.peripherals:
            for base in (spec.address, *spec.aliases):
                if base <= address < base + spec.size:
                    return self.peripherals[spec.name], address - base
        raise AssertionError(f"no peripheral at {address:#x}")
