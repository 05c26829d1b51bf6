"""Neural: NumPy and PyTorch agree, costs have gradients, and channels are found by going down them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from cost_models import CostModelError, Layers, Neural
from cost_models.check import repeated
from cost_models.model import WIDEN
from cost_models.neural import SIZES, Weights, sizes_of
from cost_models.ratios import RatioFit
from tests.cost_models.made_up import HERTZ, costs_of, examples, quick
from tests.cost_models.test_page import PAGE

torch = pytest.importorskip("torch", reason="PyTorch is missing, by which neural models are fitted")

from cost_models.relaxed import PLACE, with_channels  # noqa: E402  what it imports may be missing


@pytest.fixture(scope="module")
def learnt() -> Neural:
    model = quick("neural").fit(*examples(40))
    assert isinstance(model, Neural)
    return model


def test_costs_of_whole_sizes_are_those_that_numpy_tells(learnt: Neural) -> None:
    layers = examples(40)[0]
    rows, told = learnt.rows(layers), learnt.predict(layers, outside=WIDEN).layers
    assert told.energy_joules is not None
    np.testing.assert_allclose(learnt.latency(rows).numpy(), told.latency_seconds.values, rtol=1e-9)
    np.testing.assert_allclose(learnt.energy(rows).numpy(), told.energy_joules.values, rtol=1e-9)


def test_a_gradient_is_how_much_a_cost_changes_with_a_size(learnt: Neural) -> None:
    rows = learnt.rows(repeated(1)).requires_grad_()
    (slope,) = torch.autograd.grad(learnt.latency(rows).sum(), rows)
    at = rows.detach()
    for name in ("macs", "output_channels", "input_bytes"):
        step = torch.zeros_like(at)
        step[0, PLACE[name]] = 1e-3
        met = float((learnt.latency(at + step) - learnt.latency(at - step)).sum() / 2e-3)
        assert float(slope[0, PLACE[name]]) == pytest.approx(met, rel=1e-4)


def test_more_channels_keep_sizes_of_a_row_in_step(learnt: Neural) -> None:
    rows = learnt.rows(repeated(2))
    halved, doubled = (torch.full((len(rows),), times, dtype=torch.float64) for times in (0.5, 2.0))
    wider = with_channels(rows, halved, doubled)
    for name, times in {"input_channels": 0.5, "output_channels": 2, "macs": 1, "input_bytes": 0.5, "output_bytes": 2}.items():
        np.testing.assert_allclose(wider[:, PLACE[name]], times * rows[:, PLACE[name]])
    assert SIZES[PLACE["groups"] - 1] == "groups"


def test_a_depthwise_convolution_has_as_many_groups_as_channels(learnt: Neural) -> None:
    layers = examples(40)[0]
    rows = learnt.rows(layers)
    apart = np.flatnonzero((layers.table["groups"] > 1) & (layers.table["groups"] == layers.table["input_channels"]))[:1]
    row, double = rows[apart], torch.full((1,), 2.0, dtype=torch.float64)
    wider = with_channels(row, double, double)
    for name in ("groups", "input_channels", "output_channels", "macs"):
        assert float(wider[0, PLACE[name]]) == 2 * float(row[0, PLACE[name]])


def test_channels_are_found_that_meet_a_budget(learnt: Neural) -> None:
    """By the example of docs/cost_models.md, on three convolutions that share two numbers of channels."""
    names: dict[str, Any] = {}
    (example,) = re.findall(r"```python\n(def channels_within.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "docs/cost_models.md", "exec"), names)
    network = repeated(3)
    budget = 0.6 * float(learnt.latency(learnt.rows(network)).sum())
    times, latency = names["channels_within"](learnt, network, budget)
    assert latency == pytest.approx(budget, rel=0.01)
    assert len(times) == 2
    assert (times < 1).all()


def test_the_same_seed_gives_the_same_weights() -> None:
    layers = examples(6)[0]
    one, other = (_fit(quick("neural").set_params(steps=20), layers) for _ in range(2))
    assert one.plain() == other.plain()
    assert _fit(quick("neural").set_params(steps=20, seed=1), layers).plain() != one.plain()


def _fit(model: Any, layers: Layers) -> Weights:
    fit = model.fit_layers(layers, costs_of(layers).cycles[None].astype(float), dsp=True)
    assert isinstance(fit, RatioFit)
    assert isinstance(fit.ratios, Weights)
    return fit.ratios


def test_a_kind_that_was_never_met_has_no_row(learnt: Neural) -> None:
    layers = examples(1)[0]
    strange = Layers(layers.table.copy(), layers.starts, layers.names, layers.layer_names)
    strange.table["element_bytes"][0] = 8
    with pytest.raises(CostModelError, match=f"layer {layers.layer_names[0]} .*of a kind that this model"):
        learnt.rows(strange)


def test_energy_is_told_only_of_boards_with_an_energy_table() -> None:
    layers, costs = examples(6)
    model = Neural(steps=2, width=4).fit(layers, costs_of(layers, energy=False))
    assert float(model.latency(model.rows(layers)).sum()) > 0
    assert costs.clock_hertz == HERTZ
    with pytest.raises(CostModelError, match="m4 has no energy table"):
        model.energy(model.rows(layers))


@pytest.mark.parametrize("change", [{"width": 5}, {"kinds": "1 2 3"}, {"matrices": []}, {"center": "0"}, {"scale": "nan"}])
def test_weights_that_do_not_fit_together_are_refused(change: dict[str, Any]) -> None:
    layers = examples(2)[0]
    weights = _fit(Neural(steps=1, width=4), layers)
    kinds, plain = len(weights.kinds), weights.plain()
    again = Neural.read_ratios(plain, 1, kinds)
    np.testing.assert_allclose(again.places(layers.table), weights.places(layers.table))
    assert sizes_of(layers.table).shape[1] == len(SIZES)
    with pytest.raises(ValueError, match=r"reshape|zip|finite"):
        Neural.read_ratios(plain | change, 1, kinds)
