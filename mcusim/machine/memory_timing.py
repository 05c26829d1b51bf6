"""How each memory answers, from what the firmware has programmed into flash controllers, caches and CCR.

Three arrangements occur: an accelerator or cache of the chip in front of flash (``controller`` and ``cache`` of the
memory), the core's own L1 caches in front of everything that is no TCM (Cortex-M7), and neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from mcusim.boards.board import Board, MemoryRegion
from mcusim.errors import BoardError, UnsupportedError
from mcusim.machine import system_control as C
from mcusim.machine.layout import LANES
from mcusim.machine.memory_attributes import Attributes, default_attributes
from mcusim.pricing.memory import ALLOCATE, NO_PATHS, Cache, Chain, Device, Path, Paths
from mcusim.pricing.passage import MemoryTiming, RegionTiming

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine

Variants = Sequence[tuple[MemoryRegion, Attributes]]
"""Memories once more, each with attributes that a part of it has (``mcusim.machine.memory_attributes``)."""
BEAT_BYTES = 8
"""The Cortex-M7's AXIM is 64 bits wide (M7-TRM 5.1)."""
STORE_BUFFER = 4
"""Stores under way on the bus before the Cortex-M7 waits (JNK: a fifth unaligned store waits)."""


class Answer(NamedTuple):
    """The paths of a region, and what they lead through."""

    paths: Paths = NO_PATHS
    caches: tuple[Cache, ...] = ()
    devices: tuple[Device, ...] = ()


@dataclass(frozen=True, slots=True)
class Assumed:
    """What is assumed in place of what the firmware programmed; None and empty where its registers count.

    ``caches`` are those of the core and in front of flash; ``placement`` pairs a memory with the one that it answers like.
    ``keep``: memories without wait states are asked too, so that their accesses are counted.
    """

    wait_states: int | None = None
    caches: bool | None = None
    prefetch: bool | None = None
    placement: tuple[tuple[str, str], ...] = ()
    keep: bool = False

    def of_flash(self, flash: Any, memory: MemoryRegion) -> Any:
        """The flash timing ``flash`` with the assumptions put in."""
        if flash is None or not flash.programmable:
            return flash
        changes: dict[str, Any] = {}
        if self.wait_states is not None and memory.kind == "flash":
            changes["wait_states"] = self.wait_states
        if self.prefetch is not None:
            changes["prefetch"] = self.prefetch
        if self.caches is not None:
            changes |= {"instruction_cache": self.caches, "data_cache": self.caches}
        return replace(flash, **changes) if changes else flash


def check_assumptions(assumed: Assumed, memories: tuple[MemoryRegion, ...], board: Board, machine: Machine) -> None:
    """Refuse an assumption that ``board`` has no place for."""
    flashes = [_timing_of(memory.controller, machine) for memory in memories if memory.kind == "flash"]
    programmable = any(flash is not None and flash.programmable for flash in flashes)
    first_level = {"instruction_cache", "data_cache"} & set(board.parameters)
    for what, value, possible in (
        ("wait states", assumed.wait_states, programmable), ("prefetch buffer", assumed.prefetch, programmable),
        ("caches", assumed.caches, programmable or first_level),
    ):  # fmt: skip
        if value is not None and not possible:
            raise UnsupportedError(f"board {board.name} has no flash whose {what} software sets, so that none can be assumed")
    if assumed.wait_states is not None and not 0 <= assumed.wait_states < LANES:
        raise BoardError(f"{assumed.wait_states} wait states were asked for; allowed: 0 to {LANES - 1}")
    names = {memory.name for memory in memories}
    for name in (name for pair in assumed.placement for name in pair):
        if name not in names:
            raise BoardError(f"board {board.name} has no memory {name!r}; allowed: {', '.join(sorted(names))}")


def lanes_of(
    memories: tuple[MemoryRegion, ...], machine: Machine, others: tuple[RegionTiming, ...], assumed: Assumed,
    variants: Variants = (),
) -> tuple[MemoryTiming, ...]:  # fmt: skip
    """The timing of all memories with 0, 1, ... wait states."""
    return tuple(
        memory_timing(memories, machine, others, replace(assumed, wait_states=number), variants) for number in range(LANES)
    )


def memory_timing(
    memories: tuple[MemoryRegion, ...], machine: Machine, others: tuple[RegionTiming, ...], assumed: Assumed,
    variants: Variants = (),
) -> MemoryTiming:  # fmt: skip
    """Timing of all ``memories`` as the registers stand now, of ``others`` behind them, and of ``variants`` behind those."""
    regions: list[RegionTiming] = []
    caches: dict[str, Cache] = {}
    devices: dict[str, Device] = {}
    for memory, attributes in (*((memory, default_attributes(memory.address)) for memory in memories), *variants):
        answer = _answer(memory, attributes, machine, assumed)
        regions.append(_region(memory, answer))
        caches |= {cache.name: cache for cache in answer.caches}
        devices |= {device.name: device for device in answer.devices}
    named = {region.name: region for region in regions[: len(memories)]}
    places = dict(assumed.placement)
    moved = [replace(named[places[region.name]], name=region.name) if region.name in places else region for region in regions]
    behind = moved[len(memories) :]
    return MemoryTiming((*moved[: len(memories)], *others, *behind), tuple(caches.values()), tuple(devices.values()))


def _region(memory: MemoryRegion, answer: Answer) -> RegionTiming:
    return RegionTiming(
        memory.name, slave=memory.slave, tightly_coupled=memory.kind == "tcm", opening_cycles=memory.opening_cycles,
        paths=answer.paths,
    )  # fmt: skip


def _answer(memory: MemoryRegion, attributes: Attributes, machine: Machine, assumed: Assumed) -> Answer:
    if memory.kind == "tcm":
        return Answer()
    if memory.bus in machine.board.parameters.get("buses", {}):
        return _behind_first_level(memory, attributes, machine, assumed)
    flash = assumed.of_flash(_timing_of(memory.controller, machine), memory)
    if flash is None:
        return Answer()
    waits = _core_cycles(flash.wait_states, flash.clock, machine)
    if not waits and not assumed.keep:
        return Answer()
    device = Device(memory.controller, flash.read_bytes, waits, prefetch=flash.prefetch,
                    next_cycles=waits + 1 if flash.next_cycles is None else flash.next_cycles,
                    critical_word_first=flash.critical_word_first, free=not waits, chain=flash.chain)  # fmt: skip
    cache = _timing_of(memory.cache, machine)
    if cache is not None and (cache.enabled if assumed.caches is None else assumed.caches):
        unified = Cache(memory.cache, cache.line_bytes, cache.size_bytes // cache.line_bytes // cache.ways, cache.ways)
        slow = replace(device, first_cycles=waits + cache.miss_cycles)
        past = replace(device, name=f"{device.name}.uncached")  # RM0522 7.4.6: what the MPU makes non-cacheable goes round
        kinds = (attributes.fetch, attributes.data)
        fetch, read = (Path(slow.name, unified.name) if kept else Path(past.name) for kept in kinds)
        return Answer(Paths(fetch, read), (unified,), (slow,) if all(kinds) else (slow, past))
    return _accelerated(memory, flash, device)


def _accelerated(memory: MemoryRegion, flash: Any, device: Device) -> Answer:
    """Flash behind the accelerator of its controller."""
    serves = flash.accelerated_bus in ("", memory.bus)
    caches, names = [], ["", ""]
    kinds = ((flash.instruction_cache, flash.instruction_lines), (flash.data_cache or flash.unified, flash.data_lines))
    for number, (enabled, lines) in enumerate(kinds):
        if not (serves and enabled and lines):
            continue
        if number and flash.unified:
            names[number] = names[0]
            continue
        ways = flash.ways or lines
        names[number] = f"{device.name}.{'data' if number else 'instruction'}"
        sector = flash.line_bytes if flash.whole_line else min(flash.read_bytes, flash.line_bytes)
        caches.append(Cache(names[number], flash.line_bytes, lines // ways, ways, sector, flash.policy, kept=flash.kept))
    slow = replace(device, name=f"{device.name}.miss", first_cycles=device.first_cycles + flash.miss_cycles)
    devices = [slow if name and flash.miss_cycles else device for name in names]
    read = Path(devices[1].name, names[1], buffered=flash.data_buffer)
    return Answer(Paths(Path(devices[0].name, names[0]), read), tuple(caches), tuple(dict.fromkeys(devices)))


def _behind_first_level(memory: MemoryRegion, attributes: Attributes, machine: Machine, assumed: Assumed) -> Answer:
    """A memory on the bus matrix of a Cortex-M7: L1 caches where they are on, else every beat pays the way."""
    bus = machine.board.parameters["buses"][memory.bus]
    flash = assumed.of_flash(_timing_of(memory.controller, machine), memory)
    wait_states = flash.wait_states if flash is not None else 0
    clock = memory.clock or (flash.clock if flash is not None else "")
    ratio = _core_cycles(1, clock, machine)
    first = bus["core_cycles"] + ratio * (bus["cycles"] + wait_states + 1)
    beat = ratio * bus["beat_cycles"]
    device = Device(f"{memory.name}.{memory.bus}", BEAT_BYTES, first, next_cycles=beat if flash is None else max(
                    beat, flash.next_cycles or 0), write_cycles=beat, write_depth=STORE_BUFFER,
                    chain=_chain(flash, first - ratio * wait_states))  # fmt: skip
    instruction, data = _first_level(attributes, machine, assumed)
    caches = tuple(cache for cache in (instruction, data) if cache is not None)
    fetch = Path(device.name, instruction.name if instruction else "")
    read = Path(device.name, data.name if data else "", buffered=data is not None)
    write = Path(device.name, data.name if data else "", buffered=False, stores=attributes.stores if data else ALLOCATE)
    return Answer(Paths(fetch, read, write if memory.writable else None), caches, (device,))


def _chain(flash: Any, buffered_cycles: int) -> Chain | None:
    """Reads out of the controller's buffer take ``buffered_cycles``; otherwise what the flash itself says."""
    if flash is None or not flash.buffer_bytes:
        return None if flash is None else flash.chain
    return Chain(buffered_cycles, buffered_cycles, page_bytes=flash.buffer_bytes, anywhere=True)


def _first_level(attributes: Attributes, machine: Machine, assumed: Assumed) -> tuple[Cache | None, Cache | None]:
    """The core's own caches that are on and keep memory with these attributes: (instructions, data)."""
    value, parameters = machine.control.stored[C.CCR], machine.board.parameters
    kinds = (("instruction_cache", C.CCR_INSTRUCTION_CACHE), ("data_cache", C.CCR_DATA_CACHE))
    caches = []
    for (name, bit), kept in zip(kinds, (attributes.fetch, attributes.data), strict=True):
        enabled = kept and (bool(value & bit) if assumed.caches is None else assumed.caches)
        caches.append(_level_one(name, parameters[name]) if name in parameters and enabled else None)
    return caches[0], caches[1]


def _level_one(name: str, values: dict[str, int]) -> Cache:
    line, ways = values["line_bytes"], values["ways"]
    return Cache(name, line, values["size_bytes"] // line // ways, ways, write_allocate=name == "data_cache", kept=True)


def _timing_of(name: str, machine: Machine) -> Any:
    """``timing()`` of the peripheral ``name``, None where there is none."""
    peripheral = machine.peripherals.get(name)
    return peripheral.timing() if peripheral is not None and hasattr(peripheral, "timing") else None


def _core_cycles(cycles: int, clock: str, machine: Machine) -> int:
    """Cycles of a slower clock in core cycles, rounded up; the ratio is what the firmware programmed."""
    if not clock or not cycles:
        return cycles
    hertz = machine.programmed_hertz if clock == "core" else machine.clock_hertz(clock)
    return -(-cycles * machine.programmed_hertz // hertz) if hertz else cycles


def clock_ratio(memories: tuple[MemoryRegion, ...], machine: Machine) -> int:
    """Core cycles in a cycle of the flash that the wait states of ``memories`` count; 1 where there is none."""
    for memory in memories:
        flash = _timing_of(memory.controller, machine)
        if memory.kind == "flash" and flash is not None:
            return _core_cycles(1, memory.clock or flash.clock, machine)
    return 1


def clock_bound(memories: tuple[MemoryRegion, ...], machine: Machine) -> tuple[str, ...]:
    """Memories that run from a clock of their own: how many core cycles they take depends on the core's clock."""
    timings = ((memory.name, _timing_of(memory.controller, machine)) for memory in memories)
    return tuple(name for name, timing in timings if timing is not None and timing.clock_bound)


def flash_wait_states(memories: tuple[MemoryRegion, ...], machine: Machine) -> int | None:
    """Wait states as programmed (or assumed) now; None where software sets none."""
    for memory in memories:
        flash = machine.assumed.of_flash(_timing_of(memory.controller, machine), memory)
        if memory.kind == "flash" and flash is not None and flash.programmable:
            return int(flash.wait_states)
    return None
