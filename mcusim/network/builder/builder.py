"""Builder: a float network made operator by operator from a source that puts channels first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.builder.draft import Constant, Operand
from mcusim.network.builder.elementwise import Elementwise
from mcusim.network.builder.weighted import Weighted
from mcusim.network.layout import Value, channels_last
from mcusim.network.network import Network, Unsupported


class Builder(Weighted, Elementwise):
    """Methods are named after what they make; ``output`` is the source's name of the result. Unsupported says what is wrong.
    """

    def normalized(self, output: str, x: Value, factor: np.ndarray, offset: np.ndarray) -> Value:
        """x * factor + offset for each channel (axis 1)."""
        if len(x.shape) < 2 or factor.shape != offset.shape or factor.shape != (x.shape[1],):
            raise Unsupported(f"it has {factor.shape} factors for an input of {x.shape}")
        if len(x.shape) in (3, 4):
            shape = (len(factor), 1, *(1,) * (len(x.shape) - 2))
            weights = Constant(f"{output}/factor", factor.reshape(shape))
            ones, zeros = (1,) * (len(x.shape) - 2), (0,) * 2 * (len(x.shape) - 2)
            bias = Constant(f"{output}/offset", offset)
            return self.conv(output, x, weights, bias, stride=ones, dilation=ones, pads=zeros, groups=len(factor))
        columns = (-1,) + (1,) * (len(x.shape) - 2)
        scaled = self.binary(f"{output}/scaled", ops.Arithmetic.MUL, x, Constant(f"{output}/factor", factor.reshape(columns)))
        return self.binary(output, ops.Arithmetic.ADD, scaled, Constant(f"{output}/offset", offset.reshape(columns)))

    def network(self, outputs: Mapping[str, Operand]) -> Network:
        """The network with these outputs, which are stored channels last where their axes are otherwise in order."""
        names: dict[str, str] = {}
        self.label = "output"
        for name, operand in outputs.items():
            axes = self.axes(operand) if isinstance(operand, Value) else tuple(range(len(operand.shape)))
            axes = axes if axes == channels_last(len(axes)) else tuple(range(len(axes)))
            stored = self.stored(operand, axes)
            if stored in self.inputs or stored in names or self.tensors[stored].data is not None:
                (stored,) = self.emit(ops.Reshape(self.tensors[stored].shape), [stored], name)
            names[stored] = name
        return self.renamed(names)

    def renamed(self, names: Mapping[str, str]) -> Network:
        """Layers and tensors that the outputs need, the outputs under their names."""
        new = dict(names)
        for old, wanted in names.items():
            if wanted in self.tensors and wanted != old:
                if wanted in self.inputs:
                    new[old] = self.fresh(wanted)
                else:
                    new[wanted] = self.fresh(wanted)
        needed, layers = set(names), []
        for layer in reversed(self.layers):
            if needed & set(layer.outputs):
                needed |= set(filter(None, (*layer.inputs, *layer.outputs)))
                layers.append(layer)
        layers = [
            replace(
                layer,
                inputs=tuple(new.get(n, n) for n in layer.inputs),
                outputs=tuple(new.get(n, n) for n in layer.outputs),
            )
            for layer in reversed(layers)
        ]
        kept = needed | set(self.inputs)
        tensors = {new.get(n, n): replace(t, name=new.get(n, n)) for n, t in self.tensors.items() if n in kept}
        self.annotations = {new.get(n, n): q for n, q in self.annotations.items()}
        return Network(self.name, tensors, tuple(layers), tuple(self.inputs), tuple(new[n] for n in names))
