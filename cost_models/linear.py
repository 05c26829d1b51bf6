"""Linear: each kind of layer takes a sum of its terms, with a coefficient each, fitted by least squares of relative errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from cost_models.errors import CostModelError
from cost_models.features import counted, priced
from cost_models.kinds import CODE_OF, FIRST, FIRST_OF_KIN, KINDS, PARTS, SHARED, WIDTH
from cost_models.layers import Layers
from cost_models.model import LearningModel, Priced
from cost_models.regression import robust

SLACK = 16.0
"""A layer is inside the domain where no term is larger than the largest that was met, times this: terms are passes of loops.

Public networks of layers up to 16 times as large as those learnt from are no farther off than others, on three boards
(docs/cost_models.md)."""

LEAST_CYCLES = 30.0
"""What layers count as at least, for relative errors of cycles; of other quantities, as much as so many cycles take."""

MOSTLY = 0.3
"""The share of a layer from which on it says something of a part of it."""

FEW_ROWS = 3
"""Layers of a kind from which on they say how much it takes in proportion to what was known before."""


@dataclass(frozen=True, slots=True)
class LinearFit:
    """``dsp``: whether kernels use the DSP extension. ``coefficients``, [quantities, kinds, WIDTH].

    ``largest``, [kinds, WIDTH]: the largest terms that were met; NaN for kinds that were not. ``relative``, [quantities,
    kinds]: standard deviations, relative to the value.
    """

    dsp: bool
    coefficients: np.ndarray
    largest: np.ndarray
    relative: np.ndarray

    def price(self, layers: Layers) -> Priced:
        """Of each row."""
        limits = SLACK * self.largest
        limits[:, [FIRST, FIRST_OF_KIN]] = np.inf  # which call is the first says nothing of how large a layer is
        kinds, values, inside = priced(layers.table, self.dsp, layers.starts, self.coefficients, limits)
        return Priced(values, values * self.relative[:, kinds], np.isfinite(self.largest[kinds, 0]), inside)

    def kinds(self, table: np.ndarray) -> np.ndarray:
        """The kind of each row."""
        return counted(table, self.dsp)[0]

    def with_deviations(self, relative: np.ndarray) -> Self:
        """With other relative deviations, [quantities, kinds]."""
        return replace(self, relative=relative)

    def plain(self, quantities: Sequence[str]) -> dict[str, Any]:
        """Kinds that were met, by name, with their terms by name."""
        return {
            KINDS[code].name: {
                "largest": _by_name(code, self.largest[code]),
                **{
                    name: _by_name(code, self.coefficients[place, code])
                    | {"relative_deviation": float(self.relative[place, code])}
                    for place, name in enumerate(quantities)
                },
            }
            for code in map(int, np.flatnonzero(np.isfinite(self.largest[:, 0])))
        }


def _by_name(code: int, values: np.ndarray) -> dict[str, float]:
    return {name: float(values[place]) for place, name in KINDS[code].terms.items() if values[place]}


class Linear(LearningModel):
    """``ridge``: how much large coefficients are held against a fit, where there is no ``prior``.

    ``prior``: a Linear fitted to another board of the same core, whose costs are taken in proportion where this one's data say
    little; what is not met here is known from there. ``held``: how many layers with errors of their own size the prior counts
    as.
    """

    name: ClassVar[str] = "linear"

    def __init__(self, ridge: float = 1e-6, prior: Linear | None = None, held: float = 0.5) -> None:
        super().__init__()
        self.ridge = ridge
        self.prior = prior
        self.held = held

    def fit_layers(self, layers: Layers, values: np.ndarray, dsp: bool) -> LinearFit:
        """A regression for each kind that is met, of each quantity."""
        kinds, terms = counted(layers.table, dsp, layers.starts)
        before = self._before(len(values), dsp)
        made = replace(before, coefficients=before.coefficients.copy(), largest=before.largest.copy())
        for code in np.unique(kinds):
            made.largest[code] = np.fmax(made.largest[code], terms[kinds == code].max(axis=0))
        for place in range(len(values)):
            self._fit_quantity(kinds, terms, values, place, before, made.coefficients[place])
        return made

    def _before(self, quantities: int, dsp: bool) -> LinearFit:
        """What is known of another board; of quantities that are not, cycles stand in, in another unit."""
        if self.prior is None:
            return _empty(quantities, dsp)
        known = self.prior.learnt.layers
        assert isinstance(known, LinearFit)
        rows = [min(place, len(known.coefficients) - 1) for place in range(quantities)]
        return LinearFit(dsp, known.coefficients[rows].copy(), known.largest.copy(), known.relative[rows].copy())

    def _fit_quantity(
        self, kinds: np.ndarray, terms: np.ndarray, values: np.ndarray, place: int, before: LinearFit, out: np.ndarray
    ) -> None:
        """Kinds that others have a part of come first; then once more, with layers of others that are mostly that part."""
        targets, prior = values[place], before.coefficients[place]
        floor = LEAST_CYCLES * float(targets.sum() / max(values[0].sum(), 1e-30))
        whole = _proportion(np.einsum("rw,rw->r", terms, prior[kinds]), targets)
        out[:] = whole * prior
        data = _Data(kinds, terms, targets, np.maximum(targets, floor), prior, whole)
        for lenders in ((), tuple(SHARED)):
            given = np.zeros_like(out)
            for code in [*SHARED, *(code for code in np.unique(kinds) if code not in SHARED)]:
                rows = data.of(code, given[code])
                if code in lenders:
                    rows = rows.joined(data.parts_of(code, out))
                if len(rows.targets):
                    out[code] = np.where(given[code] > 0, given[code], self._solved(rows, data.known(code, given[code], rows)))
                for user in SHARED.get(code, ()):
                    given[user, list(PARTS[code])] = out[code, list(PARTS[code])]

    def _solved(self, rows: _Rows, prior: np.ndarray) -> np.ndarray:
        ridge = self.ridge if self.prior is None else self.held / len(rows.targets)
        return robust(rows.terms, rows.targets, ridge, rows.sizes, prior)

    @classmethod
    def read_layers(cls, plain: Mapping[str, Any], quantities: Sequence[str], dsp: bool) -> LinearFit:
        """The fit that ``LinearFit.plain`` wrote. CostModelError for kinds or terms that there are not."""
        made = _empty(len(quantities), dsp)
        for name, each in plain.items():
            if name not in CODE_OF:
                raise CostModelError(f"a linear model of kind {name!r}, which this version has not")
            code = CODE_OF[name]
            made.largest[code] = _places(code, each["largest"])
            for place, quantity in enumerate(quantities):
                made.coefficients[place, code] = _places(code, each[quantity])
                made.relative[place, code] = each[quantity]["relative_deviation"]
        return made


@dataclass(frozen=True, slots=True)
class _Rows:
    """Terms, what they should come to, and what errors are relative to."""

    terms: np.ndarray
    targets: np.ndarray
    sizes: np.ndarray

    def joined(self, other: _Rows) -> _Rows:
        """Both."""
        pairs = zip(
            (self.terms, self.targets, self.sizes), (other.terms, other.targets, other.sizes), strict=True
        )  # fmt: skip
        return _Rows(*(np.concatenate(pair) for pair in pairs))


@dataclass(frozen=True, slots=True)
class _Data:
    """One quantity of all layers. ``whole``: how much more than ``prior`` says it is."""

    kinds: np.ndarray
    terms: np.ndarray
    targets: np.ndarray
    sizes: np.ndarray
    prior: np.ndarray
    whole: float

    def of(self, code: int, given: np.ndarray) -> _Rows:
        """The layers of a kind, without what is ``given``."""
        rows = self.kinds == code
        terms = self.terms[rows]
        left = np.maximum(self.targets[rows] - terms @ given, 0)
        return _Rows(np.where(given > 0, 0, terms), left, self.sizes[rows])

    def known(self, code: int, given: np.ndarray, rows: _Rows) -> np.ndarray:
        """What was known before of a kind, in proportion."""
        prior = np.where(given > 0, 0, self.prior[code])
        enough = len(rows.targets) >= FEW_ROWS
        return prior * (_proportion(rows.terms @ prior, rows.targets) if enough else self.whole)

    def parts_of(self, code: int, found: np.ndarray) -> _Rows:
        """Layers of other kinds that are mostly a part of this one; what is not is taken as ``found``."""
        rows = np.flatnonzero(np.isin(self.kinds, SHARED[code]))
        own = np.zeros(WIDTH, bool)
        own[list(PARTS[code])] = True
        each = self.terms[rows] * found[self.kinds[rows]]
        part, others = each[:, own].sum(axis=1), each[:, ~own].sum(axis=1)
        mostly = part > MOSTLY * (part + others)
        rows, others = rows[mostly], others[mostly]
        return _Rows(np.where(own, self.terms[rows], 0), np.maximum(self.targets[rows] - others, 0), self.sizes[rows])


def _places(code: int, named: Mapping[str, float]) -> np.ndarray:
    values, places = np.zeros(WIDTH), {name: place for place, name in KINDS[code].terms.items()}
    for name, value in named.items():
        if name == "relative_deviation":
            continue
        if name not in places:
            raise CostModelError(f"a linear model with term {name!r} of {KINDS[code].name}, which this version has not")
        values[places[name]] = value
    return values


def _proportion(guessed: np.ndarray, met: np.ndarray) -> float:
    """How much more than guessed was met, at the median; 1 where nothing was guessed."""
    there = (guessed > 0) & (met > 0)
    return float(np.median(met[there] / guessed[there])) if there.any() else 1.0


def _empty(quantities: int, dsp: bool) -> LinearFit:
    shape = quantities, len(KINDS), WIDTH
    return LinearFit(dsp, np.zeros(shape), np.full(shape[1:], np.nan), np.zeros(shape[:2]))
