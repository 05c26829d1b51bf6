"""Price a saved profile for other clocks, wait states, caches and placements; run the program again only where needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from typing import Any

from mcusim import boards
from mcusim import program as programs
from mcusim.boards import Board
from mcusim.boards.wait_states import check_clock, needed
from mcusim.energy import Supply, prices_at
from mcusim.errors import McusimError, RerunError
from mcusim.machine.layout import LANES
from mcusim.machine.what_if import AS_IT_IS, WhatIf
from mcusim.pricing.retime import price
from mcusim.report import Exit, Report
from mcusim.report.retiming import Answer, Retiming
from mcusim.report.saved_profile import Assumptions, Placement, SavedProfile, SteeringUse, load
from mcusim.run import flash_address, run
from mcusim.saving import board_hash

SWEEPABLE = ("clock_hertz", "wait_states", "caches", "prefetch", "placement")
RATIO_MAX = 1 << 16
"""For a board whose flash clock is not known yet."""
POINTS_MAX = 4096
"""Most variants of one call."""


def retime(
    profile: str | Path | SavedProfile,
    *,
    board: str | Path | None = None,
    variant: WhatIf = AS_IT_IS,
    sweeps: Mapping[str, Sequence[Any]] | None = None,
    pure: bool = False,
    supply_volts: float | None = None,
    semihosting_root: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Retiming:
    """Cycles and seconds of each variant of the run that ``profile`` (a file, or its content) holds.

    ``variant`` is what to assume (what it leaves open is as in the saved run), ``sweeps`` maps fields of it to the values
    that they take; several make a grid. ``board``: another board to run on. A clock takes effect from reset to end, with
    the fewest legal wait states unless they are given; so do wait states. ``supply_volts``: for energies, None for that of
    the board's table. A run that could open files below a folder needs ``semihosting_root`` again, so that no profile opens
    a folder by itself. ``progress`` is told (answered, all). Raises RerunError where ``pure`` forbids a run that is needed or
    the program has changed, McusimError for what the board cannot do.
    """
    saved = profile if isinstance(profile, SavedProfile) else load(profile)
    session = _Session(saved, board, pure, semihosting_root, Supply(supply_volts))
    variants = grid(variant, sweeps or {})
    answers = []
    for number, each in enumerate(variants):
        answers.append(session.answer(each))
        if progress is not None:
            progress(number + 1, len(variants))
    recorded = price(saved)
    return Retiming(saved.program, session.board.name, session.board.core, recorded.cycles, recorded.seconds, tuple(answers))


def grid(variant: WhatIf, sweeps: Mapping[str, Sequence[Any]]) -> list[WhatIf]:
    """``variant`` with all combinations of the swept values; the last sweep varies fastest."""
    for name in sweeps:
        if name not in SWEEPABLE:
            raise McusimError(f"{name!r} cannot be swept; allowed: {', '.join(SWEEPABLE)}")
    count = 1
    for values in sweeps.values():
        count *= len(values)
    if not 0 < count <= POINTS_MAX:
        raise McusimError(f"the sweeps have {count:,} points; allowed: 1 to {POINTS_MAX:,}")
    return [replace(variant, **dict(zip(sweeps, values, strict=True))) for values in product(*sweeps.values())]


class _Session:
    """One profile, one board; remembers what was run."""

    def __init__(
        self, saved: SavedProfile, board: str | Path | None, pure: bool, semihosting_root: str | Path | None, supply: Supply
    ) -> None:
        self.saved, self.pure, self.semihosting_root, self.supply = saved, pure, semihosting_root, supply
        self.called = str(board) if board is not None else saved.run.board
        if not self.called:
            raise RerunError("the profile was saved from a board that is no file; allowed: --board with a name or a path")
        self.board: Board = boards.load(self.called)
        self.supply.check(self.board.name, self.board.energy)
        self.other_board = self._other_board()
        self.reports: dict[WhatIf, Report] = {}
        self.profiles: dict[WhatIf, SavedProfile] = {}

    def _other_board(self) -> str:
        """Why the profile's counts are none of this board's; empty where they are."""
        if self.board.name != self.saved.board:
            return f"the profile is of board {self.saved.board}"
        if board_hash(self.board) != self.saved.board_hash:
            return f"the file of board {self.board.name} has changed since the profile was saved"
        return ""

    def answer(self, asked: WhatIf) -> Answer:
        """One variant, priced if possible."""
        self._check_values(asked)
        assumed = variant_of(self.saved.run.assumed)
        changed = {name for name in SWEEPABLE if getattr(asked, name) not in (None, (), getattr(assumed, name))}
        other = self._other_run(changed)
        if asked.clock_hertz is not None:  # before anything runs
            check_clock(self.board, asked.clock_hertz, self._ratio(self.saved) if not self.other_board else RATIO_MAX)
        if other and self.pure:
            raise RerunError(_refusal(asked, other))
        steered = steered_by(self.saved.steering)
        base = self._run_without_clock(asked) if other and not steered else self.saved
        variant, notes = self._legal(asked, base)
        if variant.wait_states not in (None, assumed.wait_states):
            changed.add("wait_states")
        why = self._why_run(base, changed) if changed or other else ""
        if why and not (other and not steered and not changed & {"clock_hertz", "wait_states"}):
            if self.pure:
                raise RerunError(_refusal(variant, why))
            return self._run(variant, why if steered or not other else f"{other}; {why}", notes)
        if other:
            how = "priced" if changed & {"clock_hertz", "wait_states"} else "re-run"
            return self._priced(base, variant, how, f"{other}; priced from one re-run" if how == "priced" else other, notes)
        return self._priced(base, variant, "priced" if changed else "recorded", "", notes)

    def _check_values(self, asked: WhatIf) -> None:
        for each in fields(asked):
            if each.name not in SWEEPABLE and asked.assumes(each.name):
                raise McusimError(f"{each.name} is nothing that a saved run can be asked; allowed: {', '.join(SWEEPABLE)}")
        for name, value, least in (("clock_hertz", asked.clock_hertz, 1), ("wait_states", asked.wait_states, 0)):
            if value is not None and value < least:
                raise McusimError(f"{name} {value}; allowed: from {least}")
        if asked.wait_states is not None and asked.wait_states >= LANES:
            raise McusimError(f"{asked.wait_states} wait states; allowed: 0 to {LANES - 1}")

    @staticmethod
    def _ratio(base: SavedProfile) -> int:
        return base.flash.clock_ratio if base.flash is not None else 1

    def _legal(self, asked: WhatIf, base: SavedProfile) -> tuple[WhatIf, tuple[str, ...]]:
        """The variant with the wait states that its clock needs, and what to note; McusimError where the board has no such."""
        if asked.clock_hertz is None:
            return asked, ()
        ratio = self._ratio(base)
        check_clock(self.board, asked.clock_hertz, ratio)
        least = needed(self.board, asked.clock_hertz, ratio)
        if base.flash is None or (least is None and asked.wait_states is not None):
            return asked, ()
        if least is None:
            return asked, (f"the wait states that {asked.clock_hertz:,} Hz needs here are not known: they are as in the run",)
        if asked.wait_states is None:
            return replace(asked, wait_states=least), ()
        if asked.wait_states < least:
            return asked, (f"{asked.clock_hertz:,} Hz needs {least} wait states on this board",)
        return asked, ()

    def _other_run(self, changed: set[str]) -> str:
        """Why the counts of the profile are those of another run; empty where they are not."""
        if self.other_board:
            return self.other_board
        what = {"caches": "caches", "prefetch": "the prefetch buffer", "placement": "the placement"}
        named = " and ".join(text for name, text in what.items() if name in changed)
        return f"changing {named} changes what is counted" if named else ""

    def _why_run(self, base: SavedProfile, changed: set[str]) -> str:
        """What keeps another clock or other wait states from being priced out of ``base``; empty for nothing."""
        if "wait_states" in changed and base.flash is None:
            return f"board {self.board.name} has no flash whose wait states software sets"
        if "clock_hertz" in changed and base.clock_bound:
            return f"how many core cycles {', '.join(base.clock_bound)} takes follows from the core's clock"
        return steered_by(self.saved.steering) or steered_by(base.steering)

    def _priced(self, base: SavedProfile, variant: WhatIf, how: str, why: str, notes: tuple[str, ...]) -> Answer:
        priced = price(base, variant.wait_states, variant.clock_hertz)
        notes += self._ending(base.exit)
        joules = None
        if self.board.energy is not None and priced.events:
            joules = prices_at(self.board.energy, self.supply.volts_on(self.board.energy), priced.spans).total(priced.events)
        return Answer(
            self.board.name, priced.cycles, priced.seconds, how, why, causes=priced.causes, functions=priced.functions,
            notes=notes, **self._energy(joules), **_fields(variant),
        )  # fmt: skip

    def _energy(self, joules: float | None) -> dict[str, Any]:
        table = self.board.energy
        return {"energy_joules": joules, "supply_volts": None if table is None else self.supply.volts_on(table)}

    def _run(self, variant: WhatIf, why: str, notes: tuple[str, ...]) -> Answer:
        if variant not in self.reports:
            self.reports[variant] = self._run_again(variant)
        report = self.reports[variant]
        functions: dict[str, int] = {}
        for use in report.functions:
            functions[use.name] = functions.get(use.name, 0) + use.self_cycles
        return Answer(
            self.board.name, report.cycles, report.latency_seconds, "re-run", why, causes=report.causes,
            functions=functions, notes=notes + self._ending(report.exit), **self._energy(report.energy_joules),
            **_fields(variant),
        )  # fmt: skip

    def _ending(self, exit: Exit) -> tuple[str, ...]:
        if (exit.reason, exit.code) == (self.saved.exit.reason, self.saved.exit.code):
            return ()
        return (f"a run ended otherwise than the saved one: {exit.detail or f'{exit.reason}, code {exit.code}'}",)

    def _run_without_clock(self, asked: WhatIf) -> SavedProfile:
        """The profile of a run with the caches and the placement of ``asked``; one run for all clocks and wait states."""
        key = replace(asked, clock_hertz=None, wait_states=None)
        if key not in self.profiles:
            kept: list[SavedProfile] = []
            self._run_again(key, kept.append)
            self.profiles[key] = kept[0]
        return self.profiles[key]

    def _check_program(self) -> None:
        """RerunError unless the program is the one that was profiled."""
        saved = self.saved
        path = saved.program.path
        again = programs.load(path, saved.run.load_address, saved.run.vector_table, flash_address(self.board))
        if again.content_hash != saved.program.content_hash:
            raise RerunError(
                f"{path} has changed since the profile was saved; 'mcusim run --save-profile' makes one of it as it is now"
            )

    def _run_again(self, variant: WhatIf, keep: Callable[[SavedProfile], None] | None = None) -> Report:
        self._check_program()
        if self.saved.run.semihosting_root is not None and self.semihosting_root is None:
            raise RerunError(
                f"the saved run could open files below {self.saved.run.semihosting_root}, and a profile opens no folder by "
                "itself; allowed: --semihosting-root DIR, to run the program again"
            )
        saved, assumed = self.saved.run, variant_of(self.saved.run.assumed)

        def chosen(name: str) -> Any:
            value = getattr(variant, name)
            return getattr(assumed, name) if value in (None, ()) else value

        return run(
            self.saved.program.path,
            board=self.called,
            load_address=saved.load_address,
            vector_table=saved.vector_table,
            send=tuple((pair.after.encode("latin-1"), pair.text.encode("latin-1")) for pair in saved.send),
            until=None if saved.until is None else saved.until.encode("latin-1"),
            max_instructions=saved.max_instructions,
            max_seconds=saved.max_seconds,
            timeout_seconds=saved.timeout_seconds,
            semihosting_root=self.semihosting_root,
            strict=saved.strict,
            supply=self.supply,
            save_profile=keep,
            report_interrupted=False,
            **{name: chosen(name) for name in SWEEPABLE},
        )


def _refusal(variant: WhatIf, why: str) -> str:
    return f"{describe(variant)} cannot be priced without running the program again: {why}. Without --pure it is re-run"


def variant_of(assumed: Assumptions) -> WhatIf:
    """What a saved run assumed, as a variant."""
    pairs: tuple[Placement, ...] = assumed.placement
    return WhatIf(
        assumed.clock_hertz, assumed.wait_states, assumed.caches, assumed.prefetch,
        tuple((pair.memory, pair.like) for pair in pairs),
    )  # fmt: skip


def _fields(variant: WhatIf) -> dict[str, Any]:
    return {
        "clock_hertz": variant.clock_hertz, "wait_states": variant.wait_states, "caches": variant.caches,
        "prefetch": variant.prefetch, "placement": dict(variant.placement),
    }  # fmt: skip


def describe(variant: WhatIf) -> str:
    """The variant in words."""
    switch = {True: "on", False: "off"}
    parts = [f"{variant.clock_hertz:,} Hz"] if variant.clock_hertz is not None else []
    parts += [f"{variant.wait_states} wait states"] if variant.wait_states is not None else []
    parts += [f"caches {switch[variant.caches]}"] if variant.caches is not None else []
    parts += [f"prefetch {switch[variant.prefetch]}"] if variant.prefetch is not None else []
    parts += [f"{memory} as {like}" for memory, like in variant.placement]
    return ", ".join(parts) or "another board"


VERBS = {
    "counter": "the program reads {}", "event": "timed events of {} came while it ran", "interrupt": "it takes interrupts ({})",
    "sleep": "it sleeps ({})", "clock": "it asks for {}", "limit": "{} ended it at a time",
}  # fmt: skip


def steered_by(steering: Sequence[SteeringUse]) -> str:
    """One sentence: the first thing by which time steered the run, and how many others there are; empty for none."""
    if not steering:
        return ""
    first = steering[0]
    text = VERBS.get(first.kind, "{}").format(first.what)
    if first.address is not None:
        text += f" at 0x{first.address:08x}" + (f" ({first.place})" if first.place else "")
    more = len(steering) - 1
    return text + (f", and {more} more such reason{'s' if more > 1 else ''}" if more else "") + ", so that time steers the run"
