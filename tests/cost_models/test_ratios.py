"""Ratios: what lookup and trees make of layers that are known, and what they refuse to read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cost_models import CostModelError, Layers, Lookup, Neural, Trees
from cost_models.files import Training, read, write
from cost_models.lookup import Grid, level, sizes_of, squares_between, thinned
from cost_models.packed import packed, unpacked
from cost_models.ratios import RatioFit
from cost_models.shipped import LEARNING
from cost_models.trees import COLUMNS, DERIVED, LEAF, Forest, features_of, planted
from tests.cost_models.made_up import costs_of, examples, quick
from tests.support.firmware import REPOSITORY

STUMP = np.array([0, LEAF, LEAF]), np.array([0.5, -1.0, 1.0])
"""Up to 0.5 of the first feature -1, above it 1."""


@pytest.fixture(scope="module")
def known() -> tuple[Layers, np.ndarray]:
    layers = examples(24)[0]
    return layers, costs_of(layers).cycles


def fit_of(name: str, known: tuple[Layers, np.ndarray], **parameters: int) -> RatioFit:
    layers, cycles = known
    fit = quick(name).set_params(**parameters).fit_layers(layers, cycles[None].astype(float), dsp=True)
    assert isinstance(fit, RatioFit)
    return fit


def test_numbers_in_a_line_are_read_as_they_were_written() -> None:
    values = np.array([[1, 2.5, -3e-9], [0, 123456, 7]])
    np.testing.assert_array_equal(unpacked(packed(values), 2, 3), values)
    for text in ("1 2", "1 2 nan", "1 2 x"):
        with pytest.raises(ValueError, match=r"reshape|not finite|convert"):
            unpacked(text, 3)


def test_a_lookup_knows_again_what_it_has_met(known: tuple[Layers, np.ndarray]) -> None:
    fit, (layers, cycles) = fit_of("lookup", known), known
    alone = _alone(fit, layers.table)
    found = fit.price(layers).values[0][alone]
    np.testing.assert_allclose(found, cycles[alone], rtol=1e-3)
    assert alone.sum() > 100


def _alone(fit: RatioFit, table: np.ndarray) -> np.ndarray:
    """Rows that no other one of their kind has the sizes of."""
    keys = np.column_stack([fit.kinds(table), sizes_of(table)])
    _, which, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    return np.asarray(counts[which.ravel()] == 1)


def test_a_lookup_between_two_layers_tells_something_between() -> None:
    grid = Grid(2, np.array([0, 2]), np.array([[8] * 12, [32] * 12]), np.array([[0.0, 1.0]]))
    layers = examples(1)[0].table[:1]
    (log,), = grid.logs(layers, np.array([0]))
    assert 0 < log < 1
    assert grid.logs(layers, np.array([-1]))[0, 0] == 0


def test_a_lookup_keeps_no_more_rows_than_it_is_told(known: tuple[Layers, np.ndarray]) -> None:
    ratios = fit_of("lookup", known, rows=60).ratios
    assert isinstance(ratios, Grid)
    assert len(ratios.sizes) <= 60
    assert (np.diff(ratios.starts) >= 0).all()
    assert level(np.array([100, 3, 1]), 14) == 10
    assert level(np.array([5, 5]), 1) == 1


def test_rows_that_are_kept_lie_far_from_each_other_and_stand_for_those_near() -> None:
    sizes, met = thinned(np.array([[1], [1], [2], [1024]]), np.array([[1.0, 3.0, 5.0, 9.0]]), 2)
    assert sizes.tolist() == [[1], [1024]]
    assert met.tolist() == [[3.0, 9.0]]
    assert squares_between(np.array([[0.0, 3.0]]), np.array([[4.0, 0.0], [0.0, 3.0]])).tolist() == [[25.0, 0.0]]


def test_trees_go_left_up_to_a_value_and_right_above() -> None:
    forest = planted([10.0], 2, *(np.concatenate([each, each]) for each in STUMP))
    seen = np.array([[0.0], [0.5], [0.6]])
    assert forest.walked(seen).tolist() == [[8.0, 8.0, 12.0]]


def test_trees_answer_alike_compiled_and_plain_and_as_scikit_learn_does(known: tuple[Layers, np.ndarray]) -> None:
    fit, (layers, cycles) = fit_of("trees", known), known
    assert isinstance(fit.ratios, Forest)
    slots, model = fit.rough.slots(layers.table), quick("trees")
    seen = features_of(layers.table, slots)
    assert seen.shape[1] == len(COLUMNS) + DERIVED
    np.testing.assert_allclose(fit.ratios.walked_fast(seen), fit.ratios.walked(seen), rtol=1e-12)
    expected = fit.rough.values(layers.table, slots)[0]
    rows = (cycles > 0) & (expected > 0)
    assert isinstance(model, Trees)
    boosted = model.boosted(seen[rows], np.log(cycles[rows] / expected[rows]))
    np.testing.assert_allclose(fit.ratios.walked(seen)[0], boosted.predict(seen), atol=1e-4)


def test_trees_need_scikit_learn_and_say_so(known: tuple[Layers, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(CostModelError, match=r"scikit-learn fits trees and is not installed: pip install mcusim\[trees\]"):
        Trees(trees=1).fit_layers(known[0], known[1][None].astype(float), dsp=True)


@pytest.mark.parametrize(
    "change",
    [{"features": "0 -1"}, {"features": "0 -1 99"}, {"trees": 2}, {"start": []}, {"values": "0.5 1"}, {"features": "-1 -1 -1"}],
)
def test_trees_that_are_none_are_refused(change: dict[str, Any]) -> None:
    whole = planted([10.0], 1, *STUMP).plain()
    assert Trees.read_ratios(whole, 1, 1).walked(np.ones((1, 1))) == 11
    with pytest.raises(ValueError, match=r"trees|reshape"):
        Trees.read_ratios(whole | change, 1, 1)


@pytest.mark.parametrize("starts", ["0 3", "1 2", "0 2 2"])
def test_a_lookup_whose_kinds_do_not_follow_each_other_is_refused(starts: str) -> None:
    plain = Grid(2, np.array([0, 2]), np.full((2, 12), 8), np.zeros((1, 2))).plain()
    assert len(Lookup.read_ratios(plain, 1, 1).sizes) == 2
    with pytest.raises(ValueError, match=r"one kind after the other|reshape"):
        Lookup.read_ratios(plain | {"starts": starts}, 1, 1)
    with pytest.raises(ValueError, match="a lookup of 0 neighbours"):
        Lookup.read_ratios(plain | {"neighbours": 0}, 1, 1)


def test_a_file_with_a_kind_that_there_is_not_is_refused(tmp_path: Path) -> None:
    path, (layers, costs) = tmp_path / "model.json", examples(6)
    write(path, Lookup().fit(layers, costs), Training(True, "", 6, len(layers.table), {}))
    path.write_text(path.read_text().replace('"softmax"', '"hard maximum"'))
    with pytest.raises(CostModelError, match="a lookup model of kind 'hard maximum', which this version has not"):
        read(path, Lookup)


@pytest.mark.parametrize("name", LEARNING)
def test_answers_need_nothing_that_fits(name: str, tmp_path: Path) -> None:
    path, table, (layers, costs) = tmp_path / "model.json", tmp_path / "table.npy", examples(6)
    write(path, quick(name).fit(layers, costs), Training(True, "", 6, len(layers.table), {}))
    np.save(table, layers.table)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", QUERY, path, name, table]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert not set(ran.stdout.split()) & {"torch", "numba", "sklearn", "scipy", "sqlite3", "mcusim.machine"}


QUERY = """
import sys
from pathlib import Path
import numpy as np
from cost_models import Layers
from cost_models.files import read
from cost_models.shipped import class_of
path, name, table = sys.argv[1:]
layers = Layers(np.load(table), np.zeros(1, int), ("all",))
assert read(Path(path), class_of(name)).predict(layers).latency_seconds.values[0] > 0
print(*sys.modules)
"""


def test_layers_that_all_take_nothing_are_told_to_take_nothing(known: tuple[Layers, np.ndarray]) -> None:
    layers, cycles = known
    for model in (Lookup(), Neural(), Trees()):
        fit = model.fit_layers(layers, 0.0 * cycles[None], dsp=True)
        assert not fit.price(layers).values.any()
