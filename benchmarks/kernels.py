"""Cycles of the kernels, layer by layer of the MLPerf Tiny models and of some layers of int16, on one simulated board.

    python -m benchmarks.kernels [--board BOARD] [--match TEXT] [--cmsis-nn FOLDER] [--optimise FLAG] [--json FILE]

Code and weights lie in flash, activations in RAM; the clock, wait states, caches and prefetch are those of the board at its
rated clock. With ``--cmsis-nn`` the same program is built with a checkout of CMSIS-NN in place of the kernels of ``kernels_c``
as well, both are printed side by side, and it is an error if their outputs differ (but in fully connected layers of int8, which
round once here, as TensorFlow Lite's reference kernels do, and twice there). Data are random; time does not depend on them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import mcusim
from kernels_c import kernels
from kernels_c.toolchain import Compiler, Layout, find_compiler
from mcusim import boards
from mcusim.boards import Board, wait_states
from mcusim.errors import McusimError
from mcusim.report import Report

SCHEMA = "mcusim.benchmark.kernels/1"
BUILT = Path("build/benchmarks/kernels")
PROGRAM = Path(__file__).parent / "kernel_layers.c"
BOARD = "nucleo-l4r5zi"


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: shapes are (height, width, channels), ``taps``, ``stride`` and ``padding`` (height, width)."""

    model: str
    name: str
    operator: str
    input: tuple[int, int, int]
    output: tuple[int, int, int]
    taps: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    input_offset: int = 128
    output_offset: int = -128

    @property
    def macs(self) -> int:
        """Multiplications, padding included."""
        inputs = 1 if self.operator.startswith("depthwise") else self.input[2]
        return self.output[0] * self.output[1] * self.output[2] * self.taps[0] * self.taps[1] * inputs

    @property
    def mark(self) -> str:
        """Name in the program."""
        return f"{self.model}_{self.name}"

    def call(self) -> str:
        """The line of C that runs it."""
        numbers = (*self.input, *self.output, *self.taps, *self.stride, *self.padding, self.input_offset, self.output_offset)
        return f"    LAYER({self.operator}, {self.mark}, {', '.join(map(str, numbers))})"


def conv(model: str, name: str, size: tuple[int, int, int], out: tuple[int, int, int], taps: tuple[int, int], stride: int = 1,
         padding: tuple[int, int] = (0, 0), offsets: tuple[int, int] = (128, -128)) -> Layer:
    """A convolution."""
    return Layer(model, name, "conv", size, out, taps, (stride, stride), padding, *offsets)


def depthwise(model: str, name: str, size: tuple[int, int, int], out: tuple[int, int, int], taps: tuple[int, int] = (3, 3),
              stride: int = 1, padding: tuple[int, int] = (1, 1), offsets: tuple[int, int] = (128, -128)) -> Layer:
    """A depthwise convolution."""
    return Layer(model, name, "depthwise", size, out, taps, (stride, stride), padding, *offsets)


def dense(model: str, name: str, inputs: int, outputs: int, offsets: tuple[int, int] = (128, -128)) -> Layer:
    """A fully connected layer."""
    return Layer(model, name, "dense", (1, 1, inputs), (1, 1, outputs), input_offset=offsets[0], output_offset=offsets[1])


ONE, THREE = (1, 1), (3, 3)


def kws() -> list[Layer]:
    """Keyword spotting; layers of the same shape once each, as all of them run."""
    layers = [conv("kws", "conv1", (49, 10, 1), (25, 5, 64), (10, 4), 2, (4, 1), (-83, -128))]
    for block in range(1, 5):
        layers.append(depthwise("kws", f"dw{block}", (25, 5, 64), (25, 5, 64)))
        layers.append(conv("kws", f"pw{block}", (25, 5, 64), (25, 5, 64), ONE))
    return [*layers, dense("kws", "fc", 64, 12, (128, 14))]


def ic() -> list[Layer]:
    """Image classification."""
    return [
        conv("ic", "conv1", (32, 32, 3), (32, 32, 16), THREE, 1, (1, 1)),
        conv("ic", "conv2", (32, 32, 16), (32, 32, 16), THREE, 1, (1, 1)),
        conv("ic", "conv3", (32, 32, 16), (32, 32, 16), THREE, 1, (1, 1), (128, 4)),
        conv("ic", "conv4", (32, 32, 16), (16, 16, 32), THREE, 2),
        conv("ic", "conv5", (16, 16, 32), (16, 16, 32), THREE, 1, (1, 1), (128, 4)),
        conv("ic", "conv6", (32, 32, 16), (16, 16, 32), ONE, 2, (0, 0), (128, -17)),
        conv("ic", "conv7", (16, 16, 32), (8, 8, 64), THREE, 2),
        conv("ic", "conv8", (8, 8, 64), (8, 8, 64), THREE, 1, (1, 1), (128, -2)),
        conv("ic", "conv9", (16, 16, 32), (8, 8, 64), ONE, 2, (0, 0), (128, 38)),
        dense("ic", "fc", 64, 10, (128, 24)),
    ]


VWW_BLOCKS = ((48, 8, 16, 1), (48, 16, 32, 2), (24, 32, 32, 1), (24, 32, 64, 2), (12, 64, 64, 1), (12, 64, 128, 2),
              *((6, 128, 128, 1),) * 5, (6, 128, 256, 2), (3, 256, 256, 1))  # fmt: skip
"""Size, channels in, channels out, stride."""


def vww() -> list[Layer]:
    """Visual wake words."""
    layers = [conv("vww", "conv1", (96, 96, 3), (48, 48, 8), THREE, 2)]
    for number, (size, inputs, outputs, stride) in enumerate(VWW_BLOCKS, 1):
        small, padding = size // stride, (1, 1) if stride == 1 else (0, 0)
        layers.append(depthwise("vww", f"dw{number}", (size, size, inputs), (small, small, inputs), THREE, stride, padding))
        layers.append(conv("vww", f"pw{number}", (small, small, inputs), (small, small, outputs), ONE))
    return [*layers, dense("vww", "fc", 256, 2, (128, -5))]


def ad() -> list[Layer]:
    """Anomaly detection."""
    sizes = (640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640)
    return [dense("ad", f"fc{i + 1}", sizes[i], sizes[i + 1], (-89 if i == 0 else 128, -128)) for i in range(10)]


def sww() -> list[Layer]:
    """Streaming wake word."""
    return [
        depthwise("sww", "dw1", (30, 1, 40), (28, 1, 40), (3, 1), 1, (0, 0), (128, -3)),
        conv("sww", "pw1", (28, 1, 40), (28, 1, 128), ONE, 1, (0, 0), (3, -128)),
        depthwise("sww", "dw2", (28, 1, 128), (24, 1, 128), (5, 1), 1, (0, 0), (128, -2)),
        conv("sww", "pw2", (24, 1, 128), (24, 1, 128), ONE, 1, (0, 0), (2, -128)),
        depthwise("sww", "dw3", (24, 1, 128), (15, 1, 128), (10, 1), 1, (0, 0), (128, 11)),
        conv("sww", "pw3", (15, 1, 128), (15, 1, 128), ONE, 1, (0, 0), (-11, -128)),
        depthwise("sww", "dw4", (15, 1, 128), (1, 1, 128), (15, 1), 1, (0, 0), (128, -5)),
        conv("sww", "pw4", (1, 1, 128), (1, 1, 32), ONE, 1, (0, 0), (5, -128)),
        dense("sww", "fc", 32, 3, (128, 10)),
    ]


def s16() -> list[Layer]:
    """Layers of int16 with weights of int8, of the shapes that keyword spotting has."""
    size = (25, 5, 64)
    layers = [
        conv("s16", "conv10x4", (49, 10, 1), size, (10, 4), 2, (4, 1), (0, 0)),
        conv("s16", "conv3x3", size, size, THREE, 1, (1, 1), (0, 0)),
        conv("s16", "conv1x1", size, size, ONE, offsets=(0, 0)),
        depthwise("s16", "dw3x3", size, size, offsets=(0, 0)),
        dense("s16", "fc", 64, 12, (0, 0)),
    ]
    return [replace(layer, operator=f"{layer.operator}_s16") for layer in layers]


LAYERS = (*kws(), *ic(), *vww(), *ad(), *sww(), *s16())


@dataclass(frozen=True, slots=True)
class Row:
    """Cycles of a layer; ``other_cycles``: with the other library, 0 where none was given."""

    model: str
    layer: str
    macs: int
    cycles: int
    other_cycles: int


def program_text(layers: Sequence[Layer]) -> str:
    """The program that runs ``layers`` one after another."""
    calls = "\n".join(layer.call() for layer in layers)
    return f'#include "{PROGRAM}"\n\nint main(void)\n{{\n    begin();\n{calls}\n    end();\n    return 0;\n}}\n'


def layout_of(board: Board) -> Layout:
    """Program in the first flash, data in the first RAM; where it likes on an ideal board."""
    if board.ideal:
        return Layout()
    flash = next(memory for memory in board.memories if memory.kind == "flash")
    ram = next(memory for memory in board.memories if memory.kind == "ram" and memory.size >= 0x2_0000)
    return Layout(flash.address, flash.size, ram.address, ram.size)


def run_layers(layers: Sequence[Layer], board: Board, compiler: Compiler, sources: Sequence[Path], flags: Sequence[str],
               name: str) -> tuple[dict[str, int], list[str]]:
    """Cycles by mark, and the lines with the outputs' checksums."""
    BUILT.mkdir(parents=True, exist_ok=True)
    text = BUILT / f"{name}.c"
    text.write_text(program_text(layers))
    elf = BUILT / f"{name}.elf"
    compiler.compile([text, "src/marks.c", *sources], elf, board.core, flags=flags, layout=layout_of(board))
    report = run_rated(elf, board)
    if report.exit.code != 0:
        raise McusimError(f"{elf} ended with {report.exit.reason} {report.exit.code}: {report.serial[-300:]}")
    return {mark.name: mark.cycles for mark in report.marks}, [
        line for line in report.serial.splitlines() if not line.startswith("#")
    ]


def run_rated(elf: Path, board: Board) -> Report:
    """The program's run at the board's rated clock, with all on that makes its flash quick."""
    if board.ideal:
        return mcusim.run(elf, board=board)
    waits = wait_states.needed(board, board.rated_hertz)
    return mcusim.run(elf, board=board, clock_hertz=board.rated_hertz, wait_states=waits, caches=True, prefetch=True)


def their_sources(folder: Path) -> list[Path]:
    """The kernels of a checkout of CMSIS-NN that the layers need."""
    parts = ("ConvolutionFunctions", "FullyConnectedFunctions", "NNSupportFunctions", "TransposeFunctions")
    found = [path for part in parts for path in sorted((folder / "Source" / part).glob("*.c"))]
    chosen = [path for path in found if not path.stem.endswith(("_f16", "_f32", "_flt"))]
    if not chosen:
        raise McusimError(f"{folder} holds no CMSIS-NN: there is no Source/ConvolutionFunctions with C files in it")
    return chosen


def measure(layers: Sequence[Layer], board: Board, optimise: str, cmsis_nn: Path | None) -> list[Row]:
    """A row for each layer."""
    compiler = find_compiler()
    flags = [optimise]
    cycles, outputs = run_layers(layers, board, compiler, kernels(), flags, "own")
    other: dict[str, int] = {}
    if cmsis_nn is not None:
        include = ["-I" + str(cmsis_nn / "Include"), "-w"]
        other, theirs = run_layers(layers, board, compiler, their_sources(cmsis_nn), [*include, *flags], "cmsis_nn")
        pairs = zip(layers, outputs, theirs, strict=True)
        wrong = [layer.mark for layer, own, their in pairs if own != their and layer.operator != "dense"]
        if wrong:
            raise McusimError(f"outputs differ from CMSIS-NN's: {', '.join(wrong)}")
    return [Row(e.model, e.name, e.macs, cycles[e.mark], other.get(e.mark, 0)) for e in layers]


def lines_of(rows: Sequence[Row]) -> list[str]:
    """The table as text, with the sum of each model."""
    lines = [f"{'layer':14}{'MACs':>10}{'cycles':>11}{'per MAC':>9}{'CMSIS-NN':>11}{'per MAC':>9}{'ratio':>7}"]
    for model in dict.fromkeys(row.model for row in rows):
        own = [row for row in rows if row.model == model]
        total = Row(model, "all", *(sum(getattr(row, name) for row in own) for name in ("macs", "cycles", "other_cycles")))
        for row in (*own, total):
            text = f"{row.model + ' ' + row.layer:14}{row.macs:10}{row.cycles:11}{row.cycles / row.macs:9.2f}"
            if row.other_cycles:
                text += f"{row.other_cycles:11}{row.other_cycles / row.macs:9.2f}{row.cycles / row.other_cycles:7.2f}"
            lines.append(text)
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 when all ran."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--board", default=BOARD)
    parser.add_argument("--match", default="", help="only layers whose name, as in the table, contains this")
    parser.add_argument("--cmsis-nn", type=Path, help="checkout of CMSIS-NN to compare with")
    parser.add_argument("--optimise", default="-O2", help="the compiler's flag")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    layers = [layer for layer in LAYERS if options.match in f"{layer.model} {layer.name}"]
    try:
        rows = measure(layers, boards.load(options.board), options.optimise, options.cmsis_nn)
    except McusimError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines_of(rows)))
    if options.json:
        options.json.write_text(json.dumps({"schema": SCHEMA, "board": options.board, "rows": [asdict(row) for row in rows]}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
