"""Long blocks that are left at once, again and again: what is left of them is looked at a few instructions at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcusim.isa.decode import decode_block
from mcusim.isa.instruction import Instruction
from mcusim.isa.kind import Kind
from mcusim.machine.blocks import open_conditions
from mcusim.machine.engine import PAGE
from mcusim.machine.graph import Node

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine

LONG = 32
"""A new block of which more instructions than that do not run was looked at in vain."""
ALLOWED = 4096
"""So many instructions may be looked at in vain before blocks are cut."""
CUT = 16
"""Instructions of a block that is cut, at least."""
KINDS = list(Kind)
STRAIGHT = frozenset({*KINDS[: KINDS.index(Kind.BRANCH)], Kind.IT, Kind.READ_SPECIAL}) - {Kind.CLEAR_EXCLUSIVE}
"""What a block never ends with of itself."""


class Stumbles:
    """Says where the next block shall be cut, from how new blocks were left.

    Unicorn's blocks end at a branch or at the end of a page. Where each instruction of straight code ends its block early (each
    faults, or an interrupt comes every few cycles), the rest of the page is decoded and priced anew for every instruction.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.in_vain = 0
        self.judged = 0
        """Nodes that there were at the last look."""
        self.places: set[int] = set()
        self.cut: int | None = None
        """Where the block that is looked at now is cut."""
        self.as_it_is = False
        """The next block has been looked at and shall run whole."""

    def end_of_block(self, pc: int) -> int | None:
        """Where the block at ``pc`` shall be cut; None: nowhere."""
        machine = self.machine
        as_it_is, self.as_it_is = self.as_it_is, False
        if as_it_is or self.in_vain <= ALLOWED or machine.options.bare:
            return None
        if pc in machine.recorder.blocks.starts and pc not in self.places:
            return None
        conditions = open_conditions(machine.engine.get("xpsr"))
        instructions = decode_block(machine.engine.read, pc, 4 * CUT, conditions).instructions
        for number, instruction in enumerate(instructions):
            if instruction.address // PAGE != pc // PAGE or instruction.end // PAGE != pc // PAGE:
                return None  # the block may end here of itself
            if number >= CUT and not instruction.in_it:
                return instruction.address
            if not _is_straight(instruction):
                return None
        return None

    def is_cut(self, node: Node) -> bool:
        """True when ``node`` is a block that ends only because it was cut."""
        return node.record.block.end == self.cut

    def note(self, node: Node, count: int) -> None:
        """``node`` was left after ``count`` instructions."""
        length, is_cut = len(node.record.block.instructions), self.is_cut(node)
        is_new, self.judged = node.index >= self.judged, len(self.machine.recorder.graph.nodes)
        if is_cut and count == length:
            self.places.discard(node.address)
        elif is_new and (is_cut or length - count > LONG):
            self.in_vain += length - count
            self.places.add(node.address)


def _is_straight(instruction: Instruction) -> bool:
    return instruction.branch is None and (instruction.kind in STRAIGHT or instruction.mnemonic == "nop")
