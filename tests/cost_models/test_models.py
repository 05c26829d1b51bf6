"""Models: the contract, what they learn from costs that are known, and what they refuse."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import cost_models
from cost_models import CostModelError, Estimate, check, what_if
from cost_models.accuracy import kendall_tau
from cost_models.files import Training, read, write
from cost_models.layers import CODES
from cost_models.model import REFUSE, WIDEN, WIDENED, LearningModel
from cost_models.regression import nonnegative, robust
from cost_models.sampling import sample
from cost_models.shipped import DATA, LEARNING
from cost_models.sizes import COPIED_DEVIATION
from mcusim.bench import bench
from mcusim.deploy.build import BuildOptions
from mcusim.deploy.placement import Placement
from mcusim.network.operators import Function, Unary
from tests.cost_models.made_up import HERTZ, costs_of, cycles_of, examples, networks, quick
from tests.deploy.networks import Sketch
from tests.support.firmware import REPOSITORY

BOARD = "nucleo-f746zg"
SHIPPED = sorted(path.stem for path in DATA.glob("*.json"))


@pytest.fixture(scope="module", params=LEARNING)
def learnt(request: pytest.FixtureRequest) -> LearningModel:
    return quick(request.param).fit(*examples(48))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_keeps_the_contract(name: str) -> None:
    board, model = name.rsplit(".", 1)
    cost_models.check_cost_model(cost_models.load(board, model))


def test_a_fitted_model_keeps_the_contract(learnt: LearningModel) -> None:
    cost_models.check_cost_model(learnt, networks(6))


def test_the_simulator_keeps_the_contract() -> None:
    cost_models.check_cost_model(cost_models.load("m4", "simulate"), [check.repeated(1), check.repeated(2)])


def test_a_model_that_breaks_the_contract_is_told_so() -> None:
    class Shrinking(cost_models.Linear):
        def predict(self, networks, *, outside=REFUSE):  # type: ignore[no-untyped-def]
            found = super().predict(networks, outside=outside)
            object.__setattr__(found.latency_seconds, "values", 1 / found.latency_seconds.values)
            return found

    with pytest.raises(AssertionError, match="latency_seconds of a layer repeated"):
        cost_models.check_cost_model(Shrinking().fit(*examples(48)))


def test_linear_learns_a_linear_cost() -> None:
    model = cost_models.Linear().fit(*examples(48))
    asked = cost_models.joined(map(cost_models.from_network, networks(12, seed=4)))
    known = [n for n in range(12) if _known(model, asked.selected([n]))]
    asked = asked.selected(known)
    met = asked.per_network(cycles_of(asked)) / HERTZ
    errors = np.abs(model.predict(asked, outside=WIDEN).latency_seconds.values / met - 1)
    assert len(known) >= 8
    assert np.median(errors) < 0.01
    assert errors.max() < 0.2, "of networks whose kinds were met in a few layers only"


def _known(model: LearningModel, layers: cost_models.Layers) -> bool:
    return bool(model.learnt.layers.price(layers).known.all())


def test_energy_is_learnt_beside_time_and_none_without_a_table() -> None:
    layers, costs = examples(24)
    found = cost_models.Linear().fit(layers, costs).predict(layers)
    assert found.energy_joules is not None
    np.testing.assert_allclose(found.energy_joules.values, layers.per_network(costs.joules), rtol=0.05)
    without = cost_models.Linear().fit(layers, costs_of(layers, energy=False)).predict(layers)
    assert without.energy_joules is None
    assert without.layers.energy_joules is None


def test_a_view_takes_no_time_and_layers_add_up(learnt: LearningModel) -> None:
    layers = examples(48)[0]
    found = learnt.predict(layers)
    views = layers.table["operator"] == CODES["Reshape"]
    assert views.any()
    assert (found.layers.latency_seconds.values[views] == 0).all()
    np.testing.assert_allclose(layers.per_network(found.layers.latency_seconds.values), found.latency_seconds.values)


def test_a_kind_that_was_never_met_is_an_error_that_names_the_layer(learnt: LearningModel) -> None:
    draw = Sketch(x=(1, 8, 8, 4))
    draw.layer(Unary(Function.RELU_N1_TO_1), ("x",), "y", (1, 8, 8, 4))
    with pytest.raises(CostModelError, match=r"sketch, layer make_y \(Unary relu_n1_to_1\): of a kind that this model has"):
        learnt.predict(draw.network("y"), outside=WIDEN)


def test_a_layer_outside_the_domain_is_refused_or_has_a_wider_interval(learnt: LearningModel) -> None:
    asked = examples(48)[0].selected([0])
    large = cost_models.Layers(asked.table.copy(), asked.starts, asked.names, asked.layer_names)
    for name in ("macs", "output_height", "output_bytes"):
        large.table[name][0] *= 10_000
    with pytest.raises(CostModelError, match=f"layer {asked.layer_names[0]} .*: larger than what"):
        learnt.predict(large)
    inside, outside = learnt.predict(asked), learnt.predict(large, outside=WIDEN)
    assert inside.in_domain.all()
    assert not outside.in_domain[0]
    assert outside.layers.in_domain.tolist() == [False] + [True] * (len(asked.table) - 1)
    rows = [each.layers.latency_seconds for each in (inside, outside)]
    relative = [row.deviations[0] / row.values[0] for row in rows]
    assert relative[1] == pytest.approx(WIDENED * relative[0])


def test_a_model_that_has_learnt_nothing_says_so() -> None:
    with pytest.raises(CostModelError, match="has learnt nothing yet"):
        cost_models.Linear().predict(networks(1))


def test_parameters_are_read_and_set_as_scikit_learn_has_it() -> None:
    model = cost_models.Linear(ridge=0.5)
    assert model.get_params() == {"ridge": 0.5, "prior": None, "held": 0.5}
    assert model.set_params(ridge=0.25) is model
    assert model.ridge == 0.25


def test_a_model_in_a_file_is_the_same_model(learnt: LearningModel, tmp_path: Path) -> None:
    path, layers = tmp_path / "model.json", examples(12)[0]
    write(path, learnt, Training(True, "", 48, len(layers.table)))
    again = read(path, type(learnt))
    for one, other in ((learnt, again), (again, learnt)):
        left, right = one.predict(layers), other.predict(layers)
        np.testing.assert_allclose(left.latency_seconds.values, right.latency_seconds.values, rtol=1e-5)
        np.testing.assert_array_equal(left.ram_bytes.deviations, right.ram_bytes.deviations)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "other/1", "model": "linear"}'])
def test_a_file_that_is_no_model_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(CostModelError, match=r"model\.json: "):
        read(tmp_path / "model.json", cost_models.Linear)


def test_models_and_boards_that_are_not_there_are_named_with_those_that_are() -> None:
    with pytest.raises(CostModelError, match="no model 'oracle'; there are: analytic, linear, lookup, neural, trees, simulate"):
        cost_models.load(BOARD, "oracle")
    with pytest.raises(CostModelError, match=f"no linear model of board 'toaster' is shipped; there are those of: .*{BOARD}"):
        cost_models.load("toaster")


def test_intervals_widen_with_the_share_that_they_hold() -> None:
    estimate = Estimate(np.array([100.0]), np.array([10.0]))
    low, high = estimate.interval(0.9)
    assert (low[0], high[0]) == pytest.approx((83.551, 116.449))
    with pytest.raises(CostModelError, match=r"an interval of 0\.42; allowed: "):
        estimate.interval(0.42)


def test_coefficients_are_not_negative_and_the_best_of_those() -> None:
    random = np.random.default_rng(0)
    features = random.uniform(1, 2, (50, 3))
    targets = features @ [2.0, 0.0, 3.0]
    np.testing.assert_allclose(nonnegative(features, targets, 0, targets), [2, 0, 3], atol=1e-6)
    against = nonnegative(features, features @ [2.0, -0.5, 3.0], 0, targets)
    assert against[1] == 0
    assert (against[[0, 2]] > 0).all()
    assert not nonnegative(features, np.zeros(50), 0, targets).any()
    np.testing.assert_allclose(nonnegative(features, targets, 1e6, targets, np.ones(3)), np.ones(3), rtol=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_where_a_fit_begins_changes_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    features = random.uniform(0, 1, (40, 12))
    targets = np.maximum(features @ random.normal(0, 1, 12), 0.1)
    near = np.maximum(random.normal(0, 1, 12), 0)
    found, again = (nonnegative(features, targets, 1e-6, targets, near=each) for each in (None, near))
    np.testing.assert_allclose(again, found, atol=1e-6)
    assert (found == 0).any()


def test_one_row_that_is_far_off_moves_a_robust_fit_little() -> None:
    features = np.random.default_rng(7).uniform(1, 2, (60, 2))
    targets = features @ [2.0, 5.0]
    targets[0] /= 8
    plain, sturdy = (fit(features, targets, 0, targets) for fit in (nonnegative, robust))
    assert np.abs(sturdy - [2, 5]).max() < 0.2 < np.abs(plain - [2, 5]).max()


def test_kendall_tau_is_one_for_the_same_order_and_minus_one_for_the_opposite() -> None:
    values = np.array([3.0, 1.0, 2.0])
    assert kendall_tau(values, 10 * values) == 1
    assert kendall_tau(values, -values) == -1


def test_the_first_answer_needs_neither_simulator_nor_pytorch() -> None:
    """It takes about as long as Python and NumPy take to start, in time of the process: the least of three tries."""
    program = "import sys, time, numpy\nstarted = time.process_time()\nimport cost_models\n" + QUERY.format(board=BOARD)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    ratios = []
    for _ in range(3):
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
        started, seconds, modules = ran.stdout.split()
        ratios.append(float(seconds) / float(started))
    loaded = set(modules.split(","))
    heavy = {"unicorn", "torch", "numba", "elftools", "scipy", "sklearn", "sqlite3", "typer", "mcusim.deploy", "mcusim.machine"}
    assert not loaded & heavy
    assert min(ratios) < 3


QUERY = """
import numpy as np
from cost_models import LAYER, Layers
table = np.zeros(1, LAYER)
sizes = dict(input_height=8, input_width=8, input_channels=8, output_height=8, output_width=8, output_channels=8)
sizes |= dict(kernel_height=3, kernel_width=3, stride_height=1, stride_width=1, dilation_height=1, dilation_width=1)
sizes |= dict(padding_top=1, padding_bottom=1, padding_left=1, padding_right=1, groups=1, element_bytes=1)
sizes |= dict(macs=36864, weight_bytes=608, input_bytes=512, output_bytes=512, live_bytes=1024)
for name, value in sizes.items():
    table[name] = value
found = cost_models.load({board!r}).predict(Layers(table, np.zeros(1, int), ("one",)))
assert found.latency_seconds.values[0] > 0
print(started, time.process_time(), ",".join(sys.modules))
"""


def test_twice_the_clock_at_the_same_wait_states_takes_half_the_time() -> None:
    asked = networks(3)
    slow, fast = (
        cost_models.at_clock("nucleo-l4r5zi", hertz, wait_states=2).predict(asked, outside=WIDEN).latency_seconds
        for hertz in (40_000_000, 80_000_000)
    )
    np.testing.assert_allclose(slow.values, 2 * fast.values)


def test_fewer_wait_states_take_fewer_cycles_and_never_fewer_than_the_core() -> None:
    asked = networks(3)
    cycles = [
        cost_models.at_clock("nucleo-l4r5zi", 16_000_000, states).predict(asked, outside=WIDEN).latency_seconds.values
        for states in (0, 2, 4)
    ]
    assert (cycles[0] < cycles[1]).all()
    assert (cycles[1] < cycles[2]).all()
    core = cost_models.load("m4").predict(asked, outside=WIDEN).latency_seconds.values
    hertz = cost_models.load("m4").learnt.clock_hertz  # type: ignore[attr-defined]
    np.testing.assert_allclose(cycles[0] * 16_000_000, core * hertz, rtol=0.02)


def test_a_clock_above_the_rating_is_refused() -> None:
    with pytest.raises(CostModelError, match=r"a clock of 500000000 Hz; allowed on nucleo-l4r5zi: .* up to 120000000 Hz"):
        cost_models.at_clock("nucleo-l4r5zi", 500_000_000)


def test_a_few_networks_tell_what_a_placement_takes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On a board whose flash is slow beside its RAM; networks of another seed, simulated as they are asked for."""
    monkeypatch.setenv("MCUSIM_CACHE", str(tmp_path))
    board, options = "raspberry-pi-pico", BuildOptions(sparse="never", placement=Placement("ram"))
    told: list[str] = []
    model = cost_models.placed(board, "ram", networks=12, told=told.append)
    assert len(told) >= 12
    asked = [sample(5, number) for number in range(6)]
    found, before = (one.predict(asked, outside=WIDEN) for one in (model, cost_models.load(board)))
    simulated = [bench(network, board, options=options).results[0] for network in asked]
    seconds = np.array([each.latency_seconds for each in simulated], float)
    errors, errors_before = (np.abs(each.latency_seconds.values / seconds - 1) for each in (found, before))
    assert np.median(errors) < min(0.01, np.median(errors_before))
    low, high = found.latency_seconds.interval(0.99)
    assert ((low <= seconds) & (seconds <= high)).sum() >= len(asked) - 1
    held = [each.ram_bytes.arena + each.ram_bytes.static for each in simulated]
    np.testing.assert_allclose(found.ram_bytes.values, held, atol=4 * COPIED_DEVIATION)


def test_networks_that_do_not_fit_a_placement_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of five one does not fit, and one is rewritten; they have no part in the model."""
    results = iter(SimpleNamespace(fits=n != 1, changes=("bands",) * (n == 2)) for n in range(5))
    monkeypatch.setattr(import_module("mcusim.bench"), "bench", lambda *_, **__: SimpleNamespace(results=[next(results)]))
    told: list[str] = []
    found = list(islice(what_if._simulated("m4", Placement("ram"), 5, told.append), 3))
    names = [sample(what_if.PLACED_SEED, number).name for number in (0, 3, 4)]
    assert told == [network.name for network, _ in found] == names


def test_a_placement_in_flash_is_the_models_own() -> None:
    with pytest.raises(CostModelError, match="weights and kernels in flash: the board's own model tells"):
        cost_models.placed("raspberry-pi-pico")


def test_ten_measurements_tell_a_board_that_others_of_its_core_are_like() -> None:
    """The board is made up: waiting of one that is known, half as much again, on the same core."""
    layers = examples(60)[0]
    known, core = (cost_models.load(name).learnt.layers for name in ("nucleo-l4r5zi", "m4"))  # type: ignore[attr-defined]
    cycles = [layers.per_network(fit.price(layers).values[0]) for fit in (known, core)]
    met = (cycles[1] + 1.5 * (cycles[0] - cycles[1])) / 80e6
    measured = list(range(0, 60, 7))
    asked = [n for n in range(60) if n not in measured]
    told = met[measured].tolist()
    model = cost_models.adapted("nucleo-l4r5zi", 80_000_000, layers.selected(measured), told, name="mine")
    found = model.predict(layers.selected(asked), outside=WIDEN).latency_seconds
    assert model.board == "mine"
    assert np.median(np.abs(found.values / met[asked] - 1)) < 0.05
    low, high = found.interval(0.9)
    assert ((low <= met[asked]) & (met[asked] <= high)).mean() > 0.8


def test_too_few_measurements_are_refused() -> None:
    layers = examples(2)[0]
    with pytest.raises(CostModelError, match="2 measurements of 2 networks; allowed: one each, of 3 and more"):
        cost_models.adapted("nucleo-l4r5zi", 80_000_000, layers, [0.1, 0.2])
