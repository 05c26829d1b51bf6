"""What the doctor found, as plain data: schema ``mcusim.doctor/1``, described in docs/doctor.md."""

from __future__ import annotations

import json
from dataclasses import dataclass

from mcusim.errors import McusimError
from mcusim.report import Exit, ProgramFile
from mcusim.report.codec import to_plain

SCHEMA = "mcusim.doctor/1"


class DoctorError(McusimError):
    """A run that cannot be examined: it has no end to compare, or it is another program than the report's."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that makes the firmware slow. ``kind`` is one of ``KINDS``; ``what`` and ``advice`` are sentences.

    ``saved_cycles`` and ``saved_seconds`` are what following the advice would save of the whole run, each change taken
    alone; None where that cannot be priced, and ``not_priced`` says why. ``where`` names functions and objects.
    """

    kind: str
    what: str
    advice: str
    saved_cycles: int | None = None
    saved_seconds: float | None = None
    not_priced: str = ""
    where: tuple[str, ...] = ()


KINDS = ("caches", "prefetch", "wait_states", "clock", "code_placement", "data_placement", "alignment", "soft_float",
         "unoptimised")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The run as it is, and the findings, largest saving first.

    ``together_cycles`` and ``together_seconds``: the whole run with all changes of memory, clock and data at once (their
    savings overlap, so they do not add up); None with fewer than two of them, or where that run ends otherwise.
    """

    program: ProgramFile
    board: str
    core: str
    cycles: int
    seconds: float
    clock_hertz: int
    exit: Exit
    findings: tuple[Finding, ...]
    together_cycles: int | None = None
    together_seconds: float | None = None
    schema: str = SCHEMA

    def to_json(self, indent: int | None = 2) -> str:
        """JSON text of schema ``mcusim.doctor/1``."""
        plain = to_plain(self)
        return json.dumps({"schema": plain.pop("schema"), **plain}, indent=indent, allow_nan=False)
