"""The fit recovers what made the rows, names what they cannot tell, and says when the model is too small."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration import fit_files
from calibration.fit import Prior, Problem, fit, main
from calibration.misfit import binomial_tail, chi_square_tail
from calibration.regression import FitError, inseparable

PARAMETERS, BODIES, ROUNDS = 24, 40, 8


def problem(seed: int, integer: bool = True, noise: float = 0.01) -> tuple[Problem, np.ndarray]:
    """Rows of hidden parameters with noise and 1 % outliers, and these parameters."""
    generator = np.random.default_rng(seed)
    hidden = generator.integers(1, 7, PARAMETERS).astype(float)
    priors = tuple(
        Prior(f"p{number}", max(1.0, value + generator.integers(-2, 3)), 2.0, 0, 40, integer)
        for number, value in enumerate(hidden)
    )
    shape = BODIES, PARAMETERS
    others = generator.integers(0, 4, shape) * (generator.random(shape) < 0.2)
    counts = np.tile(8 * np.eye(*shape) + others, (ROUNDS, 1))
    exact = counts @ hidden
    sds = noise * np.abs(exact) + 0.01
    values = exact + sds * generator.normal(size=len(exact))
    values *= np.where(generator.random(len(values)) < 0.01, 1.5, 1.0)
    rows = tuple(f"body{number % BODIES}/{number // BODIES}" for number in range(len(values)))
    return Problem(rows, tuple(row.split("/")[0] for row in rows), priors, counts, values, sds), hidden


@pytest.mark.parametrize("seed", range(5))
def test_hidden_integers_come_back_exactly_through_noise_and_outliers(seed: int) -> None:
    rows, hidden = problem(seed)
    found = fit(rows, resamples=10)
    assert list(found.values.values()) == hidden.tolist()
    assert found.explained and not found.inseparable
    assert found.outliers


def test_real_parameters_come_back_within_their_standard_errors() -> None:
    rows, hidden = problem(7, integer=False)
    found = fit(rows, resamples=100)
    scores = [(e.value - truth) / e.standard_error for e, truth in zip(found.estimates, hidden, strict=True)]
    assert np.abs(scores).max() < 4 and 0.6 < np.std(scores) < 1.5
    inside = sum(e.low <= truth <= e.high for e, truth in zip(found.estimates, hidden, strict=True))
    assert inside >= 0.8 * len(hidden)


def test_the_same_seed_gives_the_same_answer_to_the_last_byte() -> None:
    rows, _ = problem(1)
    assert fit(rows, seed=3, resamples=5).json() == fit(rows, seed=3, resamples=5).json()
    assert fit(rows, seed=3, resamples=5).json() != fit(rows, seed=4, resamples=5).json()


def test_parameters_that_always_occur_together_are_named_together() -> None:
    rows, _ = problem(2)
    counts = rows.counts.copy()
    counts[:, 5] = 2 * counts[:, 9]
    counts[:, 7] = 0
    assert inseparable(replace(rows, counts=counts)) == ((("p5", "p9"), 1), (("p7",), 1))
    assert "not separable by these measurements: p5, p9 (1 open)" in fit(replace(rows, counts=counts), resamples=0).report()


def test_bounds_hold_and_are_told() -> None:
    rows, hidden = problem(3, integer=False)
    tight = replace(rows.priors[0], mean=hidden[0] + 2, low=hidden[0] + 1)
    first = fit(replace(rows, priors=(tight, *rows.priors[1:])), resamples=0).estimates[0]
    assert first.value == hidden[0] + 1 and first.at_bound


def test_a_group_that_the_model_cannot_explain_is_flagged_with_its_rows() -> None:
    rows, hidden = problem(4)
    odd = np.array([group == "body30" for group in rows.groups])
    found = fit(replace(rows, values=np.where(odd, rows.values * 1.06, rows.values)), resamples=0)
    assert list(found.values.values()) == hidden.tolist()
    assert [m.rows[0] for m in found.misfits if m.test == "group"] == ["body30/0"]


def test_a_drifting_clock_is_flagged_as_a_trend() -> None:
    rows, _ = problem(5)
    drift = 1 + 0.01 * np.linspace(-1, 1, len(rows.rows))
    assert "trend" in {misfit.test for misfit in fit(replace(rows, values=rows.values * drift), resamples=0).misfits}


def test_understated_errors_are_flagged() -> None:
    rows, _ = problem(6)
    assert "chi-square" in {misfit.test for misfit in fit(replace(rows, sds=rows.sds / 1.5), resamples=0).misfits}


def test_groups_are_foretold_by_the_others() -> None:
    rows, _ = problem(8)
    found = fit(rows, resamples=0)
    assert len(found.held_out) == BODIES
    errors = [abs(each.error) for each in found.held_out if each.foretold]
    assert len(errors) > BODIES // 2 and max(errors) < 0.03


def test_tails_are_those_of_the_tables() -> None:
    # Abramowitz and Stegun, Table 26.8: 18.307 at 10, 124.342 at 100, 0.05 each; binomial by hand
    assert chi_square_tail(18.307, 10) == pytest.approx(0.05, rel=0.02)
    assert chi_square_tail(124.342, 100) == pytest.approx(0.05, rel=0.02)
    assert binomial_tail(2, 2, 0.5) == pytest.approx(0.25)
    assert binomial_tail(0, 5000, 0.02) == 1 and binomial_tail(900, 5000, 0.02) < 1e-9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": np.zeros(3)}, "values: expected shape"),
        ({"sds": np.zeros(BODIES * ROUNDS)}, "row body0/0: needs finite numbers"),
        ({"priors": (Prior("p1", 1, 1),) * PARAMETERS}, "parameters occur twice: p1"),
    ],
)
def test_rows_that_no_fit_can_use_are_refused(change: dict, message: str) -> None:
    with pytest.raises(FitError, match=message):
        replace(problem(0)[0], **change)


def test_the_command_reads_tables_and_writes_text_json_and_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows, hidden = problem(0)
    files = [str(tmp_path / name) for name in ("rows.csv", "priors.csv", "fit.json", "fit.html")]
    fit_files.write(rows, Path(files[0]), Path(files[1]))
    assert main([files[0], files[1], "--json", files[2], "--html", files[3], "--bootstrap", "3"]) == 0
    answer = json.loads(Path(files[2]).read_text())
    assert answer["schema"] == "mcusim.calibration.fit/1" and answer["explained"]
    assert [row["value"] for row in answer["parameters"]] == hidden.tolist()
    assert "no misfit" in capsys.readouterr().out
    page = Path(files[3]).read_text()
    assert "residuals by leverage" in page and "p23" in page


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("body0/0,body0,", "body0/0,body0,x", "line 2, column value: 'x"),
        ("row,group", "row,grape", "line 1 lacks column group"),
        ("body1/0,", "body1/0,,", "line 3: 29 cells under 28 columns"),
    ],
)
def test_damaged_tables_are_refused_with_line_and_column(
    old: str, new: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, priors = tmp_path / "rows.csv", tmp_path / "priors.csv"
    fit_files.write(problem(0)[0], table, priors)
    table.write_text(table.read_text().replace(old, new, 1))
    assert main([str(table), str(priors)]) == 2
    assert message in capsys.readouterr().err


def test_a_misfit_is_an_exit_code(tmp_path: Path) -> None:
    rows, _ = problem(4)
    files = tmp_path / "rows.csv", tmp_path / "priors.csv"
    fit_files.write(replace(rows, sds=rows.sds / 3), *files)
    assert main([*map(str, files), "--bootstrap", "0"]) == 1


def test_a_prior_whose_numbers_are_whole_is_as_good_as_one_of_floats():
    whole, floats = (
        Problem(("a", "b"), ("a", "b"), (Prior("x", number(3), number(2), integer=True),), [[1], [2]], [5, 10], [1, 1])
        for number in (int, float)
    )
    assert fit(whole, resamples=0).values == fit(floats, resamples=0).values == {"x": 5.0}


def test_integers_that_are_found_leave_all_freedom_to_the_residuals():
    """Two rows of one integer each, one of them just inside of what is an outlier: no misfit."""
    problem = Problem(
        ("a", "b"), ("a", "b"), (Prior("x", 3, 2, integer=True), Prior("y", 3, 2, integer=True)), [[1, 0], [0, 1]],
        [3.4, 5.0], [0.2, 0.2],
    )  # fmt: skip
    assert fit(problem, resamples=0).explained
