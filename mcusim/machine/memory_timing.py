"""How each memory answers, from what the firmware has programmed into flash controllers, caches and CCR.

First version: a cache that is on is taken to hit always; misses, line fills and prefetch buffers are not simulated yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcusim.boards.board import MemoryRegion
from mcusim.machine import system_control as C
from mcusim.pricing.passage import RegionTiming

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine

CACHEABLE_END = 0x40000000
EXTERNAL = (0x60000000, 0xA0000000)
"""Default memory map: code, SRAM and external RAM are normal memory, cacheable (Armv7-M ARM B3.1)."""


def region_timing(memory: MemoryRegion, machine: Machine) -> RegionTiming:
    """Timing of one region as the registers stand now."""
    fetch_cached, data_cached = _first_level(memory, machine)
    flash = _timing_of(memory.controller, machine)
    serves = flash is not None and getattr(flash, "accelerated_bus", "") in ("", memory.bus)
    if flash is not None and serves:
        fetch_cached |= flash.instruction_cache
        data_cached |= flash.data_cache
    cache = _timing_of(memory.cache, machine)
    if cache is not None and cache.enabled:
        fetch_cached = data_cached = True
    waits = 0 if flash is None else _core_cycles(flash.wait_states, getattr(flash, "clock", ""), machine)
    return RegionTiming(
        memory.name,
        read_wait_cycles=0 if data_cached else waits,
        fetch_wait_cycles=waits,
        fetch_line_bytes=4 if flash is None else flash.read_bytes,
        prefetch=bool(flash is not None and serves and flash.prefetch),
        cached_fetch=fetch_cached,
        cached_data=data_cached,
        slave=memory.slave,
        tightly_coupled=memory.kind == "tcm",
    )


def _timing_of(name: str, machine: Machine) -> Any:
    """``timing()`` of the peripheral ``name``, None where there is none."""
    peripheral = machine.peripherals.get(name)
    return peripheral.timing() if peripheral is not None and hasattr(peripheral, "timing") else None


def _first_level(memory: MemoryRegion, machine: Machine) -> tuple[bool, bool]:
    """Whether the core's own caches are on and serve this region: (instructions, data)."""
    cacheable = memory.address < CACHEABLE_END or EXTERNAL[0] <= memory.address < EXTERNAL[1]
    if memory.kind == "tcm" or memory.bus in ("itcm", "dtcm") or not cacheable:
        return False, False
    value = machine.control.stored[C.CCR]
    parameters = machine.board.parameters
    return (
        "instruction_cache" in parameters and bool(value & C.CCR_INSTRUCTION_CACHE),
        "data_cache" in parameters and bool(value & C.CCR_DATA_CACHE),
    )


def _core_cycles(wait_states: int, clock: str, machine: Machine) -> int:
    """Wait states of a slower clock in core cycles, rounded up."""
    if not clock or not wait_states:
        return wait_states
    hertz = machine.clock_hertz(clock)
    return -(-wait_states * machine.core_hertz() // hertz) if hertz else wait_states
