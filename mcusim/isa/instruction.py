"""A decoded Thumb instruction: what timing, addresses and faults depend on, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcusim.isa.kind import Kind

ALWAYS = 14
"""Condition code AL."""

PC, LR, SP = 15, 14, 13


@dataclass(frozen=True, slots=True)
class Operand:
    """One operand in the order of Arm's assembly syntax, destination first.

    ``role`` is ``"register"`` (``value`` = 0..15), ``"float"`` (``value`` = index of the first S register, ``width`` in
    S registers), ``"immediate"`` (``value``), or ``"special"`` (``value`` = the SYSm number of MRS/MSR).
    ``shift`` is ``""``, ``"lsl"``, ``"lsr"``, ``"asr"``, ``"ror"`` or ``"rrx"``; ``amount`` is its constant, unless
    ``shift_register`` is not -1. Extend instructions carry their rotation as ``ror`` here.
    """

    role: str
    value: int
    width: int = 1
    shift: str = ""
    amount: int = 0
    shift_register: int = -1


@dataclass(frozen=True, slots=True)
class MemoryOperand:
    """The memory access of a load or store: ``count`` transfers of ``size`` bytes at rising addresses.

    First address = R[base] (word-aligned when base is PC) + (R[index] << shift if index >= 0, subtracted when
    ``subtract``) + offset. After the access R[base] += writeback (0: base unchanged). Post-indexed forms have
    ``offset`` 0.
    ``registers`` are the core registers transferred, in order of address (empty for FP transfers);
    ``float_registers`` the S-register numbers.
    """

    base: int
    offset: int
    size: int
    count: int
    write: bool
    index: int = -1
    shift: int = 0
    subtract: bool = False
    writeback: int = 0
    signed: bool = False
    registers: tuple[int, ...] = ()
    float_registers: tuple[int, ...] = ()
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """How an instruction leaves the straight line.

    ``kind``: ``"jump"`` (B), ``"conditional"`` (B<cc>), ``"compare"`` (CBZ/CBNZ), ``"call"`` (BL), ``"call_register"``
    (BLX), ``"register"`` (BX, MOV/ADD to PC), ``"return"`` (BX LR), ``"load"`` (LDR/LDM/POP to PC), ``"table"``
    (TBB/TBH).
    ``target``: absolute address where known, else -1.
    """

    kind: str
    target: int = -1


@dataclass(frozen=True, slots=True)
class Instruction:
    """One decoded instruction.

    ``mnemonic`` is the base mnemonic in lower case without condition, width and flag suffix (``"add"``, ``"ldrsb"``,
    ``"vfma"``); ``data_type`` the floating-point type (``"f32"``, ``"f64"``, ``"s32.f32"`` ...) or ``""``.
    ``reads``/``writes`` are bit masks of R0..R15, ``float_reads``/``float_writes`` of S0..S31 (a D register is two
    bits). ``condition`` is the condition under which it executes (from IT, or of B<cc>); ``in_it`` tells that it stands
    in an IT block. ``it_mask`` of an IT instruction lists the conditions of its slots.
    """

    address: int
    size: int
    mnemonic: str
    kind: Kind
    text: str = ""
    data_type: str = ""
    condition: int = ALWAYS
    in_it: bool = False
    sets_flags: bool = False
    reads_flags: bool = False
    operands: tuple[Operand, ...] = ()
    reads: int = 0
    writes: int = 0
    float_reads: int = 0
    float_writes: int = 0
    memory: MemoryOperand | None = None
    branch: Branch | None = None
    it_conditions: tuple[int, ...] = field(default=())

    @property
    def end(self) -> int:
        """Address of the next instruction in memory."""
        return self.address + self.size


@dataclass(frozen=True, slots=True)
class Block:
    """Instructions that run in a row: entered at the first, left after the last."""

    address: int
    instructions: tuple[Instruction, ...]

    @property
    def end(self) -> int:
        """Address just behind the last instruction."""
        return self.instructions[-1].end
