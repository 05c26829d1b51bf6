"""The examination: run as it is, look for reasons, price each change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mcusim import program as programs
from mcusim.boards import Board
from mcusim.doctor import memory, soft_float, unoptimised
from mcusim.doctor.change import Change
from mcusim.doctor.diagnosis import Diagnosis, Finding
from mcusim.doctor.patient import Patient, Price, Watch
from mcusim.machine.outcome import Options
from mcusim.machine.what_if import AS_IT_IS
from mcusim.run import choose_board, flash_address

WORTH = 0.01
"""Share of the run's seconds from which on a saving is told."""
STEERED = "with this change the run ends otherwise: its timing steers the program"


def diagnose(
    path: str | Path,
    *,
    board: str | Path | Board | None = None,
    core: str | None = None,
    load_address: int | None = None,
    vector_table: int | None = None,
    send: Sequence[tuple[bytes, bytes]] = (),
    until: bytes | None = None,
    max_instructions: int | None = None,
    semihosting_root: str | Path | None = None,
    watch: Watch | None = None,
    check: Callable[[str], None] = lambda found: None,
) -> Diagnosis:
    """What makes the program at ``path`` slow on ``board``; arguments as those of ``mcusim.run``.

    ``watch`` is told how far the runs have come; ``check`` gets the content hash of the program before it runs. Raises
    a McusimError for files and boards that cannot be used and for runs that cannot be compared.
    """
    chosen = choose_board(board, core)
    program = programs.load(path, load_address, vector_table, flash_address(chosen))
    check(program.content_hash)
    options = Options(tuple(send), until, max_instructions, semihosting_root=semihosting_root)
    return _examine(Patient(program, chosen, options, watch))


def _examine(patient: Patient) -> Diagnosis:
    report = patient.report
    found = [(change, _priced(patient, change)) for change in memory.changes(patient)]
    told = [(change, finding) for change, finding in found if finding is not None]
    findings = [finding for _, finding in told] + [*soft_float.findings(patient), *unoptimised.findings(patient)]
    together = _together(patient, [change for change, finding in told if finding.saved_seconds is not None])
    findings.sort(key=lambda finding: -(finding.saved_seconds or 0.0))
    return Diagnosis(
        report.program, report.board, report.core, report.cycles, report.latency_seconds, report.clock_hertz, report.exit,
        tuple(findings), together.cycles if together else None, together.seconds if together else None,
    )  # fmt: skip


def _priced(patient: Patient, change: Change) -> Finding | None:
    """The finding for a change, None where it saves too little to tell."""
    price = patient.priced(change.what_if, change.kind.replace("_", " "))
    if price is None:
        return Finding(change.kind, change.what, change.advice, not_priced=STEERED, where=change.where)
    seconds = patient.price.seconds - price.seconds
    if seconds < WORTH * patient.price.seconds:
        return None
    cycles = patient.price.cycles - price.cycles
    return Finding(change.kind, change.what, change.advice, cycles, seconds, where=change.where)


def _together(patient: Patient, changes: Sequence[Change]) -> Price | None:
    if len(changes) < 2:
        return None
    what_if = AS_IT_IS
    for change in changes:
        what_if = what_if.and_also(change.what_if)
    return patient.priced(what_if, "all together")
