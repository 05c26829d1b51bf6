"""Events times prices: linear, and scaled by supply and clock as the regulator has it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import mcusim
from mcusim import boards
from mcusim.boards.energy_table import REGULATORS, Figure
from mcusim.energy import Battery, DutyCycle, EnergyError, Supply, prices_at, scheduled
from mcusim.errors import BoardError
from tests.support.boards import workload

MADE_UP = Path(__file__).parent / "made_up.toml"
TABLE = boards.load(MADE_UP).energy
EVENTS = {"instructions": {"multiply": 10, "integer": 90}, "read": {"sram1": 5}, "cycles": {"active": 100, "stall": 20}}


@pytest.fixture(scope="module")
def report():
    return mcusim.run(workload("nucleo-l4r5zi"), board=MADE_UP)


def test_energy_is_events_times_joules_plus_watts_times_seconds():
    prices = prices_at(TABLE, 3.3, [(80_000_000, 120)])
    assert prices.of(EVENTS) == pytest.approx({
        "instructions": 10 * 1.5e-11, "read": 5 * 1e-11, "cycles": 100 * 4e-11 + 20 * 2e-11, "static": 1e-3 * 120 / 80e6,
    })  # fmt: skip
    assert prices.total(EVENTS) == pytest.approx(sum(prices.of(EVENTS).values()))


def test_energies_of_functions_and_kinds_add_up_to_that_of_the_run(report):
    assert report.energy_joules > 0
    assert sum(function.energy_joules for function in report.functions) == pytest.approx(report.energy_joules, rel=1e-12)
    assert sum(report.energy.by_kind.values()) == pytest.approx(report.energy_joules, rel=1e-12)
    assert report.energy.mean_watts * report.latency_seconds == pytest.approx(report.energy_joules)
    assert (report.energy.supply_volts, report.energy.grade, report.energy.schedule) == (3.3, "made up", None)


def test_a_board_without_a_table_tells_no_energy():
    report = mcusim.run(workload("nucleo-l4r5zi"), board=replace(boards.load("nucleo-l4r5zi"), energy=None))
    assert report.energy_joules is None and report.energy is None and report.events
    assert {row.energy_joules for row in report.functions} == {None}


@pytest.mark.parametrize(("regulator", "of_supply", "of_core"), [("direct", 4, 1), ("ldo", 2, 5 / 6), ("smps", 1, 25 / 36)])
def test_supply_and_core_voltage_scale_energy_as_the_regulator_passes_them(regulator, of_supply, of_core):
    table = replace(TABLE, regulator=regulator, static_watts={}, supply_range=(1.0, 4.0))

    def joules(volts, hertz):
        return prices_at(table, volts, [(hertz, 100)]).total(EVENTS)

    usual = joules(3.3, 80_000_000)
    assert joules(1.65, 80_000_000) == pytest.approx(usual / of_supply)
    assert joules(3.3, 26_000_000) == pytest.approx(usual * of_core)  # 1.0 V in place of 1.2 V
    assert joules(3.3, 26_000_001) == pytest.approx(usual)
    assert set(REGULATORS) == {"direct", "ldo", "smps"}


def test_several_clocks_are_averaged_by_their_cycles():
    one, other = (prices_at(TABLE, 3.3, [(hertz, 60)]).total(EVENTS) for hertz in (4_000_000, 80_000_000))
    both = prices_at(TABLE, 3.3, [(4_000_000, 30), (80_000_000, 90), (1, 0)]).total(EVENTS)
    assert both == pytest.approx(one / 4 + other * 3 / 4)


def test_states_that_a_table_does_not_tell_apart_cost_as_the_running_core():
    joules, static = {"cycles": {"active": Figure(1e-10, "")}}, {"run": Figure(1.0, "")}
    table = replace(TABLE, joules=joules, static_watts=static, core_volts=())
    events = {"cycles": {"active": 1, "stall": 2, "sleep": 3}}
    assert prices_at(table, 3.3, [(1_000_000, 6)]).of(events) == pytest.approx({"cycles": 6e-10, "static": 6e-6})


def test_a_supply_that_the_board_does_not_take_is_refused():
    with pytest.raises(EnergyError, match=r"a supply of 5 V; allowed on this board: 1.7 to 3.6 V"):
        prices_at(TABLE, 5.0, [])
    with pytest.raises(EnergyError, match=r"allowed on this board: 3.3 V"):
        prices_at(replace(TABLE, supply_range=()), 3.0, [])


def test_a_duty_cycle_gives_energy_per_day_and_life_of_a_battery():
    supply = Supply(duty_cycle=DutyCycle(1, 60), battery=Battery(0.22, 3.0))
    plan = scheduled(supply, TABLE, joules=1e-3, seconds=0.5)
    asleep = 3e-6 * 3.0 * 59.5
    assert plan.joules_per_day == pytest.approx(1440 * (1e-3 + asleep))
    assert plan.mean_amperes == pytest.approx((1e-3 + asleep) / 60 / 3.0)
    assert plan.battery_days == pytest.approx(0.22 / plan.mean_amperes / 24)
    assert (plan.period_seconds, plan.sleep_mode, plan.sleep_amperes) == (60, "stop2", 3e-6)
    own = scheduled(replace(supply, sleep_amperes=0.0, battery=None), TABLE, 1e-3, 0.5)
    assert (own.sleep_mode, own.battery_days) == ("given", None) and own.joules_per_day == pytest.approx(1.44)


def test_a_run_that_takes_longer_than_its_period_is_refused():
    with pytest.raises(EnergyError, match=r"a run takes 0.5 s, but the next begins after 0.1 s"):
        scheduled(Supply(duty_cycle=DutyCycle(10, 1)), TABLE, 1e-3, 0.5)


@pytest.mark.parametrize(("board", "supply", "message"), [
    ("openmv-h7-r2", Supply(3.0), "board openmv-h7-r2 has no energy table"),
    (MADE_UP, Supply(battery=Battery(1, 3)), "a battery without a duty cycle"),
    (MADE_UP, Supply(duty_cycle=DutyCycle(1, 1), battery=Battery(1, 9)), "a supply of 9 V"),
])  # fmt: skip
def test_what_cannot_be_told_is_refused_before_the_run(board, supply, message):
    with pytest.raises(EnergyError, match=message):
        mcusim.run("/no/such/file", board=board, supply=supply)


@pytest.mark.parametrize(("old", "new", "message"), [
    ('regulator = "ldo"', 'regulator = "magic"', "energy.regulator: 'magic' is not allowed; allowed are direct, ldo, smps"),
    ("supply_volts = 3.3", "supply_volts = 0", "0 V is not allowed"),
    ("supply_volts = 3.3", "supply_volts = -1", "-1 is not allowed; allowed are finite numbers from 0"),
    ("supply_range = [1.7, 3.6]", "supply_range = [3.4, 3.6]", "allowed is \\[lowest, highest\\]"),
    ("clock_hertz = 80_000_000", "clock_hertz = 200_000_000", "200000000 lies in none of the core_volts"),
    ("volts = 1.0", "volts = 1.3", "voltages above 0 that rise with the clock"),
    ("multiply =", "multiplly =", "joules.instructions.multiplly: unknown key"),
    ("[energy.joules.fetch]\nflash", "[energy.joules.fetch]\nflush", "energy.joules.fetch.flush: 'flush' is unknown"),
    ('active = { value = 4e-11, source = "made up" }', "", "active is missing, which the other states fall back to"),
    ('run = { value = 1e-3, source = "made up" }', "", "run is missing, which the other states fall back to"),
    ('{ value = 6e-12, source = "made up" }', "{ value = 6e-12 }", "joules.fetch.flash.source: is missing"),
])  # fmt: skip
def test_a_table_that_contradicts_itself_is_refused_with_its_place(tmp_path, old, new, message):
    text = MADE_UP.read_text()
    assert old in text
    (tmp_path / "board.toml").write_text(text.replace(old, new))
    with pytest.raises(BoardError, match=message):
        boards.load(tmp_path / "board.toml")


def test_every_figure_of_every_board_has_a_source():
    tables = [table for name in boards.names() if (table := boards.load(name).energy)]
    for table in tables:
        figures = [figure for row in table.joules.values() for figure in row.values()]
        figures += [*table.static_watts.values(), *table.sleep_amperes.values()]
        assert all(figure.source for figure in figures) and table.grade
