"""Classes of instructions that cost about the same energy: coarser than the kinds that pipelines tell apart."""

from __future__ import annotations

from collections.abc import Mapping, Set

from mcusim.boards.energy_table import (
    BRANCH,
    DIVIDE,
    DOUBLE,
    FLOAT,
    FLOAT_DIVIDE,
    INTEGER,
    LOAD,
    MULTIPLY,
    SIMD,
    STORE,
    SYSTEM,
)
from mcusim.isa.kind import DOUBLES, DSP, LOADS, SINGLE_FLOATS, STORES, Kind

SPECIFIC: Mapping[str, Set[Kind]] = {
    MULTIPLY: {
        Kind.MULTIPLY, Kind.MULTIPLY_ACCUMULATE, Kind.MULTIPLY_LONG, Kind.MULTIPLY_ACCUMULATE_LONG,
        Kind.DSP_MULTIPLY, Kind.DSP_MULTIPLY_ACCUMULATE, Kind.DSP_MULTIPLY_ACCUMULATE_LONG,
    },
    DIVIDE: {Kind.DIVIDE},
    FLOAT_DIVIDE: {Kind.FLOAT_DIVIDE, Kind.FLOAT_ROOT, Kind.DOUBLE_DIVIDE, Kind.DOUBLE_ROOT},
    LOAD: LOADS - {Kind.LOAD_BRANCH, Kind.LOAD_MULTIPLE_BRANCH, Kind.TABLE_BRANCH},
    STORE: STORES,
    BRANCH: {
        Kind.BRANCH, Kind.BRANCH_CONDITIONAL, Kind.BRANCH_COMPARE, Kind.BRANCH_LINK, Kind.BRANCH_REGISTER,
        Kind.BRANCH_LINK_REGISTER, Kind.ALU_BRANCH, Kind.LOAD_BRANCH, Kind.LOAD_MULTIPLE_BRANCH, Kind.TABLE_BRANCH,
    },
    SYSTEM: {
        Kind.CLEAR_EXCLUSIVE, Kind.PRELOAD, Kind.NOP, Kind.WAIT, Kind.SEND_EVENT, Kind.BARRIER, Kind.INSTRUCTION_BARRIER,
        Kind.READ_SPECIAL, Kind.WRITE_SPECIAL, Kind.CHANGE_STATE, Kind.SUPERVISOR_CALL, Kind.BREAKPOINT, Kind.UNDEFINED,
        Kind.SECURITY, Kind.COPROCESSOR,
    },
}  # fmt: skip
"""Kinds that have a class whatever their name; a branch that loads its target counts as a branch, its read as a read."""
FAMILIES: Mapping[str, Set[Kind]] = {SIMD: DSP, DOUBLE: DOUBLES, FLOAT: SINGLE_FLOATS}
"""Classes of the other kinds of an extension; what is left is integer arithmetic."""


def _class_of(kind: Kind) -> str:
    rows = (*SPECIFIC.items(), *FAMILIES.items())
    return next((name for name, kinds in rows if kind in kinds), INTEGER)


CLASS_OF: Mapping[Kind, str] = {kind: _class_of(kind) for kind in Kind}
"""The class of every kind."""
