"""Parameters from measurements: a robust fit of event counts, and what can be said about it.

    python -m calibration.fit ROWS.csv PRIORS.csv [--json FILE] [--html FILE] [--seed N] [--bootstrap N]

ROWS.csv has a line for each measurement, in the order of measuring: the columns row, group, value and sd, then one for each
parameter with how often its event occurred. value is explained as the sum of counts x parameters; sd is its standard deviation.
PRIORS.csv has a line for each parameter: parameter, mean, sd, low, high, integer (yes or no; empty bounds are none).

Printed are the fitted parameters with standard errors and 95 % intervals (bootstrap), the sets of parameters that the
measurements cannot separate, outliers, how well each group is foretold by the others, and, if there is one, the misfit: what
the model lacks. The same input and seed give the same output.

Exit code: 0; 1 where the model does not explain the measurements; 2 for input that cannot be used.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from calibration import fit_files, fit_report
from calibration.misfit import OUTLIER, Misfit, misfits_of
from calibration.regression import Array, Prior, Problem, Solution, inseparable, leverage_of, solve, solve_integers
from mcusim.errors import McusimError

__all__ = ["Estimate", "Fit", "HeldOut", "Inseparable", "Misfit", "Prior", "Problem", "fit"]

Rows = npt.NDArray[np.intp]
"""Numbers of rows."""

RESAMPLES = 200
UNHEARD = 1e100
"""Standard deviation of rows that have no say."""
FORETOLD = 3.0
"""A group whose prediction by the others is vaguer than this many of its own standard deviations is not foretold by them."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A fitted parameter. ``low`` and ``high`` hold 95 % of the bootstrap, over real numbers for integers too."""

    prior: Prior
    value: float
    standard_error: float
    low: float
    high: float
    separable: bool

    @property
    def name(self) -> str:
        return self.prior.name

    @property
    def at_bound(self) -> bool:
        """Whether the measurements would have it further out."""
        return not self.prior.integer and self.value in (self.prior.low, self.prior.high)


@dataclass(frozen=True, slots=True)
class Inseparable:
    """Parameters of which the measurements leave ``directions`` combinations open: their values there are the priors'."""

    names: tuple[str, ...]
    directions: int


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A group as the fit without it has it, over real numbers: median relative error of its rows.

    ``foretold``: the others determine it, and there is more to foretell than noise; the error is 0 where not.
    """

    group: str
    error: float
    foretold: bool


@dataclass(frozen=True, eq=False)
class Fit:
    """What came out. ``residuals`` and ``before`` (with the priors' means) are in standard deviations, (rows,), as measured.

    ``real`` is the minimum over real numbers.
    """

    problem: Problem
    real: Solution
    estimates: tuple[Estimate, ...]
    residuals: Array
    before: Array
    weights: Array
    leverage: Array
    inseparable: tuple[Inseparable, ...]
    outliers: tuple[int, ...]
    misfits: tuple[Misfit, ...]
    seed: int

    @cached_property
    def held_out(self) -> tuple[HeldOut, ...]:
        """Each group as the fit without it has it: a fit for each, when somebody asks."""
        return _held_out(self.problem, self.real)

    @property
    def values(self) -> dict[str, float]:
        """Fitted values by name."""
        return {estimate.name: estimate.value for estimate in self.estimates}

    @property
    def explained(self) -> bool:
        """Whether nothing was left over but noise and single outliers."""
        return not self.misfits

    def report(self) -> str:
        """The fit as text."""
        return fit_report.text_of(self)

    def json(self) -> str:
        """The fit as JSON, schema ``mcusim.calibration.fit/1``."""
        return fit_report.json_of(self)

    def html(self) -> str:
        """The fit as one page with plots, complete in itself. ReportError where plotly (extra ``plot``) is missing."""
        return fit_report.html_of(self)


def fit(problem: Problem, *, seed: int = 0, resamples: int = RESAMPLES) -> Fit:
    """Fit of ``problem``; ``resamples`` of the bootstrap are drawn with ``seed``."""
    real, best = minima(problem)
    residuals, leverage = problem.residuals(best.values), leverage_of(problem, real)
    open_ = tuple(Inseparable(*each) for each in inseparable(problem))
    return Fit(
        problem, real, _estimates(problem, real, best, open_, leverage, seed, resamples), residuals,
        problem.residuals(problem.means), best.weights, leverage, open_,
        tuple(int(row) for row in np.flatnonzero(np.abs(residuals) > OUTLIER)),
        # integers that are found do not bend to the rows, so they take no freedom from the residuals
        misfits_of(problem, residuals, leverage_of(problem, best, ~problem.integers)),
        seed,
    )  # fmt: skip


def minima(problem: Problem) -> tuple[Solution, Solution]:
    """Where the minimum is over real numbers, and with integers in their places."""
    real = solve(problem)
    return real, solve_integers(problem, real) if problem.integers.any() else real


def _estimates(
    problem: Problem, real: Solution, best: Solution, open_: Sequence[Inseparable], leverage: Array, seed: int, resamples: int
) -> tuple[Estimate, ...]:
    errors = np.sqrt(np.diag(np.linalg.inv(best.normal)))
    low, high = _bootstrap(problem, real, leverage, seed, resamples)
    shared = {name for each in open_ for name in each.names}
    return tuple(
        Estimate(prior, float(value), float(error), float(bottom), float(top), prior.name not in shared)
        for prior, value, error, bottom, top in zip(problem.priors, best.values, errors, low, high, strict=True)
    )


def _bootstrap(problem: Problem, real: Solution, leverage: Array, seed: int, resamples: int) -> tuple[Array, Array]:
    """2.5 and 97.5 % of fits to what was predicted plus residuals drawn from those that there are, (parameters,) each.

    Rows stay: to draw them would lose parameters that few of them know. Residuals are made as wide as errors are by the
    leverage of their rows.
    """
    if not resamples:
        return real.values, real.values
    generator = np.random.default_rng(seed)
    predicted = problem.counts @ real.values
    wide = problem.residuals(real.values) / np.sqrt(np.maximum(1 - leverage, 0.1))
    drawn = [
        solve(replace(problem, values=predicted + problem.sds * generator.choice(wide, len(wide))), real.values).values
        for _ in range(resamples)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return low, high


def _held_out(problem: Problem, real: Solution) -> tuple[HeldOut, ...]:
    groups = np.array(problem.groups)
    names = list(dict.fromkeys(problem.groups))
    if len(names) < 2:
        return ()
    found = []
    for name in names:
        out = groups == name
        rest = replace(problem, sds=np.where(out, UNHEARD, problem.sds))
        found.append(_foretold(name, problem, np.flatnonzero(out), solve(rest, real.values)))
    return tuple(found)


def _foretold(name: str, problem: Problem, rows: Rows, solution: Solution) -> HeldOut:
    counts, measured, spread = problem.counts[rows], problem.values[rows], FORETOLD * problem.sds[rows]
    vague = np.sqrt(np.einsum("ij,ji->i", counts, np.linalg.solve(solution.normal, counts.T)))
    if np.any(vague > spread) or np.any(np.abs(measured) <= spread):
        return HeldOut(name, 0.0, False)
    return HeldOut(name, float(np.median((counts @ solution.values - measured) / np.abs(measured))), True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0; 1 for a misfit; 2 for input that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m calibration.fit", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("rows", type=Path, metavar="ROWS.csv")
    parser.add_argument("priors", type=Path, metavar="PRIORS.csv")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the fit as JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write one page with plots (needs the extra 'plot')")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap (default 0)")
    parser.add_argument("--bootstrap", type=int, default=RESAMPLES, metavar="N", help=f"resamples (default {RESAMPLES})")
    options = parser.parse_args(arguments)
    if options.bootstrap < 0 or options.seed < 0:
        parser.error("--bootstrap and --seed take numbers from 0 on")
    try:
        fit_report.check_outputs(options.json, options.html)
        found = fit(fit_files.read(options.rows, options.priors), seed=options.seed, resamples=options.bootstrap)
        fit_report.write(found, options.json, options.html)
    except McusimError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(found.report())
    return 0 if found.explained else 1


if __name__ == "__main__":
    sys.exit(main())
