"""RAM and flash of networks from their tables: an estimate. ``cost_models.exact`` builds the firmware and knows.

Not modelled: which tensors lie over each other, scratch memory of most operators, and code that kernels share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cost_models.costs import Costs
from cost_models.estimates import Estimate
from cost_models.layers import CODES, OPERATORS, Layers
from cost_models.regression import nonnegative

RIDGE = 1e-6
CHANNELED = np.array([CODES["Conv2D"], CODES["DepthwiseConv2D"], CODES["TransposeConv2D"], CODES["FullyConnected"]])
"""Operators with a multiplier and a shift for each output channel."""

APART = np.array([CODES[name] for name in ("Conv2D", "FullyConnected", "Softmax")])
"""Operators whose output seldom lies over their input."""

PANEL_BYTES, PAIR = 5120, 4
"""Weights of a convolution that are spread in scratch memory at once, and bytes of each weight of a pair of channels
(WEIGHTS_BYTES of kernels_c/src/nn_convolve_octets.c, pair_bytes of nn_convolve_quads.c)."""


def scratch(table: np.ndarray) -> np.ndarray:
    """Bytes of scratch memory of a convolution, about: what nn_convolve_octets.c asks for. 0 for other operators.

    Not modelled: other cores than those with the DSP extension, depthwise convolutions, structures beside the weights.
    """
    depth = table["input_channels"] // np.maximum(table["groups"], 1)
    window = np.ceil(table["kernel_height"] * table["kernel_width"] * depth / 4) * 4
    channels = (table["output_channels"] + 3) // 4 * 4
    panel = np.where(8 * window > PANEL_BYTES, PAIR * window, np.minimum(2 * window * channels, PANEL_BYTES) + 8 * window)
    return np.where(table["operator"] == CODES["Conv2D"], panel, 0)


def ram_features(layers: Layers) -> np.ndarray:
    """One, layers; the largest of what lives at once, with the output beside the input or over it, with and without scratch."""
    table, one = layers.table, np.ones(len(layers))
    over = table["live_bytes"] - np.minimum(table["input_bytes"], table["output_bytes"])
    apart = np.where(np.isin(table["operator"], APART), table["live_bytes"], over)
    rows = (table["live_bytes"], over, apart)
    largest = [layers.largest(each) for each in (*rows, *(row + scratch(table) for row in rows), scratch(table))]
    return np.stack([one, layers.counts, *largest], axis=1).astype(np.float64)


def flash_features(layers: Layers) -> np.ndarray:
    """One, layers, constants, channels with a scale, and for each operator whether it occurs."""
    table = layers.table
    channels = np.where(np.isin(table["operator"], CHANNELED), table["output_channels"], 0)
    sums = [layers.per_network(np.asarray(each, np.float64)) for each in (table["weight_bytes"], channels)]
    there = [layers.largest((table["operator"] == code).astype(np.int64)) for code in range(len(OPERATORS))]
    return np.stack([np.ones(len(layers)), layers.counts, *sums, *there], axis=1).astype(np.float64)


@dataclass(frozen=True, slots=True)
class SizeFit:
    """Coefficients of the features, and the relative standard deviations of the errors."""

    ram: tuple[float, ...]
    ram_deviation: float
    flash: tuple[float, ...]
    flash_deviation: float

    def predict(self, layers: Layers) -> tuple[Estimate, Estimate]:
        """RAM and flash in bytes."""
        return (
            _sized(ram_features(layers), self.ram, self.ram_deviation),
            _sized(flash_features(layers), self.flash, self.flash_deviation),
        )


def fit_sizes(layers: Layers, costs: Costs) -> SizeFit:
    """The fit of what was built."""
    ram, flash = ram_features(layers), flash_features(layers)
    return SizeFit(*_fitted(ram, costs.ram_bytes), *_fitted(flash, costs.flash_bytes))


def _fitted(features: np.ndarray, sizes: np.ndarray) -> tuple[tuple[float, ...], float]:
    sizes = sizes.astype(np.float64)
    found = nonnegative(features, sizes, RIDGE, sizes)
    errors = (features * found).sum(axis=1) / sizes - 1
    spare = max(len(sizes) - np.count_nonzero(found), 1)
    return tuple(found.tolist()), float(np.sqrt((errors**2).sum() / spare))


def _sized(features: np.ndarray, coefficients: tuple[float, ...], deviation: float) -> Estimate:
    values = (features * np.array(coefficients)).sum(axis=1)
    return Estimate(values, values * deviation)
