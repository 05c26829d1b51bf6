from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import mcusim
from benchmarks.bare_unicorn import BareUnicorn
from benchmarks.simulation_speed import (
    CORE,
    FOLDER,
    SCHEMA,
    WORKLOADS,
    Result,
    Workload,
    best_of,
    document,
    geometric_mean,
    line_of,
)

ROUNDS = 2


def build_short(build: Callable[..., Path], workload: Workload, **options: str) -> Path:
    sources = [FOLDER / f"{workload.name}.c", *workload.sources]
    return build(sources, CORE, defines={"ROUNDS": ROUNDS}, **options)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_every_program_checks_its_own_work(build: Callable[..., Path], workload: Workload) -> None:
    report = mcusim.run(build_short(build, workload), core=CORE)
    assert report.serial == "passed\n"
    assert report.exit.code == 0


@pytest.mark.parametrize("workload", [row for row in WORKLOADS if not row.exceptions], ids=lambda row: row.name)
@pytest.mark.parametrize("quick", [False, True], ids=["bare", "quick"])
def test_programs_without_exceptions_run_on_bare_unicorn(build: Callable[..., Path], workload: Workload, quick: bool) -> None:
    assert BareUnicorn(build_short(build, workload), quick=quick).run() > 0


def test_there_is_a_workload_for_every_program() -> None:
    assert {workload.name for workload in WORKLOADS} == {path.stem for path in FOLDER.glob("*.c")}


def test_a_default_run_is_long_enough_to_be_measured() -> None:
    for workload in WORKLOADS:
        text = (FOLDER / f"{workload.name}.c").read_text()
        assert re.search(r"#ifndef ROUNDS\n#define ROUNDS \d+\n#endif", text), workload.name


def test_the_best_of_several_rounds_counts_and_engines_take_turns() -> None:
    times = {"a": [3.0, 1.0, 2.0], "b": [5.0, 6.0, 4.0]}
    order = []

    def engine(name: str) -> Callable[[], float]:
        def run() -> float:
            order.append(name)
            return times[name].pop(0)

        return run

    assert best_of({name: engine(name) for name in "ab"}, 3) == {"a": 1.0, "b": 4.0}
    assert order == ["a", "b"] * 3


def test_ratios_are_speeds_against_the_bare_run() -> None:
    result = Result("x", 1_000_000, 2_000_000, 2.0, bare_seconds=1.0, qemu_seconds=0.25, cached_seconds=4.0, quick_seconds=0.5)
    assert result.priced_over_bare == 0.5
    assert result.cached_over_bare == 0.25
    assert result.quick_over_bare == 2.0
    assert result.qemu_over_bare == 4.0
    assert line_of(result).split() == ["x", "1.0", "0.5", "0.50", "0.25", "2.00", "4.00"]


def test_an_engine_that_did_not_run_has_no_ratio() -> None:
    result = Result("x", 1_000_000, 2_000_000, priced_seconds=2.0, bare_seconds=None, qemu_seconds=None)
    assert result.priced_over_bare is None
    assert line_of(result).split()[-2:] == ["-", "-"]


def test_the_document_holds_every_figure() -> None:
    result = Result("x", 10, 20, 2.0, 1.0, None)
    written = json.loads(json.dumps(document([result], [0.5, 0.125])))
    assert written["schema"] == SCHEMA
    assert written["programs"][0] == {
        "name": "x",
        "instructions": 10,
        "cycles": 20,
        "priced_seconds": 2.0,
        "bare_seconds": 1.0,
        "qemu_seconds": None,
        "cached_seconds": None,
        "quick_seconds": None,
        "priced_over_bare": 0.5,
        "cached_over_bare": None,
        "quick_over_bare": None,
        "qemu_over_bare": None,
    }
    assert written["priced_over_bare"] == {"geometric_mean": 0.25, "worst": 0.125}


def test_the_geometric_mean_of_a_ratio_and_its_inverse_is_one() -> None:
    assert geometric_mean([4.0, 0.25]) == pytest.approx(1.0)
