"""WFI, WFE and sleep-on-exit: skip ahead to the event that wakes the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcusim.machine import layout as L
from mcusim.machine.recorder import Node

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine


class Sleeper:
    """The core's low-power state. Deep sleep differs from sleep in energy only."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def wait_for_event(self, node: Node | None) -> None:
        if node is not None and any(instruction.mnemonic == "sev" for instruction in node.record.block.instructions):
            self.machine.event_register = True
        if self.machine.event_register:
            self.machine.event_register = False
        elif not self.machine.control.nvic.pending:
            self.sleep()

    def sleep(self) -> None:
        """Skip ahead to the event that wakes the core."""
        nvic = self.machine.control.nvic
        start = self.machine.recorder.cycles
        while self.machine.finish is None and not self.wakes():
            due = self.machine.agenda.next_cycle()
            if due is None:
                self.machine.end("asleep", text="the core sleeps and nothing can wake it")
                break
            self.machine.recorder.state[L.CYCLES] = max(self.machine.recorder.cycles, due)
            self.machine.agenda.run_due(self.machine.recorder.cycles)
            self.machine.limits.check()
        self.machine.sleeping_cycles += self.machine.recorder.cycles - start
        self.machine.recorder.flush()
        del nvic

    def wakes(self) -> bool:
        """A pending exception wakes the core if it would preempt with PRIMASK clear."""
        nvic = self.machine.control.nvic
        if not nvic.pending:
            return False
        basepri = self.machine.engine.get("basepri") if self.machine.traits.groups else 0
        return nvic.next_exception(nvic.execution_priority(0, basepri, 0)) is not None
