"""Whether a layer keeps only the weights that are not zero, and in which format: by bytes, and by an estimate of cycles.

Cycles are those of ``sparse_cycles.json``: for each core, operator and format what a product, an output and an input take,
fitted to simulated layers by ``python -m benchmarks.sparse --fit``, which also tells how far off the fit is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mcusim.deploy.sparse import FORMATS, FORMATS_OF, SparseWeights, encoded

DENSE = "dense"
SLOWER = 1.1
"""How many times the dense kernel's cycles ``auto`` accepts for fewer bytes."""
WITH_DSP = ("m4", "m33", "m7")
"""Cores with the DSP extension."""
FEW_ZEROS = 0.25
"""Parts of the weights: a layer with fewer zeros is dense, but where a format is asked for. No format gains anything there."""
CODE_BYTES: Mapping[str, int] = {
    "fully_connected": 1024, "convolution": 3584, "fully_connected_f32": 384, "convolution_f32": 1536,
}  # fmt: skip
"""Of the sparse kernels in flash, at most (Cortex-M0+, GCC, -O2): where all layers that one of them would calculate save less,
``auto`` and ``size`` leave them dense."""


@dataclass(frozen=True, slots=True)
class Form:
    """A layer's weights in one format. ``weights``: None for the dense one. ``cycles``: estimated, of one inference.

    ``saved_bytes``: what it takes less than the dense one.
    """

    name: str
    size_bytes: int
    cycles: float
    weights: SparseWeights | None = None
    saved_bytes: int = 0


Choose = Callable[[Form, tuple[Form, ...]], Form]


@dataclass(frozen=True, slots=True)
class Policy:
    """How one of the dense form and others is chosen, whether by cycles too, and whether what is saved has to be more than the
    kernel's code.
    """

    choose: Choose
    weighs_cycles: bool = False
    weighs_code: bool = False
    any_zeros: bool = False


def _never(dense: Form, forms: tuple[Form, ...]) -> Form:
    return dense


def _size(dense: Form, forms: tuple[Form, ...]) -> Form:
    return min((dense, *forms), key=lambda form: form.size_bytes)


def _speed(dense: Form, forms: tuple[Form, ...]) -> Form:
    return min((dense, *forms), key=lambda form: form.cycles)


def _auto(dense: Form, forms: tuple[Form, ...]) -> Form:
    return _size(dense, tuple(form for form in forms if form.cycles <= SLOWER * dense.cycles))


def _always(name: str) -> Choose:
    return lambda dense, forms: next((form for form in forms if form.name == name), dense)


POLICIES: Mapping[str, Policy] = {
    "auto": Policy(_auto, weighs_cycles=True, weighs_code=True), "never": Policy(_never),
    "size": Policy(_size, weighs_code=True), "speed": Policy(_speed, weighs_cycles=True),
    **{name: Policy(_always(name), any_zeros=True) for name in FORMATS},
}  # fmt: skip
"""``auto``: the fewest bytes among what takes at most ``SLOWER`` times the cycles of the dense kernel; ``size``: the fewest
bytes; ``speed``: the fewest cycles; ``rows`` and ``fours``: always this format, where there is a kernel."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where weights are used: the core, an operator of ``sparse_cycles.json``, and how many pixels or vectors they meet.

    ``idle``: outputs without weights that the dense kernels for the DSP extension pass over.
    """

    core: str
    operator: str
    pixels: int
    idle: int = 0

    def cycles(self, form: str, weights: np.ndarray, products: int) -> float:
        """Estimated cycles; ``products``: entries that a pixel meets, of the dense kernel all weights."""
        outputs, depth = weights.shape
        if form == DENSE and self.core in WITH_DSP:
            outputs -= self.idle
            products -= self.idle * depth
        of_product, of_output, of_input = cycles_table()[self.core][self.operator][form]
        return self.pixels * (of_product * products + of_output * outputs + of_input * depth)


@cache
def cycles_table() -> Mapping[str, Mapping[str, Mapping[str, tuple[float, float, float]]]]:
    """By core, operator and format: cycles of a product, of an output, of an input."""
    table: dict[str, Any] = json.loads(Path(__file__).with_name("sparse_cycles.json").read_text(encoding="utf-8"))
    return table["cycles"]  # type: ignore[no-any-return]


def chosen(policy: str, place: Place, weights: np.ndarray) -> Form:
    """The form of ``weights`` (int8 or float32, [outputs, depth]) under a policy, a key of ``POLICIES``.

    Code is not weighed here.
    """
    enough = weights.size - np.count_nonzero(weights) >= FEW_ZEROS * weights.size
    if policy == "never" or not (enough or POLICIES[policy].any_zeros):
        return Form(DENSE, weights.nbytes, 0.0)
    return _remembered(policy, place, weights.tobytes(), str(weights.dtype), weights.shape[1])


@lru_cache(maxsize=256)
def _remembered(policy: str, place: Place, data: bytes, dtype: str, depth: int) -> Form:
    """A network that is rewritten to need less memory is lowered many times."""
    weights = np.frombuffer(data, dtype).reshape(-1, depth)
    dense = Form(DENSE, weights.nbytes, place.cycles(DENSE, weights, weights.size))
    forms = tuple(_form(place, weights, sparse) for sparse in (encoded(weights, name) for name in FORMATS_OF[dtype]) if sparse)
    return POLICIES[policy].choose(dense, forms)


def _form(place: Place, weights: np.ndarray, sparse: SparseWeights) -> Form:
    cycles = place.cycles(sparse.format, weights, sparse.steps.size)
    return Form(sparse.format, sparse.size_bytes, cycles, sparse, weights.nbytes - sparse.size_bytes)
