"""Options of the supply: what people type, and what it means."""

from __future__ import annotations

import pytest
import typer

from mcusim.cli import supply_options


@pytest.mark.parametrize(("text", "seconds"), [
    ("1/min", 60), ("10/s", 0.1), ("1/h", 3600), ("2/d", 43_200), ("1/15min", 900), ("0.5/s", 2), ("3/1.5s", 0.5),
])  # fmt: skip
def test_duty_cycles_are_runs_in_a_time(text, seconds):
    assert supply_options.duty_cycle(text).period_seconds == pytest.approx(seconds)


@pytest.mark.parametrize(("text", "joules"), [("220mAh@3V", 0.22 * 3600 * 3), ("2.6Ah@3.6V", 2.6 * 3600 * 3.6)])
def test_batteries_are_charge_at_a_voltage(text, joules):
    assert supply_options.battery(text).joules == pytest.approx(joules)


@pytest.mark.parametrize(("text", "value"), [("2.5uA", 2.5e-6), ("1µA", 1e-6), ("3mA", 3e-3), ("40nA", 4e-8), ("0A", 0)])
def test_currents_have_a_unit(text, value):
    assert supply_options.amperes(text) == pytest.approx(value)


@pytest.mark.parametrize(("text", "value"), [("3.3", 3.3), ("1.8V", 1.8), ("3 V", 3.0)])
def test_voltages_may_have_a_unit(text, value):
    assert supply_options.volts(text) == pytest.approx(value)


@pytest.mark.parametrize("reader", ["duty_cycle", "battery", "amperes", "volts"])
@pytest.mark.parametrize("text", [
    "", "x", "-1V", "0", "1/", "/min", "0/min", "1/0s", "1/year", "220mAh", "0mAh@3V", "1Ah@0V", "nan", "inf", "1..2V", "2.5kA",
    "1/min ", "9" * 400 + "V",
])  # fmt: skip
def test_everything_else_is_refused_with_what_is_allowed(reader, text):
    with pytest.raises(typer.BadParameter, match="allowed"):
        getattr(supply_options, reader)(text)
