"""What would be otherwise: changes to memory timing, clock and data that a run assumes, without touching the firmware."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine


@dataclass(frozen=True, slots=True)
class Placement:
    """Code and data from ``start`` up to ``end`` answer as the board's memory ``region`` does."""

    start: int
    end: int
    region: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Assumptions of a run; the default assumes nothing.

    ``caches``: all caches are on; ``prefetch``: flash prefetches where it can; ``fewest_wait_states``: flash waits no
    longer than its clock needs (the board's ``wait_states``); ``clock_hertz``: the core runs at that rate throughout,
    flash with the wait states that it needs then, and peripherals at the rates that the firmware chose; ``aligned``:
    no access is misaligned; ``placements``: what lies elsewhere. All apply from reset on.
    """

    caches: bool = False
    prefetch: bool = False
    fewest_wait_states: bool = False
    clock_hertz: int = 0
    aligned: bool = False
    placements: tuple[Placement, ...] = ()

    def and_also(self, other: WhatIf) -> WhatIf:
        """Both at once."""
        return WhatIf(
            self.caches or other.caches, self.prefetch or other.prefetch,
            self.fewest_wait_states or other.fewest_wait_states, max(self.clock_hertz, other.clock_hertz),
            self.aligned or other.aligned, self.placements + other.placements,
        )  # fmt: skip


AS_IT_IS = WhatIf()
"""No assumption."""


def adapted(timing: Any, what_if: WhatIf, machine: Machine, controller: str) -> Any:
    """The timing of a flash controller or cache under ``what_if``."""
    if hasattr(timing, "enabled"):  # a cache of the chip
        return replace(timing, enabled=timing.enabled or what_if.caches)
    changes: dict[str, Any] = {}
    if what_if.caches and (timing.instruction_lines or timing.data_lines):
        changes["instruction_cache"] = bool(timing.instruction_lines)
        changes["data_cache"] = timing.data_cache or (timing.switched_data and bool(timing.data_lines))
        changes["wait_states"] = timing.miss_wait_states or timing.wait_states
    if what_if.prefetch and "prefetch" in machine.peripherals[controller].spec.parameters:
        changes["prefetch"] = True
    table = machine.board.parameters.get("wait_states")
    if table and (what_if.fewest_wait_states or what_if.clock_hertz):
        needed = needed_wait_states(table, memory_hertz(timing.clock, machine))
        fewest = min(needed, timing.wait_states) if not what_if.clock_hertz else needed
        changes["wait_states"] = fewest
    return replace(timing, **changes)


def needed_wait_states(table: Any, hertz: int) -> int:
    """Fewest wait states at a flash clock of ``hertz``; ``table`` holds the highest clock for 0, 1, 2 ... of them."""
    return next((number for number, highest in enumerate(table) if hertz <= highest), len(table) - 1)


def memory_hertz(clock: str, machine: Machine) -> int:
    """Rate of the clock that a memory runs from ("" is the core's)."""
    core = machine.core_hertz()
    if not clock:
        return core
    if not machine.options.what_if.clock_hertz:
        return machine.clock_hertz(clock)
    table = machine.board.parameters.get("wait_states")
    if table:  # the bus divides the core's clock until flash can follow
        return core // -(-core // table[-1])
    return core * machine.clock_hertz(clock) // machine.programmed_hertz
