"""check_cost_model: what is asked of every cost model, as scikit-learn's ``check_estimator`` asks of estimators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from cost_models.errors import CostModelError
from cost_models.estimates import Estimate, Estimates
from cost_models.model import WIDEN, CostModel
from mcusim.network import Layer, Network
from mcusim.network.network import NetworkError

REPEATS = (1, 2, 4)
EQUAL = 1e-9
"""Relative difference of floats that are summed in another order."""


def check_cost_model(model: CostModel, networks: Sequence[Network] = ()) -> None:
    """AssertionError, with what was met, where a model breaks the contract. ``networks``: to ask about, () for small ones.

    Asked: order is kept; a batch gives what its networks give one by one; all is finite; latency, energy and flash are
    positive, and no layer or deviation is negative; the same question has the same answer; a layer costs more each time that it
    is repeated; parameters can be read and set; what cannot be answered is an error. Not asked: whether answers are right.
    """
    asked = list(networks) or [repeated(count) for count in (2, 1, 3)]
    for each in CHECKS:
        each(model, asked)


def repeated(count: int) -> Network:
    """A network of one convolution, ``count`` times over."""
    from cost_models.sampling import Drawing

    draw = Drawing(f"repeated_{count}", np.random.default_rng(0))
    x = draw.image(8, 8, 8)
    for _ in range(count):
        x = draw.conv(x, 8, (3, 3))
    return draw.network(x)


def _quantities(estimates: Estimates) -> Iterator[tuple[str, Estimate]]:
    yield "latency_seconds", estimates.latency_seconds
    if estimates.energy_joules is not None:
        yield "energy_joules", estimates.energy_joules
    yield "ram_bytes", estimates.ram_bytes
    yield "flash_bytes", estimates.flash_bytes
    yield "layers.latency_seconds", estimates.layers.latency_seconds
    if estimates.layers.energy_joules is not None:
        yield "layers.energy_joules", estimates.layers.energy_joules


def _agree(what: str, left: Estimate, right: Estimate) -> None:
    for one, other in ((left.values, right.values), (left.deviations, right.deviations)):
        assert np.allclose(one, other, rtol=EQUAL, atol=0), f"{what}: {one} and {other}"


def _keeps_the_order(model: CostModel, networks: Sequence[Network]) -> None:
    forward, back = model.predict(networks, outside=WIDEN), model.predict(networks[::-1], outside=WIDEN)
    assert forward.names == tuple(network.name for network in networks), f"names {forward.names}"
    assert len(forward.in_domain) == len(forward.layers.starts) == len(networks)
    for (what, left), (_, right) in zip(_quantities(forward), _quantities(back), strict=True):
        if not what.startswith("layers"):
            _agree(f"{what} of a batch and of the same backwards", left, Estimate(right.values[::-1], right.deviations[::-1]))


def _answers_a_batch_as_it_answers_one(model: CostModel, networks: Sequence[Network]) -> None:
    batch = dict(_quantities(model.predict(networks, outside=WIDEN)))
    singles = [dict(_quantities(model.predict(network, outside=WIDEN))) for network in networks]
    for what, together in batch.items():
        alone = Estimate(
            np.concatenate([each[what].values for each in singles]), np.concatenate([each[what].deviations for each in singles])
        )
        _agree(f"{what} of a batch and one by one", together, alone)


def _is_finite_and_positive(model: CostModel, networks: Sequence[Network]) -> None:
    for what, estimate in _quantities(model.predict(networks, outside=WIDEN)):
        assert np.isfinite(estimate.values).all() and np.isfinite(estimate.deviations).all(), f"{what} is not finite"
        least = estimate.values.min()
        assert least >= 0 if what.startswith("layers") or what == "ram_bytes" else least > 0, f"{what}: {least}"
        assert (estimate.deviations >= 0).all(), f"{what} has a negative deviation"


def _is_deterministic(model: CostModel, networks: Sequence[Network]) -> None:
    pairs = zip(*(_quantities(model.predict(networks, outside=WIDEN)) for _ in range(2)), strict=True)
    for (what, one), (_, other) in pairs:
        assert np.array_equal(one.values, other.values), f"{what} differs from one call to the next"


def _grows_with_repetition(model: CostModel, networks: Sequence[Network]) -> None:
    del networks
    estimates = model.predict([repeated(count) for count in REPEATS], outside=WIDEN)
    for what, estimate in _quantities(estimates):
        if what in ("latency_seconds", "energy_joules", "flash_bytes"):
            assert (np.diff(estimate.values) > 0).all(), f"{what} of a layer repeated {REPEATS} times: {estimate.values}"


def _keeps_parameters(model: CostModel, networks: Sequence[Network]) -> None:
    del networks
    params = model.get_params()
    assert model.set_params(**params) is model, "set_params gives the model itself"
    assert model.get_params() == params, f"parameters changed from {params} to {model.get_params()}"
    assert _refused(lambda: model.set_params(no_such_parameter=1)), "set_params takes a parameter that there is not"


def _refuses_what_it_does_not_know(model: CostModel, networks: Sequence[Network]) -> None:
    network = networks[0]

    class Unheard:
        """No operator."""

    layer: Layer = replace(network.layers[0], operator=Unheard())  # type: ignore[arg-type]
    strange = replace(network, layers=(layer, *network.layers[1:]))
    assert _refused(lambda: model.predict(strange)), "an operator that nobody knows has an estimate"


def _refused(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except (CostModelError, NetworkError):
        return True
    return False


CHECKS: Sequence[Callable[[CostModel, Sequence[Network]], None]] = (
    _keeps_the_order, _answers_a_batch_as_it_answers_one, _is_finite_and_positive, _is_deterministic, _grows_with_repetition,
    _keeps_parameters, _refuses_what_it_does_not_know,
)  # fmt: skip
