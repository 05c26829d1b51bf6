"""Boards whose energies are hidden: loops and their power find them, and name what they cannot tell."""

from __future__ import annotations

import tomllib
from collections import Counter

import pytest

from calibration.fit import Estimate
from calibration.microbenchmarks.bodies import COPIES
from calibration.microbenchmarks.energy_model import (
    UNITS,
    FittedEnergy,
    Power,
    fit_energy,
    loops_of,
    problem_of,
    table_at,
    toml_of,
    watts_of,
)
from calibration.microbenchmarks.firmware import ENERGY_COPIES
from calibration.microbenchmarks.model import Course
from calibration.regression import FitError
from mcusim.boards.energy_table import EnergyTable, energy_table
from mcusim.boards.fields import Place
from mcusim.energy import STATIC
from mcusim.energy.instruction_class import CLASS_OF
from mcusim.machine.event_counts import words_of
from tests.calibration.energy_boards import SUPPLY_VOLTS, hidden_table, loops, measured
from tests.calibration.microbenchmark_boards import built

FAST = [("m0", 0), ("m0plus", 0), ("m4", 0)]
SLOW = [
    *((core, seed) for core in ("m0", "m0plus", "m3", "m4", "m33", "m7") for seed in range(3) if (core, seed) not in FAST),
    ("nucleo-g0b1re", 0),
]  # fmt: skip
LONG = [("nucleo-l4r5zi", 0)]
"""Twenty boards with those of ``FAST`` and ``SLOW``."""
CASES = [
    *FAST, *(pytest.param(*case, marks=pytest.mark.slow) for case in SLOW),
    *(pytest.param(*case, marks=pytest.mark.long) for case in LONG),
]  # fmt: skip
SHARE = {"nucleo-l4r5zi": 0.4, "nucleo-g0b1re": 0.4}
"""Share of the figures that is known at least, where less than half: misses, reads of flash and stalls come together."""


def truth(table: EnergyTable, each: Estimate) -> float:
    kind, what = each.name.split(".", 1)
    row = table.static_watts if kind == STATIC else table.joules[kind]
    return row[what].value / UNITS.get(kind, 1e-12)


def known(found: FittedEnergy) -> list[Estimate]:
    return [each for each in found.fit.estimates if each.name not in found.unknown]


@pytest.mark.parametrize(("board", "seed"), CASES)
def test_hidden_energies_are_recovered_within_2_percent_or_named(board: str, seed: int) -> None:
    counted = loops(board)
    hidden = hidden_table(counted, f"{board} {seed}")
    found = fit_energy(counted, measured(counted, hidden, f"noise {board} {seed}"), table_at(SUPPLY_VOLTS))
    off = {each.name: abs(each.value / truth(hidden, each) - 1) for each in known(found)}
    assert max(off.values()) < 0.02
    assert found.fit.explained, found.fit.report()
    assert len(off) > SHARE.get(board, 0.5) * len(found.fit.estimates)
    # what cannot be told apart still adds up: the power of every loop is told
    assert all(watts_of(found.table, loop) == pytest.approx(watts_of(hidden, loop), rel=0.005) for loop in counted)


def test_what_cannot_be_told_apart_is_named() -> None:
    counted = loops("m0", clocks=1)
    hidden = hidden_table(counted, "one clock")
    found = fit_energy(counted, measured(counted, hidden, "one clock"), table_at(SUPPLY_VOLTS))
    together = {each.names for each in found.fit.inseparable}
    # at one clock a cycle costs the same whether it is switching or leaking; the marks read a counter twice
    assert {("cycles.active", "static.run"), ("cycles.sleep", "static.sleep"), ("read.system",)} <= together
    assert {"cycles.active", "static.run", "read.system"} <= found.unknown
    assert "not separable" in found.table.static_watts["run"].source


def test_a_table_that_is_known_is_only_refined() -> None:
    counted = loops("m0", clocks=1)
    hidden = hidden_table(counted, "refined")
    found = fit_energy(counted, measured(counted, hidden, "refined"), hidden)
    # static power is kept where the prior has it, since the loops say nothing against it
    assert found.table.static_watts["run"].value == pytest.approx(hidden.static_watts["run"].value, rel=0.02)


LACKING = {
    "a multiplication takes more for some operands": lambda loop, watts, time: watts * (1 + 0.05 * (loop.name == "multiply")),
    "a leak grows with time": lambda loop, watts, time: watts * (1 + 0.02 * time),
    "a branch that is taken costs energy of its own": lambda loop, watts, time: watts * (1 + 0.1 * (loop.name == "branch")),
}


@pytest.mark.parametrize("mechanism", LACKING)
@pytest.mark.parametrize("board", ["m4", pytest.param("m7", marks=pytest.mark.slow)])
def test_a_mechanism_that_the_model_lacks_is_flagged(mechanism: str, board: str) -> None:
    counted = loops(board)
    powers = measured(counted, hidden_table(counted, mechanism), mechanism, LACKING[mechanism])
    found = fit_energy(counted, powers, table_at(SUPPLY_VOLTS))
    tests = {misfit.test for misfit in found.fit.misfits}
    assert ("trend" if "time" in mechanism else "group") in tests
    assert "misfit" in found.table.grade


def events_of(course: Course, memory: str) -> Counter[tuple[str, str]]:
    """Counted instruction by instruction from a body's code in ``memory``."""
    counts: Counter[tuple[str, str]] = Counter()
    for one in (one for step in course.steps for one in step.block.instructions):
        counts["instructions", CLASS_OF[one.kind]] += 1
        counts["fetch", memory] += one.size // 2
        if one.memory is not None:
            counts["write" if one.memory.write else "read", "ram"] += words_of(one.memory)
    return counts


def around(core: str, body: str) -> Counter[tuple[str, str]]:
    """Events of a turn of a loop that are not those of its body: the call, and a share of its beginning and end."""
    _, _, bodies = built(core)
    loop = next(loop for loop in loops(core) if loop.name == body)
    course = next(timed.twice for timed in bodies if timed.body.name == body)
    copies = ENERGY_COPIES // (2 * COPIES)
    own = {event: copies * count for event, count in events_of(course, "flash").items()}
    seen = {(kind, what): count for kind, row in loop.events.items() for what, count in row.items() if kind != "cycles"}
    return Counter({event: round(count / loop.turns - own.get(event, 0)) for event, count in seen.items()})


@pytest.mark.parametrize("body", ["alu", "load", "store_multiple_3", "branch", "multiply"])
@pytest.mark.parametrize("core", ["m0", "m4", "m7"])
def test_what_a_loop_does_is_what_its_body_says_instruction_by_instruction(core: str, body: str) -> None:
    rest, other = around(core, body), around(core, "nop")
    assert set(rest) >= {event for event, count in other.items() if count}
    # beginning and end are shared by more turns of the one than of the other
    assert all(abs(rest[event] - other[event]) <= 2 for event in rest)


def test_the_table_reads_back_as_that_of_a_board_file() -> None:
    counted = loops("m0")
    found = fit_energy(counted, measured(counted, hidden_table(counted, "file"), "file"), table_at(SUPPLY_VOLTS))
    read = energy_table(tomllib.loads(toml_of(found.table))["energy"], Place("made up", "energy"))
    assert watts_of(read, counted[0]) == pytest.approx(watts_of(found.table, counted[0]), rel=1e-3)
    assert read.joules["instructions"]["integer"].source.startswith("fitted n=")


def test_power_of_no_loop_is_refused() -> None:
    with pytest.raises(FitError, match="does not have: alu@7"):
        problem_of(loops("m0"), [Power("alu@7", 1.0, 0.01)], table_at(SUPPLY_VOLTS))


def test_firmware_without_loops_is_refused() -> None:
    made, elf, _ = built("m0")
    with pytest.raises(FitError, match="no energy loops"):
        loops_of(made.board, elf)
