"""The operator cases of tests/network as networks, one by one and joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mcusim.network import Network, load
from tests.network.cases import CASES


def network_of_case(name: str, folder: Path) -> Network:
    """The network of one operator that a case is."""
    path = folder / "one.tflite"
    path.write_bytes(CASES[name].bytes())
    return load(path)


def cases_of(*beginnings: str, folder: Path) -> dict[str, Network]:
    """The cases whose names begin so."""
    return {name: network_of_case(name, folder) for name in CASES if name.startswith(beginnings)}


def joined(networks: Mapping[str, Network]) -> Network:
    """Networks side by side in one, names preceded by theirs."""
    tensors, layers, inputs, outputs = {}, [], [], []
    for name, network in networks.items():

        def called(tensor: str, name: str = name) -> str:
            return f"{name}/{tensor}" if tensor else ""

        tensors |= {called(t.name): replace(t, name=called(t.name)) for t in network.tensors.values()}
        for layer in network.layers:
            reads, writes = tuple(map(called, layer.inputs)), tuple(map(called, layer.outputs))
            layers.append(replace(layer, name=called(layer.name), inputs=reads, outputs=writes))
        inputs += map(called, network.inputs)
        outputs += map(called, network.outputs)
    return Network("joined", tensors, tuple(layers), tuple(inputs), tuple(outputs))
