"""What networks take on boards, as plain data: schema ``mcusim.bench/1``, described in docs/schema_bench_1.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from mcusim.report import ReportError, ScheduleUse
from mcusim.report.codec import from_plain, to_plain

SCHEMA = "mcusim.bench/1"


@dataclass(frozen=True, slots=True)
class LayerUse:
    """One layer. ``shape``: that of its output. ``cycles`` of one inference, None where nothing ran.

    ``ram_live_bytes``: tensors and scratch memory that hold something while it runs. ``flash_bytes``: its constants; those
    that layers share count at the first. A layer without code (a view, a constant) has 0 cycles. ``energy_joules`` of one
    inference, None where the board has no energy table or nothing ran. ``events``: what costs energy, of one inference, by kind
    and what it happened to (docs/energy.md); empty where nothing ran.
    """

    name: str
    operator: str
    shape: tuple[int, ...]
    macs: int
    cycles: int | None
    cycles_per_mac: float | None
    seconds: float | None
    share: float | None
    ram_live_bytes: int
    flash_bytes: int
    energy_joules: float | None = None
    events: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RamBytes:
    """Bytes of RAM: ``stack`` is the deepest that the run was (the reserve where nothing ran)."""

    arena: int
    stack: int
    static: int
    total: int


@dataclass(frozen=True, slots=True)
class ArenaPart:
    """What of the arena lies in a memory: ``"ram"`` (the main one), or others of the board by name."""

    memory: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A tensor, or scratch memory (``LAYER:scratch``): ``offset`` and ``bytes`` in the arena of a memory.

    It holds something from layer ``first`` to layer ``last``, both included, by their places in ``layers``; -1 is before all.
    """

    name: str
    memory: str
    offset: int
    bytes: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class FlashBytes:
    """Bytes of flash: ``weights`` are all constant arrays, ``code`` is all else."""

    code: int
    weights: int
    total: int


@dataclass(frozen=True, slots=True)
class Room:
    """What the board has, and how many bytes are missing (0 where it suffices); RAM with the reserve of the stack."""

    flash: int
    ram: int
    flash_missing: int
    ram_missing: int


@dataclass(frozen=True, slots=True)
class Check:
    """Outputs of random inputs, compared with ``reference``. ``differing``: samples with another output.

    ``largest_difference`` of stored integers (of floats in units of the last place). ``micro_differing``: samples that differ
    from what the rules of TensorFlow Lite Micro give, which round otherwise; asked only where ``differing`` is not 0.
    """

    reference: str
    samples: int
    differing: int
    largest_difference: int
    micro_differing: int | None = None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A labelled set, run on the target."""

    samples: int
    right: int


@dataclass(frozen=True, slots=True)
class Result:
    """A network on a board. ``latency_seconds`` is that of one inference without printing, None where it does not fit.

    ``bit_exact`` is None unless outputs were compared: integers are equal, floats within one unit of the last place, or behind
    exponentials within 1e-5 of the largest value.
    ``energy_joules`` is that of one inference at ``supply_volts``: None where the board has no energy table. ``schedule``:
    inferences now and then, None unless asked. ``changes``: what was rewritten so that the network needs less memory, in
    order; ``added_macs`` is what that cost, and ``macs`` and ``layers`` are those of the rewritten network. ``sparse``: layers
    whose weights are kept without zeros; their ``macs`` are those with them.
    """

    model: str
    board: str
    compiler: str
    latency_seconds: float | None
    energy_joules: float | None
    ram_bytes: RamBytes
    flash_bytes: FlashBytes
    fits: bool
    bit_exact: bool | None
    layers: tuple[LayerUse, ...]
    core: str
    flags: tuple[str, ...]
    kernels: str
    latency_cycles: int | None
    clock_hertz: int | None
    macs: int
    arena_lower_bound_bytes: int
    arena_proven: bool
    room: Room
    check: Check | None = None
    accuracy: Accuracy | None = None
    model_file: str | None = None
    arenas: tuple[ArenaPart, ...] = ()
    changes: tuple[str, ...] = ()
    added_macs: int = 0
    arena_reason: str = ""
    tensors: tuple[Placed, ...] = ()
    supply_volts: float | None = None
    schedule: ScheduleUse | None = None
    sparse: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A question without an answer, among several; ``exit_code`` as in docs/exit_codes.md."""

    model: str
    board: str
    error: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class BenchReport:
    """Answers, in the order of the questions: all boards of the first model, then those of the next."""

    results: tuple[Result, ...]
    failures: tuple[Failure, ...] = ()

    def __str__(self) -> str:
        """The tables that ``mcusim bench`` prints."""
        from mcusim.bench.table import write_report

        stream = StringIO()
        write_report(self, stream)
        return stream.getvalue()

    def to_json(self, indent: int | None = 2) -> str:
        """The report as JSON text of schema ``mcusim.bench/1``."""
        return json.dumps({"schema": SCHEMA, **to_plain(self)}, indent=indent, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> BenchReport:
        """The report that ``to_json`` wrote. ReportError when the text is not JSON or not of this schema."""
        try:
            plain = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ReportError(f"not JSON: {error}") from None
        schema = plain.pop("schema", None) if isinstance(plain, dict) else None
        if schema != SCHEMA:
            raise ReportError(f"a report of schema {schema!r}, allowed: {SCHEMA!r}")
        try:
            return from_plain(cls, plain, "report")
        except TypeError as error:
            raise ReportError(str(error)) from None


def read_report(path: str | Path) -> BenchReport:
    """The report in a file. ReportError where it cannot be read."""
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        return BenchReport.from_json(text)
    except ReportError as error:
        raise ReportError(f"{path}: {error}") from None
