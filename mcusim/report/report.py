"""The report of one run as plain data: schema ``mcusim.run/1``, described key by key in docs/schema_run_1.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from mcusim.errors import McusimError
from mcusim.report.codec import from_plain, to_plain

SCHEMA = "mcusim.run/1"


class ReportError(McusimError):
    """A report cannot be read or written: not JSON, another schema, a missing or unknown key, an unwritable file."""

    exit_code = 7


@dataclass(frozen=True, slots=True)
class ProgramFile:
    """The image that ran. ``format`` is ``"elf"``, ``"hex"`` or ``"raw"``; ``content_hash`` as in ``Program``."""

    path: str
    format: str
    content_hash: str
    entry: int


@dataclass(frozen=True, slots=True)
class Exit:
    """Why the run ended (a reason of ``mcusim.report.exit``) and its exit code.

    ``code`` is the firmware's own for reason ``"exit"``, in full (a signed word); the process returns 255 for what does
    not fit 8 bits. ``detail`` is one line for people, ``""`` if there is nothing
    to add.
    """

    reason: str
    code: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RegionTraffic:
    """Bytes that loads and stores moved in one memory region; instruction fetches are not counted."""

    read_bytes: int
    written_bytes: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory taken and moved, in bytes. ``heap_peak_bytes`` is ``None`` where no allocator was recognised."""

    flash_bytes: int
    ram_static_bytes: int
    stack_peak_bytes: int
    heap_peak_bytes: int | None
    regions: Mapping[str, RegionTraffic] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SectionUse:
    """A section of the program and the memory region that it occupies when the program runs."""

    name: str
    address: int
    load_address: int
    size: int
    kind: str
    region: str = ""


@dataclass(frozen=True, slots=True)
class SymbolUse:
    """A function or object of known size and the memory region that it occupies."""

    name: str
    address: int
    size: int
    kind: str
    region: str = ""


@dataclass(frozen=True, slots=True)
class FunctionUse:
    """Cycles of a function: ``self_cycles`` in itself, ``inclusive_cycles`` with callees (recursion counts once).

    ``causes`` says where ``self_cycles`` went and sums to them; empty where it was not recorded. ``events`` and
    ``energy_joules`` are the function's own, too (``Report``).
    """

    name: str
    address: int
    calls: int
    self_cycles: int
    inclusive_cycles: int
    causes: Mapping[str, int] = field(default_factory=dict)
    events: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    energy_joules: float | None = None


@dataclass(frozen=True, slots=True)
class CallNode:
    """A node of the call tree. ``parent`` is an index into the list and smaller than the node's own; -1 for a root."""

    function: str
    parent: int
    calls: int
    self_cycles: int


@dataclass(frozen=True, slots=True)
class MarkUse:
    """A marked stretch of the program: how often it ran and its cycles in total.

    ``causes`` says where ``cycles`` went and sums to them; empty where that is not known. ``events`` and ``energy_joules``
    are those of all times it ran (``Report``); empty and None where they are not known.
    """

    name: str
    count: int
    cycles: int
    causes: Mapping[str, int] = field(default_factory=dict)
    events: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    energy_joules: float | None = None


@dataclass(frozen=True, slots=True)
class CacheUse:
    """Lookups of one cache; ``hit_rate`` is the share of them that hit."""

    name: str
    hits: int
    misses: int
    writebacks: int
    hit_rate: float


@dataclass(frozen=True, slots=True)
class PathUse:
    """One way to a memory: lines or words touched (repeats in a row count once) and the core's cycles waiting for them.

    ``kind`` is ``"fetch"``, ``"read"`` or ``"write"``.
    """

    region: str
    kind: str
    units: int
    stall_cycles: int


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """A memory behind caches and buffers: reads that nothing had prepared, words found read ahead, stores."""

    name: str
    reads: int
    hits_ahead: int
    writes: int


@dataclass(frozen=True, slots=True)
class StackUse:
    """High-water mark of one stack and the calls (outermost first) that reached it. ``address`` is the stack's top."""

    name: str
    peak_bytes: int
    path: tuple[str, ...] = ()
    address: int = 0
    limit_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ExceptionUse:
    """An exception that was taken. ``number`` as in IPSR; ``cycles`` from entry to return without what preempted it."""

    name: str
    number: int
    count: int
    cycles: int


@dataclass(frozen=True, slots=True)
class UnmodelledUse:
    """Accesses to a peripheral register that no model knows; it reads as last written."""

    peripheral: str
    offset: int
    accesses: int


@dataclass(frozen=True, slots=True)
class ClockEpoch:
    """From ``cycle`` on the core ran at ``hertz``."""

    cycle: int
    hertz: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a backtrace. ``function`` is ``""`` and ``line`` 0 where none is known.

    ``times``: in recursion a turn of up to eight frames stands once, each frame with the number of turns.
    """

    address: int
    function: str = ""
    offset: int = 0
    file: str = ""
    line: int = 0
    times: int = 1


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that ended the run.

    ``kind`` is the exception that nobody handled (``"HardFault"``, ``"UsageFault"`` ...) or ``"lockup"``; ``cause``
    says in words what the core met. ``address`` is that of the faulting instruction, ``symbol`` and ``offset`` where it
    lies. ``data_address`` is the address that could not be accessed. ``registers`` are those at the fault: r0 to r12,
    sp, lr, pc, xpsr and further ones. ``cfsr`` and ``hfsr`` are 0 on cores that have none.
    """

    kind: str
    cause: str
    address: int
    symbol: str = ""
    offset: int = 0
    disassembly: str = ""
    data_address: int | None = None
    registers: Mapping[str, int] = field(default_factory=dict)
    backtrace: tuple[Frame, ...] = ()
    cfsr: int = 0
    hfsr: int = 0
    mmfar: int = 0
    bfar: int = 0


@dataclass(frozen=True, slots=True)
class Host:
    """What the simulation cost on this computer; the only part of a report that differs from run to run."""

    wall_seconds: float
    instructions_per_second: float


@dataclass(frozen=True, slots=True)
class ScheduleUse:
    """A program that runs every ``period_seconds`` and sleeps in between, at ``sleep_amperes`` in ``sleep_mode``.

    ``battery_days`` is how long a battery lasts, without self-discharge; None without a battery.
    """

    period_seconds: float
    sleep_mode: str
    sleep_amperes: float
    joules_per_day: float
    mean_amperes: float
    battery_days: float | None = None


@dataclass(frozen=True, slots=True)
class EnergyUse:
    """Energy of the run: ``by_kind`` of event and ``static`` sums to ``energy_joules``; ``grade`` is the table's own word."""

    supply_volts: float
    mean_watts: float
    by_kind: Mapping[str, float]
    grade: str
    schedule: ScheduleUse | None = None


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """Something that happened at ``cycle``.

    ``kind`` is ``"enter"`` or ``"leave"`` (a function), ``"exception_enter"`` or ``"exception_leave"``, or ``"mark"``.
    ``track`` separates the stacks on which functions nest (one per thread). Events are in order of ``cycle``.
    """

    kind: str
    name: str
    cycle: int
    track: str = "main"


@dataclass(frozen=True, slots=True)
class Timeline:
    """Events of the run from its begin, up to the bound of the recorder; ``truncated`` tells that the bound was met."""

    events: tuple[TimelineEvent, ...]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What the board would have told: cycles since reset, time, memory, functions, and how the run ended.

    ``latency_seconds`` is the simulated time since reset over all clock epochs, ``clock_hertz`` the core clock at the
    end. ``serial`` is what the firmware printed (see ``text_of``), all outputs in order of time; ``outputs`` the same
    by output. ``causes`` says where the cycles went and sums to ``cycles``; empty where it was not recorded. ``events`` are
    what costs energy, by kind and by what it happened to (docs/energy.md); those of ``functions`` add up to them.
    ``energy_joules`` and ``energy`` are None where the board has no energy table.
    """

    program: ProgramFile
    board: str
    core: str
    cycles: int
    instructions: int
    clock_hertz: int
    latency_seconds: float
    exit: Exit
    serial: str
    memory: Memory
    host: Host
    functions: tuple[FunctionUse, ...] = ()
    marks: tuple[MarkUse, ...] = ()
    warnings: tuple[str, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    sections: tuple[SectionUse, ...] = ()
    symbols: tuple[SymbolUse, ...] = ()
    stacks: tuple[StackUse, ...] = ()
    exceptions: tuple[ExceptionUse, ...] = ()
    unmodelled: tuple[UnmodelledUse, ...] = ()
    call_tree: tuple[CallNode, ...] = ()
    clock_epochs: tuple[ClockEpoch, ...] = ()
    causes: Mapping[str, int] = field(default_factory=dict)
    caches: tuple[CacheUse, ...] = ()
    memory_paths: tuple[PathUse, ...] = ()
    memory_devices: tuple[DeviceUse, ...] = ()
    fault: Fault | None = None
    timeline: Timeline | None = None
    energy_joules: float | None = None
    energy: EnergyUse | None = None
    events: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    schema: str = SCHEMA

    def to_json(self, indent: int | None = 2) -> str:
        """The report as JSON text of schema ``mcusim.run/1``, keys in the order of the schema."""
        plain = to_plain(self)
        return json.dumps({"schema": plain.pop("schema"), **plain}, indent=indent, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Report:
        """The report that ``to_json`` wrote. ReportError when the text is not JSON or not of this schema."""
        try:
            plain = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ReportError(f"not JSON: {error}") from None
        schema = plain.get("schema") if isinstance(plain, dict) else None
        if schema != SCHEMA:
            raise ReportError(f"a report of schema {schema!r}, allowed: {SCHEMA!r}")
        try:
            return from_plain(cls, plain, "report")
        except TypeError as error:
            raise ReportError(str(error)) from None


def text_of(data: bytes) -> str:
    """Serial output as text: UTF-8, and ``\\xNN`` for bytes that are none."""
    return data.decode("utf-8", "backslashreplace")
