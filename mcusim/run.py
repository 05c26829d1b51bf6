"""Run a program on a board and report: the one function behind ``mcusim run``."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path

from mcusim import boards, cores
from mcusim import program as programs
from mcusim.boards import Board
from mcusim.boards.energy_table import EnergyTable
from mcusim.cores.numbers import with_number
from mcusim.energy import USUAL_SUPPLY, Prices, Supply, prices_at, scheduled
from mcusim.errors import BoardError, UnsupportedError
from mcusim.machine import diagnosis
from mcusim.machine import layout as L
from mcusim.machine.clock import spans
from mcusim.machine.event_counts import Event, nested
from mcusim.machine.machine import Machine, Options
from mcusim.machine.nvic import exception_name
from mcusim.machine.profile import Call, Profile, profile_of
from mcusim.machine.what_if import WhatIf
from mcusim.program import Program
from mcusim.report import (
    CacheUse,
    CallNode,
    ClockEpoch,
    DeviceUse,
    EnergyUse,
    ExceptionUse,
    Exit,
    FunctionUse,
    Host,
    MarkUse,
    Memory,
    PathUse,
    ProgramFile,
    Progress,
    RegionTraffic,
    Report,
    ScheduleUse,
    SectionUse,
    StackUse,
    SymbolUse,
    Timeline,
    TimelineEvent,
    UnmodelledUse,
    text_of,
)
from mcusim.report.exit import code_of
from mcusim.report.saved_profile import SavedProfile, save
from mcusim.saving import OVERHEAD, saved_profile

TRACE_EVENTS = 1_000_000
"""Bound of the recorded timeline."""

EVENT_KINDS = {
    L.EVENT_ENTER: "enter", L.EVENT_LEAVE: "leave",
    L.EVENT_EXCEPTION_ENTER: "exception_enter", L.EVENT_EXCEPTION_LEAVE: "exception_leave",
}  # fmt: skip
FUNCTION_EVENTS = (L.EVENT_ENTER, L.EVENT_LEAVE)
STACK_SIZE_SYMBOLS = ("_Min_Stack_Size", "__STACK_SIZE", "__stack_size__")
"""Numbers in linker scripts of vendors (STM32Cube, CMSIS, SEGGER)."""
STACK_END_SYMBOLS = ("__stack_limit", "__StackLimit", "_sstack", "__stack_start__")
"""Addresses of the lowest byte reserved for the stack."""
DEFAULT_CORE = "m4"
ROOT = "(all)"


def run(
    path: str | Path,
    *,
    board: str | Path | Board | None = None,
    core: str | None = None,
    load_address: int | None = None,
    vector_table: int | None = None,
    send: Sequence[tuple[bytes, bytes]] = (),
    until: bytes | None = None,
    max_instructions: int | None = None,
    max_seconds: float | None = None,
    timeout_seconds: float | None = None,
    semihosting_root: str | Path | None = None,
    strict: bool = False,
    trace: bool = False,
    clock_hertz: int | None = None,
    wait_states: int | None = None,
    caches: bool | None = None,
    prefetch: bool | None = None,
    placement: Sequence[tuple[str, str]] = (),
    supply: Supply = USUAL_SUPPLY,
    save_profile: str | Path | Callable[[SavedProfile], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
    serial_output: Callable[[bytes], None] | None = None,
    report_interrupted: bool = True,
) -> Report:
    """Report of running ``path`` (ELF, Intel HEX or raw binary) on ``board``, or on an ideal board with ``core``.

    ``send`` holds (after, text) pairs: once serial output has shown ``after`` anew, ``text`` is typed. ``until`` stops
    with success once the output contains it and its line is finished. ``max_seconds`` is simulated time,
    ``timeout_seconds`` the host's. ``clock_hertz``, ``wait_states``, ``caches``, ``prefetch`` and ``placement`` (pairs
    of a memory and the one it answers like) are what-ifs: they take effect from reset on, over what the firmware
    programs. ``supply`` is how the board is supplied and used, for its energy. ``save_profile`` names a file for
    ``mcusim retime``, or is called with what would stand in it. Raises a McusimError for files and boards that cannot be
    used; what the firmware does wrong is in the report (``exit`` and ``fault``). Ctrl-C ends a run with the report so far;
    without ``report_interrupted`` it raises KeyboardInterrupt, for who wants the whole run or nothing. A raw binary without
    ``load_address`` goes to the board's flash.
    """
    chosen = choose_board(board, core)
    supply.check(chosen.name, chosen.energy)
    options = Options(
        tuple(send), until, max_instructions, max_seconds, timeout_seconds, semihosting_root, strict,
        TRACE_EVENTS if trace else 0, serial_output, progress,
        what_if=WhatIf(clock_hertz, wait_states, caches, prefetch, tuple(placement)), follow_lanes=save_profile is not None,
    )  # fmt: skip
    program = programs.load(path, load_address, vector_table, flash_address(chosen))
    machine = Machine(program, chosen, core_of(chosen), options)
    try:
        machine.run()
    except KeyboardInterrupt:
        if not report_interrupted:
            raise
        machine.interrupt()
    report = report_of(machine, supply)
    if save_profile is not None:
        profile, called = profile_of(machine), "" if isinstance(board, Board) else str(board or core or DEFAULT_CORE)
        names = _Names(program, (call.function for call in profile.calls))
        saved = saved_profile(machine, profile, names, report.exit, called, load_address, vector_table)
        save_profile(saved) if callable(save_profile) else save(saved, save_profile)
    return report


def choose_board(board: str | Path | Board | None, core: str | None) -> Board:
    """The board asked for; ``core`` alone selects the ideal board of that core."""
    if board is not None and core is not None:
        raise BoardError("both a board and a core were given; allowed: one of them (a board has its core)")
    if isinstance(board, Board):
        return board
    if board is not None:
        return boards.load(board)
    return boards.load(core or DEFAULT_CORE)


def flash_address(board: Board) -> int | None:
    """Where a raw image goes that comes without an address: the board's first flash; None on ideal boards."""
    places = [m.address for kind in ("flash", "external") for m in board.memories if m.kind == kind and not m.alias_of]
    return next(iter(places), None)


def core_of(board: Board) -> cores.Core:
    """The board's core with the FPU that its chip has, and with what was measured on the board in place of its table."""
    core = cores.load(board.core)
    for name, number in board.timing.items():
        try:
            core = with_number(core, name, number.value)
        except UnsupportedError as error:
            raise BoardError(f"{number.place}: {error}") from None
    if not board.fpu:
        return core
    suffix = {"none": "", "single": "-sp", "double": "-dp"}[board.fpu]
    option = next((name for name in core.fpu_options if suffix and name.endswith(suffix)), "none")
    return core.with_fpu(option)


class _Names:
    """Function names by address; stripped programs get names from the addresses that were called."""

    def __init__(self, program: Program, called: Iterable[int]) -> None:
        self.program = program
        self.called = sorted(set(called))

    def start(self, address: int) -> int:
        """Start of the function that holds ``address``."""
        found = self.program.symbol_at(address)
        if found is not None:
            return found[0].address
        place = bisect_right(self.called, address) - 1
        return self.called[place] if place >= 0 else address

    def name(self, address: int) -> str:
        """Name of the function that holds ``address``."""
        found = self.program.symbol_at(address)
        return found[0].name if found is not None else f"sub_{self.start(address):08x}"


def report_of(machine: Machine, supply: Supply = USUAL_SUPPLY) -> Report:
    """The report of a machine that has run."""
    profile = profile_of(machine)
    table, seconds = machine.board.energy, float(machine.clock.seconds(profile.cycles))
    prices = prices_at(table, supply.volts_on(table), spans(machine.clock.epochs, profile.cycles)) if table else None
    events = nested(profile.events)
    program, finish = machine.program, machine.finish
    assert finish is not None
    names = _Names(program, (call.function for call in profile.calls))
    wall = max(machine.wall_seconds, 1e-9)
    reason = finish.reason
    if machine.options.until is not None and reason in ("exit", "asleep", "endless_loop"):
        reason = "until_not_seen"
    code = finish.code if reason == "exit" else code_of(reason)
    return Report(
        program=ProgramFile(str(program.path), program.format, program.content_hash, program.entry),
        board=machine.board.name,
        core=machine.core.name,
        cycles=profile.cycles,
        instructions=profile.instructions,
        clock_hertz=machine.clock.hertz,
        latency_seconds=seconds,
        exit=Exit(reason, code, diagnosis.ending(machine)),
        serial=text_of(bytes(machine.serial.kept)),
        memory=_memory(machine, profile),
        host=Host(machine.wall_seconds, profile.instructions / wall),
        functions=_functions(profile, names, prices),
        marks=_marks(machine, prices),
        warnings=_warnings(machine, profile),
        outputs={name: text_of(bytes(data)) for name, data in machine.serial.channels.items()},
        sections=_sections(machine),
        symbols=_symbols(machine),
        stacks=_stacks(machine, profile, names),
        exceptions=tuple(
            ExceptionUse(exception_name(number), number, count.count, count.cycles)
            for number, count in sorted(machine.exception_counts.items())
        ),
        unmodelled=_unmodelled(machine),
        call_tree=_call_tree(profile.calls, names),
        clock_epochs=tuple(ClockEpoch(epoch.cycle, epoch.hertz) for epoch in machine.clock.epochs),
        causes=_causes(profile),
        caches=_caches(machine),
        memory_paths=_memory_paths(machine),
        memory_devices=tuple(DeviceUse(*row) for row in map(astuple, machine.recorder.memory.device_uses())),
        fault=diagnosis.fault_of(machine),
        timeline=_timeline(machine, names) if machine.options.trace_events else None,
        energy_joules=prices.total(events) if prices else None,
        energy=_energy(supply, table, prices, events, seconds) if table and prices else None,
        events=events,
    )


def _energy(
    supply: Supply, table: EnergyTable, prices: Prices, events: Mapping[str, Mapping[str, int]], seconds: float
) -> EnergyUse:
    by_kind = prices.of(events)
    joules = sum(by_kind.values())
    plan = scheduled(supply, table, joules, seconds)
    return EnergyUse(
        supply.volts_on(table), joules / seconds if seconds else 0.0, by_kind, table.grade,
        None if plan is None else ScheduleUse(*astuple(plan)),
    )  # fmt: skip


def _causes(profile: Profile) -> dict[str, int]:
    causes: dict[str, int] = defaultdict(int)
    for block in profile.blocks:
        for cause, cycles in block.causes.items():
            causes[cause] += cycles
    for cause, cycles in profile.overhead_cycles.items():
        causes[cause] += cycles
    return _sorted(causes)


def _sorted(causes: Mapping[str, int]) -> dict[str, int]:
    """Causes with most cycles first."""
    return dict(sorted(causes.items(), key=lambda item: -item[1]))


def _marks(machine: Machine, prices: Prices | None = None) -> tuple[MarkUse, ...]:
    uses = []
    for name, (count, cycles) in machine.serial.marks.items():
        causes = machine.marks.causes.get(name, {})
        known = sum(causes.values()) == cycles and name in machine.marks.events
        events = nested(machine.marks.events[name]) if known else {}
        joules = prices.total(events) if known and prices else None
        uses.append(MarkUse(name, count, cycles, _sorted(causes) if known else {}, events, joules))
    return tuple(uses)


def _caches(machine: Machine) -> tuple[CacheUse, ...]:
    """Uses of the caches by name: one that was reprogrammed counts as one."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for use in machine.recorder.memory.cache_uses():
        sums[use.name] = [a + b for a, b in zip(sums[use.name], (use.hits, use.misses, use.writebacks), strict=True)]
    return tuple(CacheUse(name, row[0], row[1], row[2], row[0] / (row[0] + row[1])) for name, row in sums.items())


def _memory_paths(machine: Machine) -> tuple[PathUse, ...]:
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for use in machine.recorder.memory.path_uses():
        row = sums[use.region, use.kind]
        row[0] += use.units
        row[1] += use.stall_cycles
    return tuple(PathUse(*key, *row) for key, row in sums.items())


def _functions(profile: Profile, names: _Names, prices: Prices | None = None) -> tuple[FunctionUse, ...]:
    own: dict[int, int] = defaultdict(int)
    causes: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    counts: dict[int, Counter[Event]] = defaultdict(Counter)
    for block in profile.blocks:
        start = names.start(block.address)
        own[start] += block.cycles
        counts[start].update(block.events)
        for cause, cycles in block.causes.items():
            causes[start][cause] += cycles
    calls, inclusive = _inclusive(profile.calls, names)
    rows = [
        FunctionUse(names.name(start), start, calls.get(start, 0), cycles, max(inclusive.get(start, 0), cycles),
                    _sorted(causes[start]), *_priced(counts[start], prices))
        for start, cycles in own.items()
        if cycles or any(counts[start].values())
    ]  # fmt: skip
    overhead = sum(profile.overhead_cycles.values())
    if overhead or profile.overhead_events:
        priced = _priced(profile.overhead_events, prices)
        rows.append(FunctionUse(OVERHEAD, 0, 0, overhead, overhead, _sorted(profile.overhead_cycles), *priced))
    return tuple(sorted(rows, key=lambda row: (-row.self_cycles, row.address)))


def _priced(counts: Mapping[Event, int], prices: Prices | None) -> tuple[dict[str, dict[str, int]], float | None]:
    events = nested(counts)
    return events, prices.total(events) if prices else None


def _inclusive(calls: Sequence[Call], names: _Names) -> tuple[dict[int, int], dict[int, int]]:
    """Calls and inclusive cycles by function; a function inside itself is counted once."""
    totals = [call.self_cycles for call in calls]
    for number in range(len(calls) - 1, 0, -1):
        totals[calls[number].parent] += totals[number]
    times: dict[int, int] = defaultdict(int)
    inclusive: dict[int, int] = defaultdict(int)
    starts = [names.start(call.function) if number else -1 for number, call in enumerate(calls)]
    for number, call in enumerate(calls[1:], 1):
        times[starts[number]] += call.times
        if not _inside_itself(calls, starts, number):
            inclusive[starts[number]] += totals[number]
    return times, inclusive


def _inside_itself(calls: Sequence[Call], starts: Sequence[int], number: int) -> bool:
    parent = calls[number].parent
    while parent > 0:
        if starts[parent] == starts[number]:
            return True
        parent = calls[parent].parent
    return False


def _call_tree(calls: Sequence[Call], names: _Names) -> tuple[CallNode, ...]:
    root = [CallNode(ROOT, -1, 1, calls[0].self_cycles)]
    return tuple(root + [CallNode(names.name(c.function), c.parent, c.times, c.self_cycles) for c in calls[1:]])


def _path(profile: Profile, machine: Machine, pointer: int, names: _Names) -> tuple[str, ...]:
    """Function names from the outermost call to the tree entry at ``pointer``."""
    if not pointer:
        return ()
    number = (pointer - machine.recorder.calls.ctypes.data) // (L.CALL_WORDS * L.WORD)
    path = []
    while number > 0:
        path.append(names.name(profile.calls[number].function))
        number = profile.calls[number].parent
    return tuple(reversed(path))


def _stacks(machine: Machine, profile: Profile, names: _Names) -> tuple[StackUse, ...]:
    uses = []
    for stack in machine.contexts.stacks:
        path = _path(profile, machine, stack.low_call, names)
        limit = _stack_limit(machine.program, stack.top) if stack is machine.contexts.main else None
        uses.append(StackUse(stack.name, max(stack.top - stack.low, 0), path, stack.top, limit))
    return tuple(uses)


def _stack_limit(program: Program, top: int) -> int | None:
    """Bytes reserved for the main stack, from the linker script's symbols; None where it has none that we know."""
    for name in STACK_SIZE_SYMBOLS:
        for symbol in program.symbols_named(name):
            return symbol.address
    for name in STACK_END_SYMBOLS:
        for symbol in program.symbols_named(name):
            if symbol.address < top:
                return top - symbol.address
    return None


def _memory(machine: Machine, profile: Profile) -> Memory:
    heap = machine.heap.peak_bytes if machine.heap.functions else None
    return Memory(
        flash_bytes=_flash_bytes(machine),
        ram_static_bytes=_static_bytes(machine),
        stack_peak_bytes=max(max(stack.top - stack.low, 0) for stack in machine.contexts.stacks if not stack.process),
        heap_peak_bytes=heap,
        regions={name: RegionTraffic(t.read_bytes, t.written_bytes) for name, t in profile.traffic.items()},
    )


def _flash_bytes(machine: Machine) -> int:
    return sum(len(segment.data) for segment in machine.program.segments if not machine.space.is_writable(segment.address))


def _static_bytes(machine: Machine) -> int:
    """RAM that sections take at run time, reserved stacks and heaps apart."""
    sections = machine.program.sections
    return sum(s.size for s in sections if s.kind in ("data", "bss", "code", "rodata") and machine.space.is_writable(s.address))


def _region_name(machine: Machine, address: int) -> str:
    return machine.space.names[machine.recorder.regions.at(address)]


def _sections(machine: Machine) -> tuple[SectionUse, ...]:
    return tuple(
        SectionUse(s.name, s.address, s.load_address, s.size, s.kind, _region_name(machine, s.address))
        for s in machine.program.sections
    )


def _symbols(machine: Machine) -> tuple[SymbolUse, ...]:
    sized = [s for s in machine.program.symbols if s.size and s.kind in ("function", "object") and not s.absolute]
    return tuple(SymbolUse(s.name, s.address, s.size, s.kind, _region_name(machine, s.address)) for s in sized)


def _unmodelled(machine: Machine) -> tuple[UnmodelledUse, ...]:
    rows = [("system control space", offset, count) for offset, count in machine.control.unmodelled.items()]
    for name, peripheral in machine.peripherals.items():
        rows += [(name, offset, count) for offset, count in peripheral.unmodelled.items()]
    return tuple(UnmodelledUse(*row) for row in rows)


def _warnings(machine: Machine, profile: Profile) -> tuple[str, ...]:
    what_ifs = machine.options.what_if.described()
    texts = [f"what-if, over what the firmware programs: {', '.join(what_ifs)}"] if what_ifs else []
    texts += [text if count == 1 else f"{text} ({count} times)" for text, count in machine.warnings.items()]
    texts += list(dict.fromkeys(machine.semihosting.refused))
    if machine.serial.dropped:
        texts.append(f"serial output beyond the first 16 MiB is not in this report ({machine.serial.dropped:,} bytes)")
    texts += diagnosis.overflows(machine)
    vague = [mark.name for mark in _marks(machine) if mark.cycles and not mark.causes]
    if vague:
        texts.append(
            f"where the cycles of {', '.join(vague)} went is not known: the image lacks the symbols of these marks "
            "(mark_NAME), or they do not hold what was printed"
        )
    if profile.unknown_facts:
        texts.append(
            f"{profile.unknown_facts:,} accesses or conditions depended on values only known inside their block; "
            "they were priced as executed and aligned"
        )
    return tuple(texts)


def _timeline(machine: Machine, names: _Names) -> Timeline:
    count = int(machine.recorder.state[L.TIMELINE_COUNT])
    rows = machine.timeline[: min(count, len(machine.timeline))].tolist()
    events = tuple(
        TimelineEvent(EVENT_KINDS[kind], names.name(what) if kind in FUNCTION_EVENTS else exception_name(what), cycle)
        for kind, what, cycle in rows
    )
    return Timeline(events, count > len(machine.timeline))
