"""Code that looks as if compiled without optimisation: it stores values to the stack and loads them back at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from mcusim.doctor.diagnosis import Finding
from mcusim.doctor.patient import Patient
from mcusim.isa.instruction import Block, Instruction

RELOAD_DISTANCE = 4
"""Instructions behind a store among which a load of the same stack slot counts as its reload."""
RELOAD_SHARE = 0.03
"""Reloads among the executed instructions from which on code counts as not optimised."""
FRAME_REGISTERS = (7, 11, 13)
"""Registers that point to a frame: R7 and R11 as frame pointers, SP."""
NAMED = 5


def findings(patient: Patient) -> Iterator[Finding]:
    """A finding where stack traffic gives such code away."""
    pairs, executed = reload_pairs(patient)
    total = sum(pairs.values())
    if not executed or total < RELOAD_SHARE * executed:
        return
    names = _functions(patient)
    by_function: dict[str, int] = defaultdict(int)
    for address, count in pairs.items():
        by_function[names(address)] += count
    worst = sorted(by_function, key=lambda name: -by_function[name])
    yield Finding(
        "unoptimised",
        f"{total:,} times a value was stored to the stack and loaded back at once: the code looks as if compiled with -O0",
        "compile with -O2 (-Os where flash is short)",
        not_priced="what another compilation costs is only known from its code: build it and compare",
        where=tuple(worst[:NAMED]),
    )


def reload_pairs(patient: Patient) -> tuple[Mapping[int, int], int]:
    """By address of a block: executed stores to a stack slot that a load of the same slot follows; all instructions."""
    pairs: dict[int, int] = defaultdict(int)
    executed = 0
    for node, _, count in patient.machine.recorder.edges():
        block = node.record.block
        executed += count * len(block.instructions)
        found = pairs_in(block)
        if found:
            pairs[block.address] += count * found
    return pairs, executed


def pairs_in(block: Block) -> int:
    """Stores to a stack slot that a load of the same slot follows closely."""
    instructions = block.instructions
    return sum(
        any(_reloads(store, load) for load in instructions[number + 1 : number + 1 + RELOAD_DISTANCE])
        for number, store in enumerate(instructions)
        if _slot(store) and store.memory is not None and store.memory.write
    )


def _reloads(store: Instruction, load: Instruction) -> bool:
    return load.memory is not None and not load.memory.write and _slot(store) == _slot(load)


def _slot(instruction: Instruction) -> tuple[int, int, int] | None:
    """Base, offset and size of an access to one stack slot."""
    memory = instruction.memory
    if memory is None or memory.count != 1 or memory.index >= 0 or memory.writeback or memory.base not in FRAME_REGISTERS:
        return None
    return memory.base, memory.offset, memory.size


def _functions(patient: Patient) -> Callable[[int], str]:
    def name(address: int) -> str:
        found = patient.program.symbol_at(address)
        return found[0].name if found is not None else f"0x{address:08x}"

    return name
