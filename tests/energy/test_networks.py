"""Energy of networks, whole and by layer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import mcusim
from mcusim import boards
from mcusim.energy import Battery, DutyCycle, EnergyError, Supply
from tests.bench.test_bench import dense

MADE_UP = Path(__file__).parent / "made_up.toml"


def bench(board, **options):
    (result,) = mcusim.bench(dense(), board, cache=False, **options).results
    return result


@pytest.fixture(scope="module")
def result():
    return bench(MADE_UP, supply=Supply(3.0, DutyCycle(1, 60), Battery(0.22, 3.0)))


def test_energies_of_layers_add_up_to_that_of_an_inference(result):
    assert result.energy_joules == pytest.approx(sum(layer.energy_joules for layer in result.layers))
    assert all(bool(layer.energy_joules) == bool(layer.cycles) for layer in result.layers)
    assert result.energy_joules > 1e-3 * (3.0 / 3.3) * result.latency_seconds  # more than its static power alone
    assert result.supply_volts == 3.0


def test_the_schedule_is_one_of_inferences(result):
    asleep = 3e-6 * 3.0 * (60 - result.latency_seconds)
    assert result.schedule.joules_per_day == pytest.approx(1440 * (result.energy_joules + asleep))
    assert result.schedule.battery_days == pytest.approx(0.22 * 3600 * 3 / result.schedule.joules_per_day)


def test_the_table_has_a_column_for_energy_where_it_is_known(result):
    text = str(mcusim.BenchReport((result,)))
    assert "energy   " in text and "each day" in text and "current  " in text and text.splitlines()[2].endswith("energy")
    layers = tuple(replace(layer, energy_joules=None) for layer in result.layers)
    unknown = replace(result, energy_joules=None, schedule=None, layers=layers)
    assert "energy" not in str(mcusim.BenchReport((unknown,)))
    rows = str(mcusim.BenchReport((result, unknown))).splitlines()
    assert rows[0].endswith("energy") and rows[2].endswith("nJ") and rows[3].endswith("–")


def test_a_board_without_a_table_has_null_energy_and_refuses_a_duty_cycle():
    board = replace(boards.load("nucleo-l4r5zi"), energy=None)
    found = bench(board)
    assert (found.energy_joules, found.supply_volts, found.schedule) == (None, None, None)
    assert {layer.energy_joules for layer in found.layers} == {None}
    with pytest.raises(EnergyError, match="has no energy table"):
        bench(board, supply=Supply(duty_cycle=DutyCycle(1, 1)))
