"""How each memory answers, from what the firmware has programmed into flash controllers, caches and CCR.

Three arrangements occur: an accelerator or cache of the chip in front of flash (``controller`` and ``cache`` of the
memory), the core's own L1 caches in front of everything that is no TCM (Cortex-M7), and neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mcusim.boards.board import MemoryRegion
from mcusim.machine import system_control as C
from mcusim.machine.what_if import adapted, memory_hertz
from mcusim.pricing.memory import NO_PATHS, Cache, Device, Path, Paths
from mcusim.pricing.passage import MemoryTiming, RegionTiming

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine

CACHEABLE_END = 0x40000000
EXTERNAL = (0x60000000, 0xA0000000)
"""Default memory map: code, SRAM and external RAM are normal memory, cacheable (Armv7-M ARM B3.1)."""
BEAT_BYTES = 8
"""The Cortex-M7's AXIM is 64 bits wide (M7-TRM 5.1)."""
STORE_BUFFER = 4
"""Stores under way on the bus before the Cortex-M7 waits (JNK: a fifth unaligned store waits)."""


class Answer(NamedTuple):
    """The paths of a region, and what they lead through."""

    paths: Paths = NO_PATHS
    caches: tuple[Cache, ...] = ()
    devices: tuple[Device, ...] = ()


def memory_timing(memories: tuple[MemoryRegion, ...], machine: Machine, others: tuple[RegionTiming, ...]) -> MemoryTiming:
    """Timing of all ``memories`` as the registers stand now, and of ``others`` behind them."""
    regions: list[RegionTiming] = []
    caches: dict[str, Cache] = {}
    devices: dict[str, Device] = {}
    for memory in memories:
        answer = _answer(memory, machine)
        regions.append(_region(memory, answer))
        caches |= {cache.name: cache for cache in answer.caches}
        devices |= {device.name: device for device in answer.devices}
    return MemoryTiming((*regions, *others), tuple(caches.values()), tuple(devices.values()))


def _region(memory: MemoryRegion, answer: Answer) -> RegionTiming:
    return RegionTiming(
        memory.name, slave=memory.slave, tightly_coupled=memory.kind == "tcm", opening_cycles=memory.opening_cycles,
        paths=answer.paths,
    )  # fmt: skip


def _answer(memory: MemoryRegion, machine: Machine) -> Answer:
    if memory.kind == "tcm":
        return Answer()
    if memory.bus in machine.board.parameters.get("buses", {}):
        return _behind_first_level(memory, machine)
    flash = _timing_of(memory.controller, machine)
    if flash is None:
        return Answer()
    waits = _core_cycles(flash.wait_states, flash.clock, machine)
    if not waits:
        return Answer()
    device = Device(memory.controller, flash.read_bytes, waits, prefetch=flash.prefetch, next_cycles=waits + 1,
                    critical_word_first=flash.critical_word_first)  # fmt: skip
    cache = _timing_of(memory.cache, machine)
    if cache is not None and cache.enabled:
        unified = Cache(memory.cache, cache.line_bytes, cache.size_bytes // cache.line_bytes // cache.ways, cache.ways)
        slow = Device(device.name, device.word_bytes, waits + cache.miss_cycles, device.next_cycles,
                      prefetch=device.prefetch)  # fmt: skip
        path = Path(slow.name, unified.name)
        return Answer(Paths(path, path), (unified,), (slow,))
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
        caches.append(Cache(names[number], flash.line_bytes, lines // ways, ways, min(flash.read_bytes, flash.line_bytes)))
    read = Path(device.name, names[1], buffered=flash.data_buffer)
    return Answer(Paths(Path(device.name, names[0]), read), tuple(caches), (device,))


def _behind_first_level(memory: MemoryRegion, machine: Machine) -> Answer:
    """A memory on the bus matrix of a Cortex-M7: L1 caches where they are on, else every beat pays the way."""
    bus = machine.board.parameters["buses"][memory.bus]
    flash = _timing_of(memory.controller, machine)
    wait_states = flash.wait_states if flash is not None else 0
    clock = memory.clock or (flash.clock if flash is not None else "")
    ratio = _core_cycles(1, clock, machine)
    first = bus["core_cycles"] + ratio * (bus["cycles"] + wait_states + 1)
    name = f"{memory.bus}.{memory.name}"  # the same flash on another bus is a device of its own
    device = Device(name, BEAT_BYTES, first, next_cycles=ratio * bus["beat_cycles"],
                    write_cycles=ratio * bus["beat_cycles"], write_depth=STORE_BUFFER)  # fmt: skip
    instruction, data = _first_level(memory, machine)
    caches = tuple(cache for cache in (instruction, data) if cache is not None)
    fetch = Path(device.name, instruction.name if instruction else "")
    read = Path(device.name, data.name if data else "", buffered=data is not None)
    write = Path(device.name, data.name if data else "", buffered=False) if memory.writable else None
    return Answer(Paths(fetch, read, write), caches, (device,))


def _first_level(memory: MemoryRegion, machine: Machine) -> tuple[Cache | None, Cache | None]:
    """The core's own caches that are on and serve this region: (instructions, data)."""
    cacheable = memory.address < CACHEABLE_END or EXTERNAL[0] <= memory.address < EXTERNAL[1]
    if not cacheable:
        return None, None
    value, parameters = machine.control.stored[C.CCR], machine.board.parameters
    on = machine.options.what_if.caches
    kinds = (("instruction_cache", C.CCR_INSTRUCTION_CACHE), ("data_cache", C.CCR_DATA_CACHE))
    caches = []
    for name, bit in kinds:
        caches.append(_level_one(name, parameters[name]) if name in parameters and (on or value & bit) else None)
    return caches[0], caches[1]


def _level_one(name: str, values: dict[str, int]) -> Cache:
    line, ways = values["line_bytes"], values["ways"]
    return Cache(name, line, values["size_bytes"] // line // ways, ways, write_allocate=name == "data_cache")


def _timing_of(name: str, machine: Machine) -> Any:
    """``timing()`` of the peripheral ``name``, None where there is none."""
    peripheral = machine.peripherals.get(name)
    if peripheral is None or not hasattr(peripheral, "timing"):
        return None
    return adapted(peripheral.timing(), machine.options.what_if, machine, name)


def _core_cycles(cycles: int, clock: str, machine: Machine) -> int:
    """Cycles of a slower clock in core cycles, rounded up."""
    if not clock or not cycles:
        return cycles
    hertz = memory_hertz(clock, machine)
    return -(-cycles * machine.core_hertz() // hertz) if hertz else cycles
