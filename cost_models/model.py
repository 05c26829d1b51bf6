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
from cost_models.estimates import QUANTILES, Estimate, Estimates, LayerEstimates
from cost_models.layers import Layers, from_network, joined
from cost_models.sizes import Sizes, sizes_on
from mcusim.network import Network

Example = tuple[Any, Any]
"""A ``torch.nn.Module``, and inputs that state its shapes: see ``cost_models.from_module``."""

Networks = Network | Layers | Sequence[Network | Layers | Example]
"""A network, a table of layers, or several of them, modules of PyTorch among them."""

REFUSE, WIDEN = "refuse", "widen"
"""What becomes of layers unlike those that a model has learnt from: an error, or an answer with a wider interval."""

WIDENED = 3.0
"""Standard deviations of such layers are multiplied by this; a convention, not a measurement."""

FOLDS = 5
"""Parts of the training networks that are left out, in turns, to see how large errors are."""

LEAST_DEVIATION, LEAST_REACH = 1e-3, 0.1
"""Relative; what no fit is believed to do better than. And in such deviations."""

FEW = 4
"""As many layers as this, with errors of the size of all, take part in the deviation of each kind."""

QUANTITIES = ("cycles", "joules")
"""What is told of each layer."""


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
    """Quantities of each row of a table, [quantities, rows]. ``known``: rows of a kind that was learnt from. ``inside``: also
    of such sizes.
    """

    values: np.ndarray
    deviations: np.ndarray
    known: np.ndarray
    inside: np.ndarray


class LayerFit(Protocol):
    """Quantities by layer."""

    def price(self, layers: Layers) -> Priced:
        """Of each row."""

    def kinds(self, table: np.ndarray) -> np.ndarray:
        """The kind of each row, a number in its own division; ``relative`` has a column for each."""

    @property
    def relative(self) -> np.ndarray:
        """Relative standard deviations, [quantities, kinds]."""

    def with_deviations(self, relative: np.ndarray) -> Self:
        """With others."""

    def plain(self, quantities: Sequence[str]) -> dict[str, Any]:
        """As JSON has it."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How far errors reach, in standard deviations as they are told: of single layers, and of sums over networks as if errors
    of layers were independent. By the share of errors within, as met on networks that were left out.
    """

    layers: Mapping[float, float]
    networks: Mapping[float, float]


@dataclass(frozen=True, slots=True)
class State:
    """What a model has learnt: quantities by layer, cycles first, then joules on a board with an energy table."""

    board: str
    clock_hertz: int
    quantities: tuple[str, ...]
    layers: LayerFit
    spreads: tuple[Spread, ...]
    sizes: Sizes


def layers_of(networks: Networks) -> Layers:
    """One table of all networks."""
    if isinstance(networks, Layers):
        return networks
    several = [networks] if isinstance(networks, Network) else networks
    each = map(imported, several)
    return joined(one if isinstance(one, Layers) else from_network(one) for one in each)


def imported(one: Network | Layers | Example) -> Network | Layers:
    """Networks and tables as they are, modules as networks. CostModelError for what is none of them."""
    if isinstance(one, Network | Layers):
        return one
    if not isinstance(one, tuple) or len(one) != 2:
        raise CostModelError(f"{type(one).__name__} is no network; allowed: Network, Layers, (torch.nn.Module, example inputs)")
    from cost_models.modules import network_of

    return network_of(*one)


class LearningModel(Parameters, ABC):
    """A model that is fitted to costs of networks of one board. ``state_`` is what it has learnt; None before."""

    name: ClassVar[str]

    def __init__(self) -> None:
        self.state_: State | None = None

    @abstractmethod
    def fit_layers(self, layers: Layers, values: np.ndarray, dsp: bool) -> LayerFit:
        """The fit of ``values``, [quantities, rows]. ``dsp``: whether kernels use the DSP extension."""

    @classmethod
    @abstractmethod
    def read_layers(cls, plain: Mapping[str, Any], quantities: Sequence[str], dsp: bool) -> LayerFit:
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
        quantities = QUANTITIES if costs.has_energy else QUANTITIES[:1]
        values = np.stack([costs.cycles, costs.joules][: len(quantities)]).astype(np.float64)
        whole = self.fit_layers(layers, values, costs.dsp)
        guessed = self._left_out(layers, values, costs.dsp)
        whole = whole.with_deviations(_deviations(whole, layers.table, guessed, values))
        spreads = tuple(
            _spread(layers, deviations, guess, value)
            for deviations, guess, value in zip(whole.price(layers).deviations, guessed, values, strict=True)
        )
        self.state_ = State(costs.board, costs.clock_hertz, quantities, whole, spreads, sizes_on(costs.board))
        return self

    def predict(self, networks: Networks, *, outside: str = REFUSE) -> Estimates:
        """See CostModel."""
        state, layers = self.learnt, layers_of(networks)
        latency, energy, of_layers = self.costs_of(layers, outside)
        everywhere = layers.per_network(~of_layers.in_domain) == 0
        ram, flash = state.sizes.predict(layers)
        told = (latency, energy, ram, flash, everywhere, state.sizes.as_it_is(ram))
        return Estimates(state.board, layers.names, *told, of_layers)

    def costs_of(self, layers: Layers, outside: str = REFUSE) -> tuple[Estimate, Estimate | None, LayerEstimates]:
        """Latency and energy of networks, and of their layers: ``predict`` without sizes."""
        state, (rows, sums) = self.learnt, (list[Estimate](), list[Estimate]())
        priced = _checked(state.layers.price(layers), layers, outside)
        for place, (spread, unit) in enumerate(zip(state.spreads, (1 / state.clock_hertz, 1.0), strict=False)):
            values = priced.values[place]
            deviations = np.where(priced.inside, 1.0, WIDENED) * priced.deviations[place]
            rows.append(Estimate(values, deviations, spread.layers).times(unit))
            total = np.sqrt(layers.per_network(deviations**2))
            sums.append(Estimate(layers.per_network(values), total, spread.networks).times(unit))
        energy = len(rows) > 1
        of_layers = LayerEstimates(layers.layer_names, layers.starts, rows[0], rows[1] if energy else None, priced.inside)
        return sums[0], sums[1] if energy else None, of_layers

    def _left_out(self, layers: Layers, values: np.ndarray, dsp: bool) -> np.ndarray:
        """What a fit to the other networks says of each row; NaN where that knows no such kind."""
        guessed, owners, networks = np.full(values.shape, np.nan), layers.owners, np.arange(len(layers))
        for fold in range(min(FOLDS, len(layers))):
            left = networks % FOLDS == fold
            held = left[owners]
            if held.all():
                continue
            known, asked = (layers.selected(np.flatnonzero(each).tolist()) for each in (~left, left))
            priced = self.fit_layers(known, values[:, ~held], dsp).price(asked)
            guessed[:, held] = np.where(priced.known, priced.values, np.nan)
        return guessed


def _deviations(fit: LayerFit, table: np.ndarray, guessed: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Relative standard deviations by kind, errors of kinds with few layers joined with those of all.

    Of the errors relative to the guess, since the guess is what will be known.
    """
    kinds, found = fit.kinds(table), fit.relative.copy()
    for place, (guess, value) in enumerate(zip(guessed, values, strict=True)):
        there = np.isfinite(guess) & (guess > 0)
        squares = np.minimum((value[there] / guess[there] - 1) ** 2, 1.0)
        overall = float(squares.mean()) if len(squares) else 1.0
        count = np.bincount(kinds[there], minlength=found.shape[1])
        sums = np.bincount(kinds[there], squares, minlength=found.shape[1])
        found[place] = np.sqrt((sums + FEW * overall) / (count + FEW))
    return np.maximum(found, LEAST_DEVIATION)


def _spread(layers: Layers, deviations: np.ndarray, guessed: np.ndarray, values: np.ndarray) -> Spread:
    errors = np.where(np.isfinite(guessed), guessed, values) - values
    of_layers = errors[deviations > 0] / deviations[deviations > 0]
    expected = np.sqrt(layers.per_network(deviations**2))
    of_networks = layers.per_network(errors)[expected > 0] / expected[expected > 0]
    return Spread(_reaches(of_layers), _reaches(of_networks))


def _reaches(errors: np.ndarray) -> Mapping[float, float]:
    """Within what each share of the errors lies; with few of them, the next larger one, as split conformal prediction has it.
    """
    if not len(errors):
        return QUANTILES
    ordered = np.sort(np.abs(errors))
    places = {share: min(int(np.ceil((len(ordered) + 1) * share)), len(ordered)) - 1 for share in QUANTILES}
    return {share: max(float(ordered[place]), LEAST_REACH) for share, place in places.items()}


def _checked(priced: Priced, layers: Layers, outside: str) -> Priced:
    """``priced``, unless it has rows that are not to be answered."""
    if outside not in (REFUSE, WIDEN):
        raise CostModelError(f"outside is {outside!r}; allowed: {REFUSE!r}, {WIDEN!r}")
    if not priced.known.all():
        raise CostModelError(f"{layers.called(int(np.argmin(priced.known)))}: of a kind that this model has learnt nothing of")
    if outside == REFUSE and not priced.inside.all():
        raise CostModelError(
            f"{layers.called(int(np.argmin(priced.inside)))}: larger than what this model has learnt from;"
            f" allowed with outside={WIDEN!r}, with a wider interval"
        )
    return priced
