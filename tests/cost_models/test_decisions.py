"""decide: what intervals settle, what is built, what is simulated, and what cannot be; constraints as others ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest

import cost_models
from cost_models import CostModelError, Estimate, Estimates, decisions
from cost_models.check import repeated
from cost_models.constraints import Constraint, botorch_constraints, botorch_outcomes, excesses, optuna_constraints, parsed
from cost_models.decisions import NOWHERE
from cost_models.estimates import exactly
from cost_models.exact import ExactSizes
from cost_models.linear import LinearFit
from cost_models.model import REFUSE
from mcusim.network import Network
from mcusim.network.operators import Function, Unary
from tests.cost_models.made_up import networks
from tests.cost_models.shipping import fitted
from tests.deploy.networks import Sketch

NETWORKS = networks(4)
LATENCIES = fitted("m4").predict(NETWORKS).latency_seconds


@dataclass
class Told:
    """A model or a simulator whose figures are those of m4, with other deviations; or always those of one network.

    ``asked``: names of networks.
    """

    latency: float = 0.0
    board: str = "m4"
    sizes: float = 0.0
    fails: bool = False
    instead: Network | None = None
    asked: list[str] = field(default_factory=list)

    def predict(self, networks: Network | Sequence[Network], *, outside: str = REFUSE) -> Estimates:
        several = [networks] if isinstance(networks, Network) else networks
        self.asked += [network.name for network in several if isinstance(network, Network)]
        if self.fails:
            raise CostModelError("does not fit")
        found = fitted("m4").predict(self.instead or several, outside=outside)
        one = np.ones(len(found))
        latency = Estimate(found.latency_seconds.values, found.latency_seconds.values * self.latency)
        return replace(
            found, latency_seconds=latency, energy_joules=None, ram_bytes=Estimate(1000.0 * one, self.sizes * one),
            flash_bytes=exactly(2000.0 * one),
        )  # fmt: skip


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of networks that firmware is built of; all take 1500 bytes of RAM."""
    names: list[str] = []

    def stand_in(network: Network, board: str) -> ExactSizes:
        names.append(network.name)
        return ExactSizes(1500, 2000, network.name != NETWORKS[3].name)

    monkeypatch.setattr(decisions, "exact_sizes", stand_in)
    return names


def test_what_intervals_settle_is_not_simulated(built: list[str]) -> None:
    limit = float(np.sort(LATENCIES.values)[1]) * 1.001
    simulator = Told()
    found = cost_models.decide(NETWORKS, f"latency_seconds<={limit}", Told(latency=0.0002), simulator=simulator)
    assert [each.meets for each in found] == (LATENCIES.values <= limit).tolist()
    assert [each.network for each in found] == [network.name for network in NETWORKS]
    assert {each.settled for each in found} == {"model"}
    assert (found.simulations, found.builds, simulator.asked, built) == (0, 0, [], [])
    np.testing.assert_allclose([each.margin for each in found], 1 - LATENCIES.values / limit)


def test_only_what_straddles_the_limit_is_simulated(built: list[str]) -> None:
    limit, simulator = float(LATENCIES.values[2]), Told()
    found = cost_models.decide(NETWORKS, [Constraint("latency_seconds", limit)], Told(latency=0.001), simulator=simulator)
    assert found[2].settled == "simulation"
    assert found[2].meets
    assert found[2].margin == pytest.approx(0, abs=1e-12)
    assert (found.simulations, simulator.asked) == (1, [NETWORKS[2].name])


def test_a_wider_share_leaves_more_to_the_simulator(built: list[str]) -> None:
    limit = float(LATENCIES.values[0]) * 1.15
    counts = [
        cost_models.decide(NETWORKS[0], f"latency_seconds<={limit}", Told(0.1), share=share, simulator=Told()).simulations
        for share in (0.5, 0.99)
    ]
    assert counts == [0, 1]


def test_sizes_that_the_model_is_sure_of_are_not_built_and_others_are(built: list[str]) -> None:
    sure = cost_models.decide(NETWORKS[:2], "ram_bytes<=1200, flash_bytes<=2Ki", Told(), simulator=Told())
    assert ([each.meets for each in sure], sure.builds) == ([True, True], 0)
    unsure = cost_models.decide(NETWORKS[:2], "ram_bytes<=1200, flash_bytes<=2Ki", Told(sizes=1.0), simulator=Told())
    assert ([each.meets for each in unsure], unsure.builds, unsure.simulations) == ([False, False], 2, 0)
    assert unsure[0].margin == pytest.approx(-0.25)
    assert built == [network.name for network in NETWORKS[:2]]


def test_nothing_dear_is_asked_once_the_answer_is_no(built: list[str]) -> None:
    least = float(LATENCIES.values.min())
    found = cost_models.decide(NETWORKS, f"latency_seconds<={least / 2}, ram_bytes<=1Ki", Told(sizes=1.0), simulator=Told())
    assert (found.builds, found.simulations, any(each.meets for each in found)) == (0, 0, False)
    slow = Told(latency=0.5, sizes=1.0)
    found = cost_models.decide(NETWORKS[0], f"latency_seconds<={LATENCIES.values[0]}, ram_bytes<=1Ki", slow, simulator=Told())
    assert (found.builds, found.simulations, found[0].meets) == (1, 0, False)


def test_networks_outside_the_domain_are_simulated(built: list[str]) -> None:
    draw = Sketch(x=(1, 8, 8, 4))
    draw.layer(Unary(Function.RELU_N1_TO_1), ("x",), "y", (1, 8, 8, 4))
    strange, simulator = draw.network("y"), Told(instead=NETWORKS[0])
    found = cost_models.decide([NETWORKS[0], strange], "latency_seconds<=1000s", fitted("m4"), simulator=simulator)
    assert [each.settled for each in found] == ["model", "simulation"]
    assert (found.simulations, simulator.asked) == (1, ["sketch"])


def test_a_network_that_does_not_fit_meets_nothing(built: list[str]) -> None:
    question = f"latency_seconds<={LATENCIES.values[3]}"
    found = cost_models.decide(NETWORKS[3], question, Told(latency=0.1), simulator=Told(fails=True))
    assert (found[0].meets, found[0].margin, found[0].settled) == (False, NOWHERE, "simulation")
    with pytest.raises(CostModelError, match="does not fit"):
        cost_models.decide(NETWORKS[0], f"latency_seconds<={LATENCIES.values[0]}", Told(0.1), simulator=Told(fails=True))


def test_tables_of_layers_that_the_model_does_not_settle_are_named(built: list[str]) -> None:
    tables = cost_models.joined(map(cost_models.from_network, NETWORKS))
    clear = cost_models.decide(tables, "latency_seconds<=1e6", fitted("m4"))
    assert [each.meets for each in clear] == [True] * 4
    limit = float(LATENCIES.values[1])
    with pytest.raises(CostModelError, match=f"cannot be simulated, are not settled by the model: {NETWORKS[1].name}$"):
        cost_models.decide(tables, f"latency_seconds<={limit}", fitted("m4"), share=0.5)
    assert built == []


def test_a_simulation_settles_what_it_was_asked() -> None:
    """The simulator itself."""
    network, model = repeated(1), _outside(fitted("m4"))
    latency = float(cost_models.Simulate("m4").predict(network).latency_seconds.values[0])
    limits = [Constraint("latency_seconds", latency * part) for part in (1, 0.999)]
    found = [cost_models.decide(network, limit, model) for limit in limits]
    assert [(each[0].meets, each[0].settled, each.simulations) for each in found] == [
        (True, "simulation", 1), (False, "simulation", 1),
    ]  # fmt: skip


def _outside(model: cost_models.Linear) -> cost_models.Linear:
    """The same, as if nothing so large had been met."""
    made, state = cost_models.Linear(), model.learnt
    assert isinstance(state.layers, LinearFit)
    made.state_ = replace(state, layers=replace(state.layers, largest=1e-9 * state.layers.largest))
    return made


@pytest.mark.parametrize(
    ("text", "quantity", "limit"),
    [
        ("latency_seconds<=0.1", "latency_seconds", 0.1),
        (" latency_seconds <= 100 ms ", "latency_seconds", 0.1),
        ("latency_seconds<=5e2us", "latency_seconds", 5e-4),
        ("energy_joules<=1.5mJ", "energy_joules", 1.5e-3),
        ("ram_bytes<=256Ki", "ram_bytes", 256 << 10),
        ("flash_bytes<=1MiB", "flash_bytes", 1 << 20),
    ],
)
def test_constraints_are_read_as_people_write_them(text: str, quantity: str, limit: float) -> None:
    (found,) = parsed(text)
    assert (found.quantity, found.limit) == (quantity, pytest.approx(limit))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("latency<=1", "latency<=1: no quantity 'latency'; allowed: latency_seconds, energy_joules, ram_bytes, flash_bytes"),
        ("ram_bytes>=1", "'ram_bytes>=1' is no constraint; allowed: QUANTITY<=NUMBER"),
        ("ram_bytes<=1ms", "ram_bytes<=1ms: unit 'ms'; allowed: B, Ki, KiB, Mi, MiB, or none"),
        ("ram_bytes<=0", "ram_bytes<=0.0: allowed is a limit above 0"),
        ("ram_bytes<=1.2.3", "ram_bytes<=1.2.3: '1.2.3' is no number"),
        ([], "no constraint; allowed: one or more"),
    ],
)
def test_what_is_no_constraint_is_refused(text: str, message: str) -> None:
    with pytest.raises(CostModelError) as error:
        parsed(text)
    assert str(error.value).startswith(message)


def test_a_quantity_that_there_is_not_is_told_before_its_unit() -> None:
    wanted = "latency<=2s: no quantity 'latency'; allowed: latency_seconds, energy_joules, ram_bytes, flash_bytes"
    with pytest.raises(CostModelError, match=f"^{wanted}$"):
        cost_models.decide(NETWORKS[0], "latency<=2s", Told())
    with pytest.raises(CostModelError, match="a constraint on 'latency'"):
        Constraint("latency", 2)


def test_an_energy_that_nobody_knows_cannot_be_limited() -> None:
    with pytest.raises(CostModelError, match="energy_joules<=1: m4 has no energy table"):
        cost_models.decide(NETWORKS[0], "energy_joules<=1", Told())


def test_excesses_are_relative_and_may_count_the_high_ends() -> None:
    limit = float(LATENCIES.values[0])
    mean = excesses(NETWORKS, f"latency_seconds<={limit}, flash_bytes<=1Ki", fitted("m4"))
    assert mean.shape == (4, 2)
    np.testing.assert_allclose(mean[:, 0], LATENCIES.values / limit - 1, atol=1e-12)
    assert (excesses(NETWORKS, f"latency_seconds<={limit}", fitted("m4"), share=0.9)[:, 0] > mean[:, 0]).all()


def test_optuna_is_told_of_a_trial_how_far_it_is_beyond_each_limit() -> None:
    func = optuna_constraints(lambda params: NETWORKS[params["n"]], f"latency_seconds<={LATENCIES.values[1]}", fitted("m4"))
    assert func(SimpleNamespace(params={"n": 1})) == (pytest.approx(0, abs=1e-12),)


class Points(np.ndarray):
    """As much of a tensor as is asked of one."""

    def detach(self) -> np.ndarray:
        return self

    def cpu(self) -> np.ndarray:
        return self

    def new_tensor(self, values: object) -> np.ndarray:
        return np.array(values)


def test_botorch_is_told_of_batches_of_points() -> None:
    points = np.array([[[0.0], [1.0]], [[2.0], [3.0]]]).view(Points)
    func = botorch_outcomes(lambda point: NETWORKS[int(point[0])], "latency_seconds<=1, flash_bytes<=1Mi", fitted("m4"))
    found = func(points)
    assert found.shape == (2, 2, 2)
    np.testing.assert_allclose(found[..., 0].ravel(), LATENCIES.values - 1)
    first, second = botorch_constraints(2)
    samples = np.arange(12).reshape(4, 3)
    assert (first(samples).tolist(), second(samples).tolist()) == ([1, 4, 7, 10], [2, 5, 8, 11])
