"""Code that looks as if compiled without optimisation: it keeps its variables on the stack and loads them at each use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from mcusim.doctor.diagnosis import Finding
from mcusim.doctor.patient import Patient
from mcusim.isa.instruction import Instruction

RELOAD_SHARE = 0.15
"""Reloads among the executed instructions of a function from which on it may be not optimised: gcc and clang reach 20 to
40 % with -O0. Optimised code gets there too where it runs out of registers, but only here and there:"""
MOST = 0.5
"""Share of the functions with variables on the stack that must be so at least,"""
SEVERAL = 2
"""and one alone proves nothing."""
FRAME_REGISTERS = (7, 11, 13)
"""Registers that point to a frame: R7 and R11 as frame pointers, SP."""
WORTH, NAMED = 0.01, 5

Slot = tuple[int, int, int]
"""Base register, offset and size of an access to the frame."""


@dataclass(slots=True)
class Frame:
    """What a function does with its frame: executed loads by slot, slots that it stores to, executed instructions."""

    loads: dict[Slot, int] = field(default_factory=lambda: defaultdict(int))
    stored: set[Slot] = field(default_factory=set)
    instructions: int = 0

    @property
    def reloads(self) -> int:
        """Executed loads of slots that the function itself stores to."""
        return sum(count for slot, count in self.loads.items() if slot in self.stored)


def findings(patient: Patient) -> Iterator[Finding]:
    """A finding where stack traffic gives such code away."""
    frames = frames_of(patient)
    slow = {name for name, frame in frames.items() if frame.reloads > RELOAD_SHARE * frame.instructions}
    rows = [row for row in patient.report.functions if row.name in slow]
    cycles = sum(row.self_cycles for row in rows)
    framed = sum(bool(frame.stored) for frame in frames.values())
    if cycles < WORTH * patient.report.cycles or len(slow) < max(MOST * framed, SEVERAL):
        return
    reloads = sum(frames[name].reloads for name in slow)
    yield Finding(
        "unoptimised",
        f"functions with {cycles:,} cycles load {reloads:,} times what they had stored to the stack themselves: they look as "
        "if compiled with -O0",
        "compile with -O2 (-Os where flash is short)",
        not_priced="what another compilation costs is only known from its code: build it and compare",
        where=tuple(row.name for row in rows[:NAMED]),
    )


def frames_of(patient: Patient) -> dict[str, Frame]:
    """Frame traffic of each function that ran."""
    frames: dict[str, Frame] = defaultdict(Frame)
    for node, _, count in patient.machine.recorder.graph.edges():
        found = patient.program.symbol_at(node.address)
        if found is None:
            continue
        frame, instructions = frames[found[0].name], node.record.block.instructions
        frame.instructions += count * len(instructions)
        for slot in map(slot_of, filter(_loads, instructions)):
            if slot is not None:
                frame.loads[slot] += count
        frame.stored |= {slot for slot in map(slot_of, filter(_stores, instructions)) if slot is not None}
    return frames


def _loads(instruction: Instruction) -> bool:
    return instruction.memory is not None and not instruction.memory.write


def _stores(instruction: Instruction) -> bool:
    return instruction.memory is not None and instruction.memory.write


def slot_of(instruction: Instruction) -> Slot | None:
    """The stack slot that a single load or store accesses; None for everything else."""
    memory = instruction.memory
    if memory is None or memory.count != 1 or memory.index >= 0 or memory.writeback or memory.base not in FRAME_REGISTERS:
        return None
    return memory.base, memory.offset, memory.size
