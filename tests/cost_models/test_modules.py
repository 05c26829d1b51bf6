"""Modules of PyTorch, asked about as networks are."""

from __future__ import annotations

import numpy as np
import pytest

from cost_models import CostModelError, from_module, from_network
from cost_models.model import layers_of
from mcusim.network import NetworkError
from tests.cost_models.made_up import networks

torch = pytest.importorskip("torch", reason="PyTorch is missing (mcusim[torch])")


def module(width: int) -> torch.nn.Module:
    torch.manual_seed(width)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, width, 3, stride=2, padding=1), torch.nn.ReLU(), torch.nn.AvgPool2d(4), torch.nn.Flatten(),
        torch.nn.Linear(width, 10),
    )  # fmt: skip


EXAMPLE = torch.linspace(-1, 1, 3 * 64).reshape(1, 3, 8, 8)


def test_a_module_is_a_table_of_int8_layers() -> None:
    table = from_module(module(12), EXAMPLE).table
    assert set(table["element_bytes"].tolist()) == {1}
    assert table["macs"].sum() == 4 * 4 * 12 * 27 + 12 * 10
    assert table["weight_bytes"].max() == 12 * 27 + 12 * 4


def test_modules_are_asked_about_beside_networks_and_tables() -> None:
    (network,) = networks(1)
    parts = [from_network(network), from_module(module(4), EXAMPLE), from_module(module(8), EXAMPLE)]
    found = layers_of([network, (module(4), EXAMPLE), parts[2]])
    assert len(found) == 3
    np.testing.assert_array_equal(found.table, np.concatenate([part.table for part in parts]))
    assert found.arenas is not None


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(CostModelError, match=r"Sequential is no network; allowed: Network, Layers, \(torch"):
        layers_of([module(4)])  # type: ignore[list-item]


def test_an_operator_that_cannot_be_imported_is_named() -> None:
    with pytest.raises(NetworkError, match="fft"):
        from_module(_Strange(), EXAMPLE)


class _Strange(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.fft.fft(x).real
