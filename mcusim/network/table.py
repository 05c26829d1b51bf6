"""network_table: a network as a table for people to read."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from mcusim.network.macs import layer_macs, network_macs
from mcusim.network.network import Layer, Network
from mcusim.network.operators import Binary, Pool2D, Reduce, Unary
from mcusim.network.tensor import Tensor


def network_table(network: Network) -> Group:
    """A row for each layer (operator, output, type, MACs, bytes of constants), totals, then inputs and outputs: for rich."""
    table = Table(title=network.name, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for heading in ("layer", "operator", "output", "type"):
        table.add_column(heading, no_wrap=True)
    for heading in ("MACs", "constants"):
        table.add_column(heading, justify="right", no_wrap=True)
    for layer in network.layers:
        table.add_row(*_row(network, layer))
    table.add_section()
    count = f"{len(network.layers)} layers"
    table.add_row("total", count, "", "", f"{network_macs(network):,}", _bytes(constant_bytes(network)))
    ends = [("input", network.inputs), ("output", network.outputs)]
    lines = [Text(f"{what} {described(network.tensors[name])} {name}") for what, names in ends for name in names]
    return Group(table, *lines)


def constant_bytes(network: Network, layer: Layer | None = None) -> int:
    """Bytes of constants that a layer reads (weights and biases), or all layers; shared ones count once."""
    layers = network.layers if layer is None else (layer,)
    names = {name for each in layers for name in each.inputs if name and network.tensors[name].constant}
    return sum(network.tensors[name].size_bytes for name in names)


def operator_name(layer: Layer) -> str:
    """The operator, and which of its functions where it has several: ``Binary add``, ``Pool2D max``."""
    operator = layer.operator
    name = type(operator).__name__
    return f"{name} {operator.function.value}" if isinstance(operator, Binary | Unary | Pool2D | Reduce) else name


def described(tensor: Tensor) -> str:
    """Shape and type, with scale and zero point where it has one of each: ``1x10 int8 (0.0039 * (q + 128))``."""
    text = f"{'x'.join(map(str, tensor.shape)) or 'scalar'} {tensor.type.value}"
    quantization = tensor.quantization
    if quantization is None:
        return text
    if len(quantization.scales) > 1:
        return f"{text} ({len(quantization.scales)} scales on axis {quantization.axis})"
    sign = "-" if quantization.zero_point >= 0 else "+"
    return f"{text} ({quantization.scale:.4g} * (q {sign} {abs(quantization.zero_point)}))"


def _row(network: Network, layer: Layer) -> tuple[str, ...]:
    outputs = network.outputs_of(layer)
    shapes = ", ".join("x".join(map(str, t.shape)) or "scalar" for t in outputs)
    macs, size = layer_macs(network, layer), constant_bytes(network, layer)
    return (
        layer.name,
        operator_name(layer),
        shapes,
        outputs[0].type.value,
        f"{macs:,}" if macs else "",
        _bytes(size) if size else "",
    )


def _bytes(size: int) -> str:
    return f"{size:,} B"
