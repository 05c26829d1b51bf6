"""Coprocessors 0 to 7 that a chip hangs on its core: their instructions decoded and handed to a model.

A board names them in ``parameters.coprocessors``: number to the peripheral whose model has ``coprocess(transfer)``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine

PC = 15
FLAGS = 0xF0000000


@dataclass(frozen=True, slots=True)
class Transfer:
    """One coprocessor instruction (Armv8-M ARM C2.4: CDP, MCR, MRC, MCRR, MRRC and their ...2 forms).

    ``kind`` is ``"cdp"``, ``"mcr"``, ``"mrc"``, ``"mcrr"`` or ``"mrrc"``; ``second`` tells the ...2 form; ``values`` are the
    core registers that it writes to the coprocessor; ``targets`` the core registers that it reads into.
    """

    number: int
    kind: str
    second: bool
    opcode: int
    crn: int
    crm: int
    opcode2: int
    sources: tuple[int, ...] = ()
    targets: tuple[int, ...] = ()
    values: tuple[int, ...] = ()


class CoprocessorModel(Protocol):
    """What a peripheral offers to be a coprocessor."""

    def coprocess(self, transfer: Transfer) -> tuple[int, ...]:
        """Carry out ``transfer``; one word for each of its targets. UnsupportedError for what is not modelled."""
        ...


def decode(first: int, second: int) -> Transfer | None:
    """The coprocessor instruction of two halfwords; None for LDC, STC and everything else."""
    if first & 0xEC00 != 0xEC00:
        return None
    number, form = second >> 8 & 0xF, bool(first & 0x1000)
    rt, crm = second >> 12 & 0xF, second & 0xF
    if first & 0x0300 == 0x0200:
        return _register_or_operation(first, second, number, form, rt, crm)
    if first & 0x03E0 != 0x0040:
        return None
    pair, read = (rt, first & 0xF), bool(first & 0x10)
    registers = {"targets" if read else "sources": pair}
    return Transfer(number, "mrrc" if read else "mcrr", form, second >> 4 & 0xF, 0, crm, 0, **registers)


def _register_or_operation(first: int, second: int, number: int, form: bool, rt: int, crm: int) -> Transfer:
    crn, opcode2 = first & 0xF, second >> 5 & 7
    if not second & 0x10:
        return Transfer(number, "cdp", form, first >> 4 & 0xF, crn, crm, opcode2)
    read = bool(first & 0x10)
    registers = {"targets" if read else "sources": (rt,)}
    return Transfer(number, "mrc" if read else "mcr", form, first >> 5 & 7, crn, crm, opcode2, **registers)


class Coprocessors:
    """The coprocessors of a machine's board."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.names = {int(number): name for number, name in machine.board.parameters.get("coprocessors", {}).items()}

    def answers(self, pc: int) -> bool:
        """Whether a coprocessor takes the instruction at ``pc``; CPACR may shut it off (then UsageFault NOCP)."""
        return self._transfer(pc) is not None

    def serve(self, pc: int) -> bool:
        """Carry out the coprocessor instruction at ``pc``; False where none answers."""
        transfer = self._transfer(pc)
        if transfer is None:
            return False
        registers = self.machine.engine.registers
        values = tuple(int(registers[index]) for index in transfer.sources)
        model = cast(CoprocessorModel, self.machine.peripherals[self.names[transfer.number]])
        results = model.coprocess(replace(transfer, values=values))
        for index, result in zip(transfer.targets, results, strict=True):
            self._put(index, result & 0xFFFFFFFF)
        return True

    def _transfer(self, pc: int) -> Transfer | None:
        if not self.names:
            return None
        code = self.machine.engine.read(pc, 4)
        transfer = decode(int.from_bytes(code[:2], "little"), int.from_bytes(code[2:], "little"))
        if transfer is None or transfer.number not in self.names:
            return None
        return transfer if self.machine.control.coprocessor_enabled(transfer.number) else None

    def _put(self, index: int, value: int) -> None:
        """Rt = 15 of MRC stands for the flags."""
        if index == PC:
            self.machine.engine.set_xpsr(self.machine.engine.get("xpsr") & ~FLAGS | value & FLAGS)
        else:
            self.machine.engine.registers[index] = value
