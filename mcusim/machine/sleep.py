"""WFI, WFE and sleep-on-exit: skip ahead to the event that wakes the core (Armv7-M ARM B1.5.17 to B1.5.20)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcusim.machine import layout as L
from mcusim.machine.graph import Node

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine


class Sleeper:
    """The core's low-power state. Deep sleep differs from sleep in energy only."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def wait_for_event(self, node: Node | None) -> None:
        """WFE: clear the event register, or sleep until it is set or an exception is taken."""
        if node is not None and any(instruction.mnemonic == "sev" for instruction in node.record.block.instructions):
            self.machine.event_register = True
        if not self.machine.event_register:
            self.sleep(for_event=True)
        self.machine.event_register = False

    def sleep(self, for_event: bool = False) -> None:
        """Skip ahead to what wakes the core, a limit of the run, or a reset."""
        machine, resets = self.machine, self.machine.reset_count
        start = machine.recorder.cycles
        machine.steering.note("sleep", "WFE" if for_event else "WFI", machine.pc)
        wakes = self._event_wakes if for_event else self.wakes
        machine.agenda.run_due(start)
        while machine.finish is None and machine.reset_count == resets and not wakes():
            due = machine.agenda.next_cycle()
            if due is None:
                machine.end("asleep", text="the core sleeps and nothing can wake it")
                break
            self._skip_to(min(due, machine.limits.time_horizon()))
        machine.sleeping_cycles += machine.recorder.cycles - start
        machine.recorder.flush()

    def _skip_to(self, cycle: int) -> None:
        """Pass the time up to ``cycle``; no instruction runs meanwhile, so an instruction limit comes no nearer."""
        machine, before = self.machine, self.machine.recorder.cycles
        machine.recorder.state[L.CYCLES] = max(before, cycle)
        machine.limits.next_count += machine.recorder.cycles - before
        machine.agenda.run_due(machine.recorder.cycles)
        machine.limits.check()

    def _event_wakes(self) -> bool:
        """An event, or an exception that is taken (PRIMASK holds it back)."""
        return self.machine.event_register or self.machine.due_exception() is not None

    def wakes(self) -> bool:
        """A pending exception wakes the core from WFI if it would be taken with PRIMASK clear."""
        nvic, machine = self.machine.control.nvic, self.machine
        if not nvic.pending:
            return False
        if not machine.traits.groups:
            return nvic.next_exception(nvic.execution_priority(0, 0, 0)) is not None
        basepri, faultmask = machine.engine.get("basepri"), machine.engine.get("faultmask")
        return nvic.next_exception(nvic.execution_priority(0, basepri, faultmask)) is not None
