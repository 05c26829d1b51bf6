"""What an energy fit found: as rows of a table, as notes, as JSON, as lines of a board file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from calibration.energy_campaign import EnergyFound
from calibration.fit import Estimate
from calibration.microbenchmarks.energy_model import UNITS, toml_of
from mcusim.energy import STATIC

COLUMNS = ("figure", "table", "fitted", "unit", "", "")
UNIT = {STATIC: "mW"}
"""By kind; pJ for all others."""
KNOWN, TOGETHER, VAGUE = "known", "together", "vague"
PICO = 1e-12


def _kind(each: Estimate) -> tuple[str, str]:
    kind, _, what = each.name.partition(".")
    return kind, what


def status_of(found: EnergyFound, each: Estimate) -> str:
    """Whether a figure is known to 2 %, known only together with others, or vague."""
    return KNOWN if each.name not in found.fitted.unknown else VAGUE if each.separable else TOGETHER


def rows(found: EnergyFound) -> Iterable[tuple[str, ...]]:
    """Cells of ``COLUMNS``."""
    for each in found.fitted.fit.estimates:
        kind, what = _kind(each)
        row = found.base.static_watts if kind == STATIC else found.base.joules.get(kind, {})
        table = f"{row[what].value / UNITS.get(kind, PICO):.4g}" if what in row else "-"
        fitted = f"{each.value:.4g} ± {each.standard_error:.2g}"
        yield each.name, table, fitted, UNIT.get(kind, "pJ"), status_of(found, each), ""


def notes(found: EnergyFound) -> Iterable[str]:
    """What the table does not say."""
    fit = found.fitted.fit
    known = sum(status_of(found, each) == KNOWN for each in fit.estimates)
    yield f"{known} of {len(fit.estimates)} figures of energy known to 2 %, by {len(fit.problem.rows)} readings"
    for each in fit.inseparable:
        yield f"not separable: {', '.join(each.names)} ({each.directions} open)"
    yield from (f"misfit: {misfit.text}" for misfit in fit.misfits)


def lines(found: EnergyFound) -> str:
    """The table ``[energy]``."""
    return toml_of(found.fitted.table, over=found.known)


def fields(found: EnergyFound) -> dict[str, Any]:
    """For JSON."""
    fit = found.fitted.fit
    figures = [
        {"name": each.name, "value": each.value * UNITS.get(_kind(each)[0], PICO),
         "standard_error": each.standard_error * UNITS.get(_kind(each)[0], PICO), "status": status_of(found, each)}
        for each in fit.estimates
    ]  # fmt: skip
    return {"supply_volts": found.base.supply_volts, "readings": len(fit.problem.rows), "figures": figures,
            "misfits": [{"test": each.test, "text": each.text} for each in fit.misfits]}  # fmt: skip
