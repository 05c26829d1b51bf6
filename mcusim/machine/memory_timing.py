"""How each memory answers, from what the firmware has programmed into flash controllers, caches and CCR.

Three arrangements occur: an accelerator or cache of the chip in front of flash (``controller`` and ``cache`` of the
memory), the core's own L1 caches in front of everything that is no TCM (Cortex-M7), and neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from mcusim.boards.board import MemoryRegion
from mcusim.boards.energy_table import MEMORY_EVENTS, WAYS, EnergyTable
from mcusim.boards.wait_states import limits, needed
from mcusim.errors import BoardError, UnsupportedError
from mcusim.machine import system_control as C
from mcusim.machine.layout import LANES
from mcusim.machine.memory_attributes import Attributes, default_attributes
from mcusim.machine.what_if import WhatIf
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


def check_assumptions(memories: tuple[MemoryRegion, ...], machine: Machine) -> None:
    """Refuse a what-if that the board has no place for."""
    what_if, board = machine.options.what_if, machine.board
    timings = ((memory.kind, _timing_of(memory.controller, machine)) for memory in memories)
    flashes = [(kind, flash) for kind, flash in timings if flash is not None]
    cached = any(memory.cache for memory in memories) or {"instruction_cache", "data_cache"} & set(board.parameters)
    for what, value, possible in (
        ("wait states", what_if.wait_states, any(kind == "flash" and flash.programmable for kind, flash in flashes)),
        ("prefetch buffer", what_if.prefetch, any(flash.has_prefetch for _, flash in flashes)),
        ("caches", what_if.caches, cached or any(flash.instruction_lines or flash.data_lines for _, flash in flashes)),
    ):
        if value is not None and not possible:
            raise UnsupportedError(f"board {board.name} has no flash whose {what} software sets, so that none can be assumed")
    if what_if.wait_states is not None and not 0 <= what_if.wait_states < LANES:
        raise BoardError(f"{what_if.wait_states} wait states were asked for; allowed: 0 to {LANES - 1}")
    names = {memory.name for memory in memories}
    for name in [*(name for pair in what_if.placement for name in pair), *(move.region for move in what_if.moves)]:
        if name not in names:
            raise BoardError(f"board {board.name} has no memory {name!r}; allowed: {', '.join(sorted(names))}")


def lanes_of(
    memories: tuple[MemoryRegion, ...], machine: Machine, others: tuple[RegionTiming, ...], what_if: WhatIf,
    variants: Variants = (),
) -> tuple[MemoryTiming, ...]:  # fmt: skip
    """The timing of all memories with 0, 1, ... wait states."""
    return tuple(
        memory_timing(memories, machine, others, replace(what_if, wait_states=number), variants) for number in range(LANES)
    )


def memory_timing(
    memories: tuple[MemoryRegion, ...], machine: Machine, others: tuple[RegionTiming, ...], what_if: WhatIf,
    variants: Variants = (),
) -> MemoryTiming:  # fmt: skip
    """Timing of all ``memories`` as the registers stand now, of ``others`` behind them, and of ``variants`` behind those."""
    regions: list[RegionTiming] = []
    caches: dict[str, Cache] = {}
    devices: dict[str, Device] = {}
    for memory, attributes in (*((memory, default_attributes(memory.address)) for memory in memories), *variants):
        answer = _answer(memory, attributes, machine, what_if)
        regions.append(_region(memory, answer))
        caches |= {cache.name: cache for cache in answer.caches}
        devices |= {device.name: device for device in answer.devices}
    named = {region.name: region for region in regions[: len(memories)]}
    places = dict(what_if.placement)
    moved = [replace(named[places[region.name]], name=region.name) if region.name in places else region for region in regions]
    behind = moved[len(memories) :]
    return MemoryTiming((*moved[: len(memories)], *others, *behind), tuple(caches.values()), tuple(devices.values()))


def _region(memory: MemoryRegion, answer: Answer) -> RegionTiming:
    return RegionTiming(
        memory.name, slave=memory.slave, opening_cycles=memory.opening_cycles, paths=answer.paths,
    )  # fmt: skip


def _answer(memory: MemoryRegion, attributes: Attributes, machine: Machine, what_if: WhatIf) -> Answer:
    if memory.kind == "tcm":
        return Answer()
    if memory.bus in machine.board.parameters.get("buses", {}):
        return _behind_first_level(memory, attributes, machine, what_if)
    flash = _flash(memory, machine, what_if)
    if flash is None:
        return Answer()
    waits = _core_cycles(_taken(flash, memory), flash.clock, machine, what_if)
    if not waits and not machine.options.follow_lanes and not _priced_by_look_ups(machine.board.energy):
        return Answer()
    device = Device(memory.controller, flash.read_bytes, waits, prefetch=flash.prefetch,
                    next_cycles=waits + 1 if flash.next_cycles is None else flash.next_cycles,
                    critical_word_first=flash.critical_word_first, free=not waits, chain=flash.chain)  # fmt: skip
    cache = _timing_of(memory.cache, machine)
    if cache is not None and (cache.enabled if what_if.caches is None else what_if.caches):
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


def _behind_first_level(memory: MemoryRegion, attributes: Attributes, machine: Machine, what_if: WhatIf) -> Answer:
    """A memory on the bus matrix of a Cortex-M7: L1 caches where they are on, else every beat pays the way."""
    bus = machine.board.parameters["buses"][memory.bus]
    flash = _flash(memory, machine, what_if)
    wait_states = _taken(flash, memory) if flash is not None else 0
    clock = memory.clock or (flash.clock if flash is not None else "")
    ratio = _core_cycles(1, clock, machine, what_if)
    first = bus["core_cycles"] + ratio * (bus["cycles"] + wait_states + 1)
    beat = ratio * bus["beat_cycles"]
    name = f"{memory.name}.{memory.bus}"  # the same flash on another bus is a device of its own
    device = Device(name, BEAT_BYTES, first, next_cycles=beat if flash is None else max(beat, flash.next_cycles or 0),
                    write_cycles=beat, write_depth=STORE_BUFFER, chain=_chain(flash, first - ratio * wait_states))  # fmt: skip
    instruction, data = _first_level(attributes, machine, what_if)
    caches = tuple(cache for cache in (instruction, data) if cache is not None)
    fetch = Path(device.name, instruction.name if instruction else "")
    read = Path(device.name, data.name if data else "", buffered=data is not None)
    write = Path(device.name, data.name if data else "", buffered=False, stores=attributes.stores if data else ALLOCATE)
    return Answer(Paths(fetch, read, write if memory.writable else None), caches, (device,))


def _priced_by_look_ups(table: EnergyTable | None) -> bool:
    """Whether energy depends on what caches and buffers see of memories that answer at once."""
    return table is not None and any(table.joules.get(kind) for kind in (*MEMORY_EVENTS, WAYS))


def _chain(flash: Any, buffered_cycles: int) -> Chain | None:
    """Reads out of the controller's buffer take ``buffered_cycles``; otherwise what the flash itself says."""
    if flash is None or not flash.buffer_bytes:
        return None if flash is None else flash.chain
    return Chain(buffered_cycles, buffered_cycles, page_bytes=flash.buffer_bytes, anywhere=True)


def _first_level(attributes: Attributes, machine: Machine, what_if: WhatIf) -> tuple[Cache | None, Cache | None]:
    """The core's own caches that are on and keep memory with these attributes: (instructions, data)."""
    value, parameters = machine.control.stored[C.CCR], machine.board.parameters
    kinds = (("instruction_cache", C.CCR_INSTRUCTION_CACHE), ("data_cache", C.CCR_DATA_CACHE))
    caches = []
    for (name, bit), kept in zip(kinds, (attributes.fetch, attributes.data), strict=True):
        enabled = kept and (bool(value & bit) if what_if.caches is None else what_if.caches)
        caches.append(_level_one(name, parameters[name]) if name in parameters and enabled else None)
    return caches[0], caches[1]


def _level_one(name: str, values: dict[str, int]) -> Cache:
    line, ways = values["line_bytes"], values["ways"]
    return Cache(name, line, values["size_bytes"] // line // ways, ways, write_allocate=name == "data_cache", kept=True)


def _timing_of(name: str, machine: Machine) -> Any:
    """``timing()`` of the peripheral ``name``, None where there is none."""
    peripheral = machine.peripherals.get(name)
    return peripheral.timing() if peripheral is not None and hasattr(peripheral, "timing") else None


def _flash(memory: MemoryRegion, machine: Machine, what_if: WhatIf) -> Any:
    """``timing()`` of the controller of ``memory`` under ``what_if``, None where it has none."""
    flash = _timing_of(memory.controller, machine)
    if flash is None:
        return None
    changes: dict[str, Any] = {}
    if what_if.caches is not None:
        changes["instruction_cache"] = what_if.caches and bool(flash.instruction_lines)
        changes["data_cache"] = what_if.caches and bool(flash.data_lines)
    if what_if.prefetch is not None and flash.has_prefetch:
        changes["prefetch"] = what_if.prefetch
    if flash.programmable and memory.kind == "flash":
        changes["wait_states"] = _wait_states(flash, memory, machine, what_if)
    return replace(flash, **changes)


def _taken(flash: Any, memory: MemoryRegion) -> int:
    """Wait states that a read takes: those that are set, and what the board was measured to add."""
    return max(0, int(flash.wait_states) + memory.extra_wait_states)


def _wait_states(flash: Any, memory: MemoryRegion, machine: Machine, what_if: WhatIf) -> int:
    if what_if.wait_states is not None:
        return what_if.wait_states
    programmed = int(flash.wait_states)
    if not what_if.fewest_wait_states:
        return programmed
    ratio = _core_cycles(1, memory.clock or flash.clock, machine, what_if)
    fewest = needed(machine.board, what_if.clock_hertz or machine.programmed_hertz, ratio)
    if fewest is None:
        return programmed
    return fewest if what_if.clock_hertz is not None else min(fewest, programmed)


def _core_cycles(cycles: int, clock: str, machine: Machine, what_if: WhatIf) -> int:
    """Cycles of a slower clock in core cycles, rounded up; the ratio is what the firmware programmed, or would need to."""
    if not clock or not cycles:
        return cycles
    highest = limits(machine.board)[-1:]
    if highest and what_if.clock_hertz is not None and what_if.fewest_wait_states:
        return cycles if clock == "core" else cycles * -(-what_if.clock_hertz // highest[0])
    hertz = machine.programmed_hertz if clock == "core" else machine.clock_hertz(clock)
    return -(-cycles * machine.programmed_hertz // hertz) if hertz else cycles


def clock_ratio(memories: tuple[MemoryRegion, ...], machine: Machine) -> int:
    """Core cycles in a cycle of the flash that the wait states of ``memories`` count; 1 where there is none."""
    for memory in memories:
        flash = _timing_of(memory.controller, machine)
        if memory.kind == "flash" and flash is not None:
            return _core_cycles(1, memory.clock or flash.clock, machine, machine.options.what_if)
    return 1


def clock_bound(memories: tuple[MemoryRegion, ...], machine: Machine) -> tuple[str, ...]:
    """Memories that run from a clock of their own: how many core cycles they take depends on the core's clock."""
    timings = ((memory.name, _timing_of(memory.controller, machine)) for memory in memories)
    return tuple(name for name, timing in timings if timing is not None and timing.clock_bound)


def flash_wait_states(memories: tuple[MemoryRegion, ...], machine: Machine) -> int | None:
    """Wait states as programmed (or assumed) now; None where software sets none."""
    for memory in memories:
        flash = _flash(memory, machine, machine.options.what_if)
        if memory.kind == "flash" and flash is not None and flash.programmable:
            return int(flash.wait_states)
    return None
