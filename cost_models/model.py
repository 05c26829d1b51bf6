"""CostModel: the one interface of all models; and what those that learn have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from cost_models.costs import Costs
from cost_models.errors import CostModelError
from cost_models.estimates import Estimate, Estimates, LayerEstimates
from cost_models.layers import Layers, from_network, joined
from cost_models.sizes import Sizes, sizes_on
from mcusim.network import Network

Networks = Network | Layers | Sequence[Network | Layers]
"""A network, a table of layers, or several of them."""

REFUSE, WIDEN = "refuse", "widen"
"""What becomes of layers unlike those that a model has learnt from: an error, or an answer with a wider interval."""

WIDENED = 3.0
"""Standard deviations of such layers are multiplied by this; a convention, not a measurement."""

FOLDS = 5
"""Parts of the training networks that are left out, in turns, to see how large errors are."""

LEAST_DEVIATION = 1e-3
"""Relative; what no fit is believed to do better than."""


class CostModel(Protocol):
    """What networks take on one board. ``cost_models.check_cost_model`` says what is asked of a model."""

    @property
    def board(self) -> str:
        """The board that answers are for."""

    def predict(self, networks: Networks, *, outside: str = REFUSE) -> Estimates:
        """What each network takes, in their order.

        CostModelError for a layer that the model knows nothing like (the kind of operator), with ``outside="refuse"`` also for
        one that is larger than all it has learnt from; with ``"widen"`` the latter has a wider interval and ``in_domain`` is
        false.
        """

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name, as scikit-learn has it."""

    def set_params(self, **params: Any) -> Self:
        """Set parameters; the model itself."""


class Parameters:
    """``get_params`` and ``set_params`` for a class that keeps each argument of its constructor under its name."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments of the constructor."""
        del deep  # no parameter is a model
        return {name: getattr(self, name) for name in signature(type(self).__init__).parameters if name != "self"}

    def set_params(self, **params: Any) -> Self:
        """Set some of them. CostModelError for a name that is none of theirs."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise CostModelError(f"{type(self).__name__} has no parameter {name!r}; it has: {', '.join(known) or 'none'}")
            setattr(self, name, value)
        return self


@dataclass(frozen=True, slots=True)
class Priced:
    """One quantity of each row of a table. ``known``: of a kind that was learnt from. ``inside``: also of such sizes."""

    values: np.ndarray
    deviations: np.ndarray
    known: np.ndarray
    inside: np.ndarray


class LayerFit(Protocol):
    """One quantity by layer."""

    def price(self, table: np.ndarray) -> Priced:
        """Of each row."""

    def with_deviations(self, deviations: Mapping[str, float]) -> Self:
        """With the relative standard deviations of some of its kinds."""

    def kinds(self, table: np.ndarray) -> Sequence[str]:
        """The name of the kind of each row, in its own division."""

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""


@dataclass(frozen=True, slots=True)
class QuantityFit:
    """One quantity by layer, and by how much errors of layers add up to more in a network than independent ones would."""

    layers: LayerFit
    network_factor: float


@dataclass(frozen=True, slots=True)
class State:
    """What a model has learnt. ``joules`` is None on a board without energy table."""

    board: str
    clock_hertz: int
    cycles: QuantityFit
    joules: QuantityFit | None
    sizes: Sizes


def layers_of(networks: Networks) -> Layers:
    """One table of all networks."""
    if isinstance(networks, Layers):
        return networks
    several = [networks] if isinstance(networks, Network) else networks
    return joined(each if isinstance(each, Layers) else from_network(each) for each in several)


class LearningModel(Parameters, ABC):
    """A model that is fitted to costs of networks of one board. ``state_`` is what it has learnt; None before."""

    name: ClassVar[str]

    def __init__(self) -> None:
        self.state_: State | None = None

    @abstractmethod
    def fit_layers(self, table: np.ndarray, values: np.ndarray) -> LayerFit:
        """The fit of one quantity: ``values`` of each row."""

    @classmethod
    @abstractmethod
    def read_layers(cls, plain: Mapping[str, Any]) -> LayerFit:
        """The fit that ``LayerFit.plain`` wrote."""

    @property
    def learnt(self) -> State:
        """``state_``. CostModelError where the model has not been fitted."""
        if self.state_ is None:
            raise CostModelError(f"{type(self).__name__} has learnt nothing yet; call fit, or load a shipped one")
        return self.state_

    @property
    def board(self) -> str:
        """The board that answers are for."""
        return self.learnt.board

    def fit(self, layers: Layers, costs: Costs) -> Self:
        """Learn from networks and what they took; the model itself."""
        joules = self._quantity(layers, costs.joules) if costs.has_energy else None
        cycles = self._quantity(layers, costs.cycles.astype(np.float64))
        self.state_ = State(costs.board, costs.clock_hertz, cycles, joules, sizes_on(costs.board))
        return self

    def predict(self, networks: Networks, *, outside: str = REFUSE) -> Estimates:
        """See CostModel."""
        state, layers = self.learnt, layers_of(networks)
        seconds, total_seconds, inside = _priced(state.cycles, layers, outside, 1 / state.clock_hertz)
        joules = total_joules = None
        if state.joules is not None:
            joules, total_joules, also = _priced(state.joules, layers, outside, 1.0)
            inside &= also
        everywhere = layers.per_network(~inside) == 0
        ram, flash = state.sizes.predict(layers)
        rows = LayerEstimates(layers.layer_names, layers.starts, seconds, joules, inside)
        told = (total_seconds, total_joules, ram, flash, everywhere, state.sizes.as_it_is(ram))
        return Estimates(state.board, layers.names, *told, rows)

    def _quantity(self, layers: Layers, values: np.ndarray) -> QuantityFit:
        """The fit to all; its deviations are of networks that were left out."""
        whole = self.fit_layers(layers.table, values)
        guessed = self._left_out(layers, values)
        whole = whole.with_deviations(_deviations(whole.kinds(layers.table), guessed, values))
        return QuantityFit(whole, _network_factor(layers, whole.price(layers.table), guessed, values))

    def _left_out(self, layers: Layers, values: np.ndarray) -> np.ndarray:
        """What a fit to the other networks says of each row; NaN where that knows no such kind."""
        guessed, folds = np.full(len(values), np.nan), layers.owners % FOLDS
        for fold in np.unique(folds):
            held = folds == fold
            if held.all():
                continue
            priced = self.fit_layers(layers.table[~held], values[~held]).price(layers.table[held])
            guessed[held] = np.where(priced.known, priced.values, np.nan)
        return guessed


def _deviations(kinds: Sequence[str], guessed: np.ndarray, values: np.ndarray) -> dict[str, float]:
    """Relative standard deviation by kind; where no row could be left out, that of all."""
    there = np.isfinite(guessed) & (values > 0)
    errors, names = guessed[there] / values[there] - 1, np.array(kinds)[there]
    overall = float(np.sqrt((errors**2).mean())) if len(errors) else 1.0
    found = dict.fromkeys(kinds, overall)
    found |= {str(name): float(np.sqrt((errors[names == name] ** 2).mean())) for name in np.unique(names)}
    return {name: max(value, LEAST_DEVIATION) for name, value in found.items()}


def _network_factor(layers: Layers, priced: Priced, guessed: np.ndarray, values: np.ndarray) -> float:
    """How far sums over networks are off, in standard deviations as if errors of layers were independent; at least 1/2."""
    errors = layers.per_network(np.where(np.isfinite(guessed), guessed, values) - values)
    expected = np.sqrt(layers.per_network(priced.deviations**2))
    there = expected > 0
    return max(float(np.sqrt(((errors[there] / expected[there]) ** 2).mean())), 0.5) if there.any() else 1.0


def _priced(fit: QuantityFit, layers: Layers, outside: str, unit: float) -> tuple[Estimate, Estimate, np.ndarray]:
    """By layer and by network, in units of ``unit``; and which rows are inside the domain."""
    if outside not in (REFUSE, WIDEN):
        raise CostModelError(f"outside is {outside!r}; allowed: {REFUSE!r}, {WIDEN!r}")
    priced = fit.layers.price(layers.table)
    if not priced.known.all():
        raise CostModelError(f"{layers.called(int(np.argmin(priced.known)))}: of a kind that this model has learnt nothing of")
    if outside == REFUSE and not priced.inside.all():
        raise CostModelError(
            f"{layers.called(int(np.argmin(priced.inside)))}: larger than what this model has learnt from;"
            f" allowed with outside={WIDEN!r}, with a wider interval"
        )
    rows = Estimate(priced.values, np.where(priced.inside, 1.0, WIDENED) * priced.deviations)
    sums = np.sqrt(layers.per_network(rows.deviations**2)) * fit.network_factor
    return rows.times(unit), Estimate(layers.per_network(rows.values), sums).times(unit), priced.inside.copy()
