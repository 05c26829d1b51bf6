"""What a network is, in short: the same for networks that differ in names only."""

from __future__ import annotations

import hashlib

from mcusim.network import Network


def digest(network: Network) -> str:
    """32 hexadecimal digits of operators, shapes, types, scales and constants; names of layers and tensors take no part."""
    numbers = {name: str(number) for number, name in enumerate(_names(network))} | {"": ""}
    found = hashlib.sha256()
    for layer in network.layers:
        ends = [[numbers[name] for name in names] for names in (layer.inputs, layer.outputs)]
        found.update(repr((layer.operator, ends)).encode())
    found.update(repr([numbers[name] for name in (*network.inputs, *network.outputs)]).encode())
    for name in _names(network):
        tensor = network.tensors[name]
        found.update(repr((tensor.shape, tensor.type, tensor.quantization, tensor.variable)).encode())
        found.update(b"" if tensor.data is None else hashlib.sha256(tensor.data.tobytes()).digest())
    return found.hexdigest()[:32]


def _names(network: Network) -> dict[str, None]:
    """Tensors in the order in which they are met."""
    met = (*network.inputs, *(name for layer in network.layers for name in (*layer.inputs, *layer.outputs)), *network.outputs)
    return {name: None for name in met if name}
