"""Cycles of the sparse kernels against the dense ones, layer by layer, on ideal boards of all cores.

    python -m benchmarks.sparse [--core CORE ...] [--sparsity PERCENT ...] [--json FILE] [--fit FILE]

Weights are random. Those of the format ``rows`` are zero one by one, of ``fours`` in blocks of four outputs. With ``--fit`` the
table that code generation chooses by (mcusim/deploy/sparse_cycles.json) is fitted to what was measured, and written: what a
product, an output and an input take, by core, operator and format, none of them negative, relative errors as small as possible.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import mcusim
from cost_models.regression import nonnegative
from mcusim import boards, cores
from mcusim.deploy.build import BuildOptions, build
from mcusim.deploy.sparse import FORMATS, encoded
from mcusim.deploy.sparse_choice import DENSE
from mcusim.network import ElementType, Layer, Network, Quantization, Tensor
from mcusim.network import operators as ops

SCHEMA = "mcusim.benchmark.sparse/1"
SPARSITIES = (50.0, 80.0, 90.0, 95.0, 98.0)


@dataclass(frozen=True, slots=True)
class Shape:
    """A layer: ``size`` pixels a side, channels, outputs, taps a side; of a fully connected layer size and taps are 1."""

    operator: str
    size: int
    channels: int
    outputs: int
    taps: int = 1

    @property
    def name(self) -> str:
        """``convolution 6x6x64, 64 of 3x3``."""
        if self.operator == "fully_connected":
            return f"{self.operator} {self.channels}, {self.outputs}"
        return f"{self.operator} {self.size}x{self.size}x{self.channels}, {self.outputs} of {self.taps}x{self.taps}"

    @property
    def pixels(self) -> int:
        """Of input and output: padding keeps the size."""
        return self.size**2

    @property
    def depth(self) -> int:
        """Weights of an output."""
        return self.taps**2 * self.channels

    def weights(self, sparsity: float, together: int, random: np.random.Generator) -> np.ndarray:
        """[outputs, depth]; ``sparsity`` percent of them are zero, ``together`` outputs at a time."""
        shape = (self.outputs, self.depth)
        weights = random.integers(1, 128, shape) * random.choice([-1, 1], shape)
        blocks = self.outputs // together * self.depth
        kept = random.permuted(np.arange(blocks)) >= blocks * sparsity / 100
        return (weights * np.repeat(kept.reshape(-1, self.depth), together, axis=0)).astype(np.int8)


SHAPES = (
    Shape("fully_connected", 1, 1024, 64), Shape("fully_connected", 1, 256, 64), Shape("fully_connected", 1, 512, 16),
    Shape("convolution", 6, 64, 64, 3), Shape("convolution", 8, 16, 32, 3), Shape("convolution", 8, 64, 64),
    Shape("convolution", 4, 256, 64), Shape("convolution", 8, 8, 16, 5), Shape("convolution", 8, 16, 64),
)  # fmt: skip
"""Outputs are multiples of four."""


@dataclass(frozen=True, slots=True)
class Row:
    """A layer in one format: entries that a pixel meets (of the dense kernel, all weights), cycles, bytes of weights."""

    core: str
    shape: Shape
    form: str
    sparsity: float
    nonzero: int
    entries: int
    cycles: int
    size_bytes: int

    @property
    def cycles_each(self) -> float:
        """Cycles of a weight that is not zero, and a pixel; of the dense kernel, of a weight."""
        return self.cycles / (self.shape.pixels * (self.nonzero if self.form != DENSE else self.entries))


def network_of(shapes: Sequence[Shape], weights: Sequence[np.ndarray]) -> Network:
    """All layers beside one another, each with an input of its own."""
    tensors: dict[str, Tensor] = {}
    layers = []
    for number, (shape, values) in enumerate(zip(shapes, weights, strict=True)):
        made = _tensors(shape, values, number)
        tensors |= {tensor.name: tensor for tensor in made}
        names = [tensor.name for tensor in made]
        layers.append(Layer(f"layer{number}", _operator(shape), tuple(names[:3]), (names[3],)))
    ends = tuple(layer.inputs[0] for layer in layers), tuple(layer.outputs[0] for layer in layers)
    return Network("sparse", tensors, tuple(layers), *ends)


def _operator(shape: Shape) -> ops.Operator:
    side = shape.taps // 2
    return ops.FullyConnected() if shape.operator == "fully_connected" else ops.Conv2D(padding=ops.Padding(*(side,) * 4))


def _tensors(shape: Shape, weights: np.ndarray, number: int) -> list[Tensor]:
    flat = shape.operator == "fully_connected"
    source = (1, shape.channels) if flat else (1, shape.size, shape.size, shape.channels)
    values = weights if flat else weights.reshape(shape.outputs, shape.taps, shape.taps, shape.channels)
    scales = Quantization((0.002,), (0,)) if flat else Quantization((0.002,) * shape.outputs, (0,) * shape.outputs, 0)
    bias = np.zeros(shape.outputs, np.int32)
    return [
        Tensor(f"in{number}", source, ElementType.INT8, Quantization((0.02,), (-7,))),
        Tensor(f"w{number}", values.shape, ElementType.INT8, scales, values),
        Tensor(f"b{number}", bias.shape, ElementType.INT32, Quantization((1.0,), (0,)), bias),
        Tensor(f"out{number}", (*source[:-1], shape.outputs), ElementType.INT8, Quantization((0.03,), (5,))),
    ]  # fmt: skip


def measure(core: str, form: str, sparsity: float, shapes: Sequence[Shape] = SHAPES) -> list[Row]:
    """A row for each layer."""
    random = np.random.default_rng(int(sparsity * 10))
    weights = [shape.weights(sparsity, FORMATS.get(form, 1), random) for shape in shapes]
    board = boards.load(core)
    with tempfile.TemporaryDirectory() as folder:
        options = BuildOptions(sparse="never" if form == DENSE else form)
        firmware = build(network_of(shapes, weights), board, Path(folder) / "layers.elf", options)
        marks = {mark.name: mark.cycles for mark in mcusim.run(firmware.elf, board=board).marks}
    rows = []
    for number, (shape, values) in enumerate(zip(shapes, weights, strict=True)):
        sparse = encoded(values, form) if form != DENSE else None
        entries, size = (values.size, values.nbytes) if sparse is None else (sparse.steps.size, sparse.size_bytes)
        rows.append(Row(core, shape, form, sparsity, int(np.count_nonzero(values)), entries, marks[f"layer{number}"], size))
    return rows


def measured(core: str, sparsities: Sequence[float]) -> list[Row]:
    """The dense kernels once, the sparse ones at all sparsities."""
    sparse = [row for form in FORMATS for sparsity in sparsities for row in measure(core, form, sparsity)]
    return [*measure(core, DENSE, 0.0), *sparse]


Coefficients = tuple[float, float, float]


def fitted(rows: Iterable[Row]) -> tuple[Coefficients, float]:
    """Cycles of a product, an output and an input, and the largest relative error of a row."""
    rows = list(rows)
    terms = np.array([[row.entries, row.shape.outputs, row.shape.depth] for row in rows], float)
    share = terms * np.array([[row.shape.pixels / row.cycles] for row in rows])
    found = nonnegative(share, np.ones(len(rows)), 0.0, np.ones(len(rows)))
    return tuple(round(float(value), 3) for value in found), float(np.abs(share @ found - 1).max())


def table_of(rows: Sequence[Row]) -> dict[str, object]:
    """What code generation reads, and the largest errors of the fits."""
    cycles: dict[str, dict[str, dict[str, Coefficients]]] = {}
    errors: dict[str, dict[str, dict[str, float]]] = {}
    for core, operator, form in dict.fromkeys((row.core, row.shape.operator, row.form) for row in rows):
        own = [row for row in rows if (row.core, row.shape.operator, row.form) == (core, operator, form)]
        found, error = fitted(own)
        cycles.setdefault(core, {}).setdefault(operator, {})[form] = found
        errors.setdefault(core, {}).setdefault(operator, {})[form] = round(error, 3)
    source = "python -m benchmarks.sparse --fit; cycles of a product, an output, an input on ideal boards, simulated"
    return {"source": source, "cycles": cycles, "largest_relative_errors": errors}


def lines_of(rows: Sequence[Row]) -> list[str]:
    """The table as text: cycles of the whole, and of each weight that is not zero, against the dense kernel."""
    lines = []
    dense = {(row.core, row.shape): row for row in rows if row.form == DENSE}
    for (core, shape), base in dense.items():
        each = f"{base.cycles_each:.2f} a weight"
        lines.append(f"{core}, {shape.name}: dense {base.cycles:,} cycles, {each}, {base.size_bytes:,} bytes")
        lines += [_line(row, base) for row in rows if (row.core, row.shape) == (core, shape) and row.form != DENSE]
    return lines


def _line(row: Row, dense: Row) -> str:
    return (
        f"  {row.form:6}{row.sparsity:5.1f} % zero{row.cycles:11,} cycles{row.cycles_each:7.2f} each,"
        f" {row.cycles / dense.cycles:5.2f} of dense;{row.size_bytes:8,} bytes,{row.size_bytes / row.nonzero:5.2f} each"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", nargs="+", default=list(cores.NAMES))
    parser.add_argument("--sparsity", nargs="+", type=float, default=list(SPARSITIES))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--fit", type=Path)
    options = parser.parse_args(arguments)
    rows = [row for core in options.core for row in measured(core, options.sparsity)]
    print("\n".join(lines_of(rows)))
    if options.json:
        options.json.write_text(json.dumps({"schema": SCHEMA, "rows": [asdict(row) for row in rows]}))
    if options.fit:
        options.fit.write_text(json.dumps(table_of(rows), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
