"""What a campaign found, for people, for programs and as a board file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from calibration import energy_told
from calibration.campaign import Campaign
from calibration.certainty import DOUBT
from calibration.energy_campaign import EnergyFound
from calibration.fit import Estimate, Fit
from calibration.session import Subject
from mcusim.cores.numbers import numbers_of

SCHEMA = "mcusim.calibrate/1"
SHOWN = 12
"""Outliers that are named on a terminal; JSON has all."""
SETTLED, TOGETHER, AT_MOST, OPEN = "settled", "together", "at most", "open"
NOTES = {
    SETTLED: "",
    TOGETHER: "; only together with {partners}",
    AT_MOST: "; at most: what it adds is hidden by something longer",
    OPEN: "; in doubt: another value with probability {doubt:.2g}",
}
"""What a source says of a value of each status, behind how it was fitted."""


@dataclass(frozen=True, slots=True)
class Value:
    """A parameter as fitted. ``doubt``: probability of another integer; ``rows``: measurements that feel it.

    ``status`` is "settled", "open", "together" (only a combination with ``partners`` is known) or "at most".
    """

    name: str
    table: int
    value: int
    standard_error: float
    low: float
    high: float
    rows: int
    status: str
    doubt: float
    partners: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """What its status has to say."""
        return NOTES[self.status].format(partners=", ".join(self.partners), doubt=self.doubt)

    @property
    def source(self) -> str:
        """Where the value comes from, in a line."""
        return f"fitted n={self.rows}, ± {self.standard_error:.2g}{self.note}"


@dataclass(frozen=True, eq=False)
class Calibrated:
    """The end of a campaign: the ``fit``, and every parameter that the bodies feel."""

    campaign: Campaign
    energy: EnergyFound | None = None

    @cached_property
    def fit(self) -> Fit:
        return self.campaign.recovered.fit

    @property
    def explained(self) -> bool:
        """Whether what the model leaves over looks like noise."""
        return not self.fit.misfits and (self.energy is None or self.energy.fitted.fit.explained)

    @cached_property
    def values(self) -> tuple[Value, ...]:
        model = self.campaign.model
        table, found = model.values(model.table), model.values(self.campaign.recovered.guess)
        return tuple(self._value(each, table[each.name], found[each.name]) for each in self.fit.estimates)

    def _value(self, estimate: Estimate, table: int, value: int) -> Value:
        name = estimate.name
        partners = next((each.names for each in self.fit.inseparable if name in each.names), ())
        doubt = self._doubts.get(name, 0.0)
        holds = {TOGETHER: bool(partners), AT_MOST: name in self.campaign.recovered.at_most, OPEN: doubt >= DOUBT}
        status = next((status for status, so in holds.items() if so), SETTLED)
        return Value(
            name, table, value, estimate.standard_error, estimate.low, estimate.high, self._rows[name], status, doubt,
            tuple(other for other in partners if other != name),
        )  # fmt: skip

    @cached_property
    def _doubts(self) -> Mapping[str, float]:
        """Doubt of each parameter, of those that are a target alone."""
        state = self.campaign.state
        return {target.name: float(doubt) for target, doubt in zip(state.linear.targets, state.doubts, strict=True)}

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        problem, weights = self.fit.problem, self.fit.weights
        felt = ((problem.counts != 0) & (weights > 0)[:, None]).sum(axis=0)
        return {prior.name: int(rows) for prior, rows in zip(problem.priors, felt, strict=True)}

    # --- forms ----------------------------------------------------------------------------------------------------------
    def rows(self) -> Iterable[tuple[str, ...]]:
        """Cells of a table: parameter, table, fitted, interval, measurements, status."""
        for each in self.values:
            yield (
                each.name, str(each.table), f"{each.value} ± {each.standard_error:.2g}", f"{each.low:.4g} .. {each.high:.4g}",
                str(each.rows), each.status, "" if each.value == each.table else "changed",
            )  # fmt: skip

    def notes(self) -> Iterable[str]:
        """What the table does not say."""
        state, fit = self.campaign.state, self.fit
        yield f"{state.settled} of {len(state.doubts)} settled by {len(self.campaign.rows)} measurements"
        for each in fit.inseparable:
            yield f"not separable: {', '.join(each.names)} ({each.directions} open)"
        if self.campaign.recovered.unfelt:
            yield f"felt by no body: {', '.join(self.campaign.recovered.unfelt)}"
        if state.open:
            yield f"in doubt: {', '.join(state.linear.targets[place].name for place in state.open)}"
        if fit.outliers:
            far = [f"{fit.problem.rows[row]} ({fit.residuals[row]:+.0f} sd)" for row in fit.outliers]
            yield f"outliers: {', '.join(far[:SHOWN])}{f' and {len(far) - SHOWN} more' if len(far) > SHOWN else ''}"
        yield from (f"misfit: {misfit.text}" for misfit in fit.misfits)
        if self.energy is not None:
            yield from energy_told.notes(self.energy)
        if self.explained:
            yield "no misfit: what is left over looks like noise"

    def json(self, subject: Subject, board_file: str | None) -> str:
        """JSON of schema ``mcusim.calibrate/1``; ``board_file`` is None where none was written."""
        state, fit = self.campaign.state, self.fit
        told: dict[str, Any] = {
            "schema": SCHEMA, **asdict(subject), "measurements": len(self.campaign.rows), "settled": state.settled,
            "targets": len(state.doubts), "parameters": [{**asdict(each), "source": each.source} for each in self.values],
            "unfelt": list(self.campaign.recovered.unfelt),
            "inseparable": [asdict(each) for each in fit.inseparable],
            "outliers": [{"row": fit.problem.rows[row], "residual_sd": float(fit.residuals[row])} for row in fit.outliers],
            "energy": None if self.energy is None else energy_told.fields(self.energy),
            "misfits": [asdict(misfit) for misfit in fit.misfits], "explained": self.explained, "board_file": board_file,
        }  # fmt: skip
        return json.dumps(told, indent=1, ensure_ascii=False)

    def board_file(self, base: str, output: Path, subject: Subject, clock_hertz: int) -> str:
        """The board file: ``base`` with what was fitted. Parameters that a board file cannot hold are left out."""
        known = numbers_of(self.campaign.model.table.core)
        doubtful = "" if self.explained else "; doubtful: the model does not explain all measurements"
        lines = [
            f"# Written by mcusim calibrate {subject.version}: {len(self.campaign.rows)} measurements over {subject.link},",
            f"# noise {subject.noise:g}, firmware {subject.build:08x}, core at {clock_hertz:,} Hz by its file.",
            f"base = {_quoted(base_in(base, output))}",
            *self._memories(f"mcusim calibrate over {subject.link}, core at {clock_hertz:,} Hz", doubtful), "", "[timing]",
        ]  # fmt: skip
        for each in self.values:
            if each.name in known:
                error = float(np.format_float_positional(each.standard_error, precision=2, fractional=False))
                source = _quoted(each.source + doubtful)
                lines.append(f"{each.name} = {{ value = {each.value}, standard_error = {error!r}, source = {source} }}")
        return "\n".join(lines) + "\n" + ("" if self.energy is None else f"\n{energy_told.lines(self.energy)}")

    def _memories(self, conditions: str, doubtful: str) -> Iterator[str]:
        """Numbers of the memories under the keys that a board file has for them, and where they come from."""
        fitted = {each.name: each for each in self.values}
        found = [(key, fitted[each.name], each) for each in self.campaign.model.of_memories if each.name in fitted
                 for key in each.keys]  # fmt: skip
        yield from (f"{key} = {value.value - parameter.base}" for key, value, parameter in found)
        yield from ("", "[sources]") if found else ()
        for key, value, parameter in found:
            told = f"{conditions}, {parameter.base} set by software" if parameter.base else conditions
            text = f"{told}: {parameter.name} = {value.value} ± {value.standard_error:.2g}{value.note}{doubtful}"
            yield f'"{key}" = {_quoted(f"fitted, n = {value.rows}, error {100 * self._error(value.name):.2g} %: {text}")}'

    def _error(self, name: str) -> float:
        """Median relative error that is left of the measurements which feel a parameter."""
        problem, rows = self.fit.problem, self.campaign.rows
        column = next(place for place, prior in enumerate(problem.priors) if prior.name == name)
        felt = np.flatnonzero((problem.counts[:, column] != 0) & (self.fit.weights > 0))
        off = [abs(self.fit.residuals[row]) * rows[row].sd / max(abs(rows[row].cycles), 1) for row in felt.tolist()]
        return float(np.median(off)) if off else 0.0


def base_in(base: str, output: Path) -> str:
    """The base as it is called in a file at ``output``: paths are relative to it."""
    if not base.endswith(".toml"):
        return base
    return os.path.relpath(os.path.realpath(base), os.path.dirname(os.path.realpath(output)))


def _quoted(text: str) -> str:
    """A string of TOML."""
    return json.dumps(text, ensure_ascii=False)
