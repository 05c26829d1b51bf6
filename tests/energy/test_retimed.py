"""Energy of a saved run, priced again, is that of a run under the same assumptions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import mcusim
from mcusim.energy import EnergyError, Supply
from mcusim.machine.what_if import WhatIf
from tests.support.boards import workload

MADE_UP = Path(__file__).parent / "made_up.toml"


@pytest.fixture(scope="module")
def saved():
    kept = []
    mcusim.run(workload("nucleo-l4r5zi"), board=MADE_UP, save_profile=kept.append)
    return kept[0]


def energy(profile, variant, volts=None):
    (answer,) = mcusim.retime(profile, variant=variant, supply_volts=volts).answers
    return answer.how, answer.energy_joules, answer.supply_volts


@pytest.mark.parametrize(("clock", "wait_states"), [
    (None, None), (20_000_000, 0), (80_000_000, 3), (120_000_000, 15), (None, 2),
])  # fmt: skip
@pytest.mark.parametrize("volts", [None, 1.8])
def test_priced_energy_is_that_of_a_run(saved, clock, wait_states, volts):
    again = mcusim.run(
        workload("nucleo-l4r5zi"), board=MADE_UP, clock_hertz=clock, wait_states=wait_states, supply=Supply(volts)
    )
    how, joules, supply = energy(saved, WhatIf(clock, wait_states), volts)
    assert how == ("recorded" if clock is wait_states is None else "priced")
    assert joules == pytest.approx(again.energy_joules, rel=1e-12) and supply == (volts or 3.3)


def test_energy_of_a_run_that_is_run_again_is_told_too(saved):
    again = mcusim.run(workload("nucleo-l4r5zi"), board=MADE_UP, caches=False, supply=Supply(2.0))
    how, joules, supply = energy(saved, WhatIf(caches=False), 2.0)
    assert (how, supply) == ("re-run", 2.0) and joules == pytest.approx(again.energy_joules, rel=1e-12)


def test_other_energies_of_a_board_need_no_run(saved, tmp_path):
    other = tmp_path / "made_up.toml"
    other.write_text(MADE_UP.read_text().replace("run = { value = 1e-3", "run = { value = 2e-3"))
    (answer,) = mcusim.retime(saved, board=other, pure=True).answers
    (before,) = mcusim.retime(saved, pure=True).answers
    assert answer.energy_joules - before.energy_joules == pytest.approx(1e-3 * before.seconds)


def test_a_profile_of_an_earlier_version_has_no_events_and_no_energy(saved):
    old = replace(saved, events={}, functions=tuple(replace(each, events={}) for each in saved.functions))
    assert energy(old, WhatIf(80_000_000))[1] is None


def test_a_supply_that_the_board_does_not_take_is_refused(saved):
    with pytest.raises(EnergyError, match="a supply of 5 V"):
        mcusim.retime(saved, supply_volts=5.0)
