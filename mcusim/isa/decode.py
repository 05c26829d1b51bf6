"""Thumb words to ``Instruction``: tables of encodings for what an instruction does, Capstone for how it is written.

Decoding is position-independent and cached per word; only targets of direct branches and results of ADR depend on the
address. Undefined words become instructions of kind UNDEFINED: whether they are ever executed is not the decoder's
business.

Operands are normalised so that an evaluator needs one rule per mnemonic:

* ALU: destination, left, right, always in full (``adds r0, #1`` has operands r0, r0, 1; NEG is ``rsb`` r0, r1, 0);
  CMP, CMN, TST, TEQ: left, right; MOV, MVN: destination, source; a shift of operand2 is part of the operand.
* LSL, LSR, ASR, ROR: destination, source, amount (constant or register); RRX: destination, source.
* ADR: destination and the absolute address as constant. MOVW, MOVT: destination, 16-bit constant.
* BFI: destination, source, lowest bit, width; BFC: destination, lowest bit, width; UBFX, SBFX: destination, source,
  lowest, width.
* Long multiplies: low destination, high destination, factors. QADD and its like: destination, Rm, Rn.
* Loads and stores: the transferred registers (exclusive stores: status first); LDM, STM, VLDM, VSTM: none, see
  ``memory``.
* CPS: the I and F bits of the encoding (2: PRIMASK, 1: FAULTMASK).  MSR: special register (``amount`` = mask bits),
  source.
* VMLA, VFMA and their like: destination (which is the addend too), factors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import capstone

from mcusim.errors import DecodeError
from mcusim.isa.forms import UndefinedEncoding, constant
from mcusim.isa.instruction import ALWAYS, Block, Branch, Instruction
from mcusim.isa.kind import Kind
from mcusim.isa.thumb16 import decode16
from mcusim.isa.thumb32 import decode32

CONDITIONS = ("eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "", "")
_MODE = capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS | capstone.CS_MODE_V8
_DISASSEMBLER = capstone.Cs(capstone.CS_ARCH_ARM, _MODE)
_COMPARES = frozenset({"cmp", "cmn", "tst"})
_PLACED = frozenset({"jump", "conditional", "compare", "call"})
"""Kinds of branch whose target is known once the address is."""

_templates: dict[tuple[int, int], Instruction] = {}


def decode(code: bytes, address: int, it_conditions: tuple[int, ...] = ()) -> Instruction:
    """Instruction at the start of ``code`` (at least its two or four bytes), which lies at ``address``.

    ``it_conditions`` are the conditions of the IT slots still open, this instruction's first. Raises DecodeError only
    where ``code`` is too short; words that are no instruction give kind UNDEFINED with the size that their first
    halfword announces.
    """
    first = code[0] | code[1] << 8 if len(code) >= 2 else _too_short(address)
    word = first
    if first >= 0xE800:
        word = first << 16 | (code[2] | code[3] << 8 if len(code) >= 4 else _too_short(address))
    condition = it_conditions[0] if it_conditions else -1
    template = _templates.get((word, condition))
    if template is None:
        template = _templates[word, condition] = _template(word, condition)
    return _place(template, address)


def decode_block(
    read: Callable[[int, int], bytes], address: int, size: int, it_conditions: tuple[int, ...] = ()
) -> Block:
    """Block of the instructions in ``size`` bytes from ``address``, at least one; ``read(address, size)`` returns code
    bytes.

    An instruction that begins inside the range is decoded whole. ``it_conditions``: IT slots open at entry.
    """
    code = read(address, size)
    offset = 0
    instructions: list[Instruction] = []
    while offset < size or not instructions:
        if offset + 4 > len(code) and _is_wide(code, offset):
            code = bytes(code) + read(address + len(code), 2)
        instruction = decode(code[offset : offset + 4], address + offset, it_conditions)
        it_conditions = open_slots(instruction, it_conditions)
        instructions.append(instruction)
        offset += instruction.size
    return Block(address, tuple(instructions))


def open_slots(instruction: Instruction, it_conditions: tuple[int, ...]) -> tuple[int, ...]:
    """Conditions of the IT slots still open after ``instruction``, which was decoded with ``it_conditions``."""
    return instruction.it_conditions or it_conditions[1:]


def _is_wide(code: bytes, offset: int) -> bool:
    return len(code) >= offset + 2 and code[offset + 1] >= 0xE8


def _too_short(address: int) -> int:
    raise DecodeError(f"code ends inside the instruction at 0x{address:08x}; an instruction has 2 or 4 bytes")


def _template(word: int, condition: int) -> Instruction:
    """Instruction at address 0; ``condition`` -1 outside IT blocks."""
    size = 4 if word >> 16 else 2
    try:
        template = decode32(word >> 16, word & 0xFFFF) if size == 4 else decode16(word)
    except UndefinedEncoding:
        template = Instruction(0, size, "udf", Kind.UNDEFINED, operands=(constant(word),))
    if condition >= 0:
        template = _in_it_block(template, condition)
    return replace(template, text=_text(template, word))


def _in_it_block(template: Instruction, condition: int) -> Instruction:
    """The same encoding in an IT slot: conditional, and 16-bit ALU operations leave the flags alone (A7.3.2)."""
    keeps_flags = template.size == 2 and template.mnemonic not in _COMPARES
    branch = template.branch
    if branch is not None and branch.kind == "jump" and condition != ALWAYS:
        branch = Branch("conditional", branch.target)
    return replace(
        template, condition=condition, in_it=True, branch=branch,
        reads_flags=template.reads_flags or condition != ALWAYS,
        sets_flags=template.sets_flags and not keeps_flags,
    )  # fmt: skip


def _place(template: Instruction, address: int) -> Instruction:
    """``template`` at ``address``. Written out in full: this runs for every instruction of every block."""
    t, branch, operands, text = template, template.branch, template.operands, template.text
    if branch is not None and branch.kind in _PLACED:
        branch = Branch(branch.kind, (address + branch.target) & 0xFFFFFFFF)
        text = f"{text} #0x{branch.target:x}"
    elif t.kind is Kind.ADDRESS:
        target = ((address + 4 & ~3) + operands[1].value) & 0xFFFFFFFF
        operands = (operands[0], constant(target))
        text = f"{text} #0x{target:x}"
    return Instruction(
        address, t.size, t.mnemonic, t.kind, text, t.data_type, t.condition, t.in_it, t.sets_flags, t.reads_flags,
        operands,
        t.reads, t.writes, t.float_reads, t.float_writes, t.memory, branch, t.it_conditions,
    )  # fmt: skip


# --- text -----------------------------------------------------------------------------------------------------------
def _text(template: Instruction, word: int) -> str:
    """Assembly text; without target for what ``_place`` completes."""
    if template.kind is Kind.UNDEFINED and template.mnemonic == "udf":
        return f"udf{'.w' if template.size == 4 else ''} #0x{template.operands[0].value:x}"
    halfwords = (word >> 16, word & 0xFFFF) if template.size == 4 else (word,)
    code = b"".join(halfword.to_bytes(2, "little") for halfword in halfwords)
    lines = list(_DISASSEMBLER.disasm_lite(code, 0))
    name, operands = lines[0][2:] if lines else (template.mnemonic, "")
    if template.in_it:
        name = _conditional_name(template, name)
    placed = template.branch is not None and template.branch.kind in _PLACED
    if placed or template.kind is Kind.ADDRESS:
        operands = ", ".join(operands.split(", ")[:-1]) + ("," if ", " in operands else "")
    return f"{name} {operands}".strip()


def _conditional_name(template: Instruction, name: str) -> str:
    """Capstone sees one word at a time: put the slot's condition in, take a 16-bit operation's S away."""
    stem, dot, ending = name.partition(".")
    if stem == template.mnemonic + "s" and not template.sets_flags:
        stem = template.mnemonic
    return stem + CONDITIONS[template.condition] + dot + ending
