"""Blocks as decoded: what an instruction stream is before anything is known of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from mcusim.cores import Core
from mcusim.isa.decode import decode_block
from mcusim.isa.instruction import SP, Block, Instruction
from mcusim.isa.legality import illegality
from mcusim.machine import layout as L
from mcusim.machine.facts import FactProgram, compile_facts

BRANCH_FLAGS = {
    "call": L.CALL, "call_register": L.CALL, "return": L.RETURN, "load": L.RETURN,
}  # fmt: skip
MASK_MNEMONICS = frozenset({"cps", "cpsie", "cpsid", "msr"})
MASK_REGISTERS = frozenset({16, 17, 18, 19})
STACK_REGISTERS = frozenset({5, 8, 9, 20})


@dataclass(slots=True)
class BlockRecord:
    """A block as decoded, its fact program, and where it would trap (instruction index, reason) if at all."""

    block: Block
    program: FactProgram
    code: bytes
    dip: int
    flags: int
    watched: bool
    trap: tuple[int, str] | None
    waits: bool
    number: int


class Blocks:
    """Decodes each block once for each content. ``read_code(address, size)`` reads guest memory; ``is_writable(address)``
    tells RAM; a branch to one of ``function_starts`` is a call."""

    def __init__(
        self, core: Core, read_code: Callable[[int, int], bytes], is_writable: Callable[[int], bool],
        function_starts: Iterable[int] = (),
    ) -> None:  # fmt: skip
        self.core, self.read_code, self.is_writable = core, read_code, is_writable
        self.function_starts = set(function_starts)
        self.watched: set[int] = set()
        self.records: dict[tuple[int, int, bytes, tuple[int, ...]], BlockRecord] = {}
        self.starts: set[int] = set()

    def at(self, address: int, size: int, conditions: tuple[int, ...] = ()) -> BlockRecord:
        """The decoded block at ``address`` with the bytes that are there now, its first instructions in open IT slots."""
        code = self.read_code(address, size)
        key = (address, size, code, conditions)
        if key not in self.records:
            self.records[key] = self._decode(*key)
            self.starts.add(address)
        return self.records[key]

    def _decode(self, address: int, size: int, code: bytes, conditions: tuple[int, ...]) -> BlockRecord:
        block = decode_block(self.read_code, address, size, conditions)
        program = compile_facts(block, self.core)
        if self.is_writable(address):
            program = _guard_code(program, address, code)
        found = ((number, illegality(instruction, self.core)) for number, instruction in enumerate(block.instructions))
        illegal = ((number, "no_coprocessor" if why.coprocessor else "undefined") for number, why in found if why)
        return BlockRecord(
            block, program, code, stack_dip(block), self._flags(block), address in self.watched, next(illegal, None),
            _waits(block), len(self.records),
        )  # fmt: skip

    def _flags(self, block: Block) -> int:
        flags = 0
        for instruction in block.instructions:
            if instruction.writes >> SP & 1:
                flags |= L.STACK
            if instruction.mnemonic == "sev":
                flags |= L.WATCH
            if instruction.mnemonic in MASK_MNEMONICS:
                flags |= _mask_flags(instruction)
        if any(instruction.mnemonic == "msr" for instruction in block.instructions) and flags & L.WATCH:
            flags &= ~L.STACK  # SP is the new stack's when the block ends
        last = block.instructions[-1]
        if last.branch is not None:
            flags |= BRANCH_FLAGS.get(last.branch.kind, 0)
            direct = last.branch.kind in ("jump", "conditional", "compare")
            if direct and last.branch.target in self.function_starts:
                flags |= L.CALL | L.TAIL
        return flags


def is_float(instruction: Instruction) -> bool:
    """True for instructions that need the FPU enabled."""
    return instruction.mnemonic.startswith("v")


def first_prediction(instruction: Instruction) -> int:
    """Counter of a branch never seen: backward weakly taken, forward weakly not taken (static prediction)."""
    assert instruction.branch is not None
    return 2 if instruction.branch.target <= instruction.address else 1


def open_conditions(xpsr: int) -> tuple[int, ...]:
    """Conditions of the IT slots that are open in EPSR.IT, which lies in bits 15:10 and 26:25 (Armv7-M ARM, A7.3.3, B1.4.2)."""
    it = (xpsr >> 10 & 0x3F) << 2 | xpsr >> 25 & 3
    conditions = []
    while it & 0xF:
        conditions.append(it >> 4)
        it = it & 0xE0 | it << 1 & 0x1F
    return tuple(conditions)


def next_slot(xpsr: int) -> int:
    """``xpsr`` behind an instruction of an IT block (Armv7-M ARM A7.3.3, ITAdvance)."""
    it = (xpsr >> 10 & 0x3F) << 2 | xpsr >> 25 & 3
    it = it & 0xE0 | it << 1 & 0x1F if it & 7 else 0
    return xpsr & ~0x0600FC00 | it >> 2 << 10 | (it & 3) << 25


def stack_dip(block: Block) -> int:
    """Bytes by which SP was lower inside the block than at its end (SP moved by constants only)."""
    now = lowest = 0
    for instruction in block.instructions:
        if not instruction.writes >> SP & 1:
            continue
        memory = instruction.memory
        if memory is not None and memory.base == SP:
            now += memory.writeback
        elif instruction.mnemonic in ("sub", "add") and instruction.operands[-1].role == "immediate":
            now += instruction.operands[-1].value * (1 if instruction.mnemonic == "add" else -1)
        else:
            return 0
        lowest = min(lowest, now)
    return now - lowest


def _waits(block: Block) -> bool:
    """True for a branch to itself."""
    last = block.instructions[-1]
    return last.branch is not None and last.branch.kind == "jump" and last.branch.target == block.address == last.address


def _mask_flags(instruction: Instruction) -> int:
    """UNMASK for a write of an interrupt mask, WATCH for a write that switches stacks."""
    if instruction.mnemonic != "msr":
        return L.UNMASK
    register = next((operand.value for operand in instruction.operands if operand.role == "special"), 0)
    if register in MASK_REGISTERS:
        return L.UNMASK
    return L.WATCH if register in STACK_REGISTERS else 0


def _guard_code(program: FactProgram, address: int, code: bytes) -> FactProgram:
    """Add the block's own bytes to its facts, for code that may be rewritten."""
    words = -(-len(code) // 4)
    guards = [(L.OP_CODE, 0, 0, 0, address + 4 * word) for word in range(words)]
    rows = np.concatenate([program.rows[:-1], np.array(guards, dtype=np.int64), program.rows[-1:]])
    return FactProgram(np.ascontiguousarray(rows), program.slots, None)
