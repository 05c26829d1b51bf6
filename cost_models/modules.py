"""modules: networks of PyTorch as tables of layers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cost_models.layers import Layers, from_network
from mcusim.network import Network


def from_module(module: Any, example_inputs: Any, calibration: Iterable[Any] | None = None) -> Layers:
    """The table of a ``torch.nn.Module``, in int8.

    ``example_inputs``: a tensor, or several, that state the shapes; without ``calibration`` they also say which values there
    are, which decides little of what a network costs (see ``unfit_channels`` of LAYER). NetworkError for an operator that
    cannot be imported (``mcusim.network.torch.from_torch``), and where PyTorch is missing.
    """
    return from_network(network_of(module, example_inputs, calibration))


def network_of(module: Any, example_inputs: Any, calibration: Iterable[Any] | None = None) -> Network:
    """The same, as a network."""
    from mcusim.network.torch import from_torch

    network: Network = from_torch(module, example_inputs, [example_inputs] if calibration is None else calibration)
    return network
