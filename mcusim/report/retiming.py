"""Answers of ``mcusim retime`` as plain data: schema ``mcusim.retime/1``, described in docs/retime.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from mcusim.report.codec import from_plain, to_plain
from mcusim.report.report import ProgramFile, ReportError

SCHEMA = "mcusim.retime/1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one variant of the board would take.

    ``clock_hertz``, ``wait_states``, ``caches``, ``prefetch``: null where as in the saved run. ``placement``: memory to
    the memory that it answers like. ``how``: ``"recorded"`` (as the profile has it), ``"priced"`` (worked out of counts)
    or ``"re-run"``; ``why`` says what made running necessary, where one run may serve many priced answers.
    ``functions``: own cycles by name. ``energy_joules`` at ``supply_volts``: null where the board has no energy table, or
    the profile no events.
    """

    board: str
    cycles: int
    seconds: float
    how: str
    why: str = ""
    clock_hertz: int | None = None
    wait_states: int | None = None
    caches: bool | None = None
    prefetch: bool | None = None
    placement: Mapping[str, str] = field(default_factory=dict)
    causes: Mapping[str, int] = field(default_factory=dict)
    functions: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    energy_joules: float | None = None
    supply_volts: float | None = None


@dataclass(frozen=True, slots=True)
class Retiming:
    """All answers about one saved profile, in the order of the grid: the last sweep varies fastest."""

    program: ProgramFile
    board: str
    core: str
    cycles: int
    seconds: float
    answers: tuple[Answer, ...]
    schema: str = SCHEMA

    def to_json(self) -> str:
        """JSON text, keys in the order of the schema."""
        plain = to_plain(self)
        return json.dumps({"schema": plain.pop("schema"), **plain}, indent=2, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Retiming:
        """What ``to_json`` wrote; ReportError when it is not that."""
        try:
            plain = json.loads(text)
            if not isinstance(plain, dict) or plain.get("schema") != SCHEMA:
                raise TypeError(f"allowed: schema {SCHEMA!r}")
            return from_plain(cls, plain, "retiming")
        except (ValueError, TypeError, RecursionError) as error:
            raise ReportError(f"no answers of mcusim retime: {error}") from None
