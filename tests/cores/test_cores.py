"""Core tables are total, consistent and hold what the documents say."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from mcusim import cores
from mcusim.cores.core import TABLE_SIZE
from mcusim.cores.rules import DualIssueRules, PairedRules
from mcusim.errors import UnsupportedError
from mcusim.isa.kind import Kind
from mcusim.isa.legality import illegal_reason
from tests.isa.assembly import instruction_of
from tests.isa.examples import EXAMPLES


@pytest.fixture(params=cores.NAMES)
def core(request: pytest.FixtureRequest) -> cores.Core:
    return cores.load(request.param)


def test_a_core_is_loaded_by_its_name(core: cores.Core) -> None:
    assert cores.load(core.name) is core


def test_an_unknown_core_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UnsupportedError, match=r"m55.*m0, m0plus, m3, m4, m7, m33"):
        cores.load("m55")


def test_the_timing_table_holds_every_kind_the_core_executes(core: cores.Core) -> None:
    executed = {kind for kind in Kind if illegal_reason(instruction_of(EXAMPLES[kind][1]), core) is None}
    assert executed <= set(core.timing)


def test_the_timing_table_holds_no_kind_of_a_unit_the_core_lacks(core: cores.Core) -> None:
    lacking = {kind for kind in core.timing if kind.name.startswith("DSP_") and not core.dsp}
    lacking |= {kind for kind in core.timing if kind.name.startswith("FLOAT_") and not core.has_fpu}
    lacking |= {kind for kind in core.timing if kind.name.startswith("DOUBLE_") and not core.has_double}
    assert lacking == set()


def test_no_price_is_negative_and_every_instruction_takes_a_cycle_or_transfers_words(core: cores.Core) -> None:
    multiples = {kind for kind, row in core.timing.items() if row.cycles == 0}
    assert multiples <= {kind for kind in Kind if "MULTIPLE" in kind.name or "DOUBLE" in kind.name}
    assert min(min(row.cycles, row.each, row.refill, row.latency, row.float_busy) for row in core.timing.values()) == 0


def test_results_and_units_name_rows_of_the_rules(core: cores.Core) -> None:
    if not isinstance(core.rules, PairedRules | DualIssueRules):
        assert {row.result for row in core.timing.values()} == {""}
        return
    assert {row.result for row in core.timing.values()} - {""} <= set(core.rules.latencies)
    if isinstance(core.rules, DualIssueRules):
        units = {row.unit for row in core.timing.values()}
        assert "" not in units
        pairs = core.rules.conflicts | core.rules.lockout_conflicts
        assert {unit for pair in pairs for unit in pair} <= units
        assert core.rules.older_only | core.rules.alone | core.rules.shifter <= units
        assert set(core.rules.results.values()) <= set(core.rules.latencies)
        assert set(core.rules.chained_cycles) <= set(core.timing)


def test_cores_are_frozen(core: cores.Core) -> None:
    with pytest.raises(FrozenInstanceError):
        core.name = "other"  # type: ignore[misc]
    assert replace(core, name="other").name == "other"


def test_cpuid_carries_arm_and_the_part_number(core: cores.Core) -> None:
    part = {"m0": 0xC20, "m0plus": 0xC60, "m3": 0xC23, "m4": 0xC24, "m7": 0xC27, "m33": 0xD21}
    assert core.cpuid >> 24 == 0x41
    assert core.cpuid >> 4 & 0xFFF == part[core.name]


def test_fpu_registers_follow_the_fpu(core: cores.Core) -> None:
    for fpu, values in core.fpu_options.items():
        variant = core.with_fpu(fpu or "none")
        assert variant.fpu == fpu
        for name, value in values.items():
            assert variant.feature_registers[name] == value
    # MVFR0 bits 11:8 say whether double precision is there (Armv7-M ARM, B4.7.1).
    if core.has_fpu:
        assert bool(core.feature_registers["MVFR0"] >> 8 & 15) == core.has_double


def test_an_fpu_that_the_core_is_not_made_with_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"m4.*fpv5-dp.*none, fpv4-sp"):
        cores.load("m4").with_fpu("fpv5-dp")


def test_a_multiplier_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"m0.*16.*1, 32"):
        cores.load("m0").with_multiplier(16)
    with pytest.raises(UnsupportedError, match=r"m4.*none"):
        cores.load("m4").with_multiplier(32)


# --- operand-dependent cycles -------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["m3", "m4", "m7", "m33"])
def test_divide_tables_are_square(name: str) -> None:
    table = cores.load(name).divide_cycles
    assert {len(table), *map(len, table)} == {TABLE_SIZE}


@pytest.mark.parametrize("name", ["m3", "m4"])
@pytest.mark.parametrize(
    ("dividend", "divisor", "cycles"),
    [
        (0, 5, 2),  # an operand of zero
        (5, 0, 2),
        (0, 0, 2),
        (3, 4, 3),  # shorter dividend
        (1, 32, 3),
        (32, 1, 12),  # the ceiling of the TRM at a difference of 31 bits
        (4, 4, 5),  # four cycles and one for each four quotient bits
        (7, 4, 5),
        (8, 4, 6),
        (16, 4, 8),
    ],
)
def test_divides_depend_on_the_difference_in_bits(name: str, dividend: int, divisor: int, cycles: int) -> None:
    assert cores.load(name).divide_cycles[dividend][divisor] == cycles


@pytest.mark.parametrize("name", ["m3", "m4"])
def test_divides_stay_in_the_documented_range(name: str) -> None:
    table = cores.load(name).divide_cycles
    cycles = {table[dividend][divisor] for dividend in range(33) for divisor in range(33)}
    assert (min(cycles), max(cycles)) == (2, 12)
    # Only the difference counts once both operands are there.
    for difference in range(32):
        assert len({table[divisor + difference][divisor] for divisor in range(1, 33 - difference)}) == 1


def test_long_multiplies_of_m3_stay_in_the_documented_ranges() -> None:
    core = cores.load("m3")
    cycles = {one for row in core.multiply_long_cycles for one in row}
    assert cycles == {3, 4, 5}
    assert {core.rules.accumulate_long[one] for one in cycles} == {4, 5, 7}
    assert cores.load("m4").multiply_long_cycles == ()


# --- exceptions -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "entry"), [("m0", 16), ("m0plus", 15), ("m3", 12), ("m4", 12), ("m7", 12)])
def test_exception_entry_is_as_documented(name: str, entry: int) -> None:
    assert cores.load(name).exceptions.entry == entry


@pytest.mark.parametrize("name", ["m3", "m4"])
def test_exception_exit_takes_ten_cycles_and_tail_chaining_six(name: str) -> None:
    timing = cores.load(name).exceptions
    assert (timing.exit, timing.tail_chain) == (10, 6)


def test_the_float_frame_of_m4_costs_seventeen_cycles_more_both_ways() -> None:
    timing = cores.load("m4").exceptions
    assert (timing.entry + timing.float_save, timing.exit + timing.float_restore) == (29, 27)
