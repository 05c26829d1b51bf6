"""Speed of cost models: how many layers and networks a second, and how long one waits for the first answer.

    python -m benchmarks.prediction_speed [--board NAME] [--rounds N] [--layers N] [--networks N] [--json FILE]

Every answer has all quantities of the board's linear model, with their intervals; layers those that layers have, latency and
energy. Layers are those of random networks of all families, over and over. Networks are chains of depthwise and pointwise
convolutions, 30 layers each and no two alike, made as arrays. That they are made is not counted, nor that code is compiled
the first time. The best of several rounds counts.

Two ratios are worth comparing between computers: ``compiled/plain`` is the speed of counting terms against the same in plain
Python, ``simulated/predicted`` how much longer a simulation of one network takes, building it included.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

import cost_models
from benchmarks.markdown import table
from cost_models.features import counted_fast, counted_plainly
from cost_models.layers import CODES, LAYER, Layers
from cost_models.model import WIDEN, CostModel, LearningModel
from cost_models.sampling import sample
from mcusim.network import Network

SCHEMA = "mcusim.benchmark.prediction_speed/1"
BOARD = "nucleo-f746zg"
DEPTH, SIDE = 30, 24
CHANNELS = 8, 97
SAMPLES = 60
PLAIN_ROWS = 3000
REPEATS = 20

FRESH = """
import sys
import numpy as np
import cost_models
with np.load(sys.argv[2]) as kept:
    layers = cost_models.Layers(kept["table"], kept["starts"], ("one",))
found = cost_models.load(sys.argv[1]).predict(layers, outside="widen")
assert found.latency_seconds.interval(0.9)[0][0] > 0
"""
"""A process that answers one question."""


@dataclass(frozen=True)
class Speeds:
    """What was measured on a board's model."""

    board: str
    layers_per_second: float
    networks_per_second: float
    warm_milliseconds: float
    first_seconds: float
    compiled_over_plain: float
    simulated_over_predicted: float | None


def layers_of(count: int) -> Layers:
    """A table of about ``count`` layers of all families."""
    sampled = cost_models.joined(cost_models.from_network(sample(1, number)) for number in range(SAMPLES))
    times = -(-count // len(sampled.table))
    starts = (np.arange(times)[:, None] * len(sampled.table) + sampled.starts).ravel()
    return Layers(np.tile(sampled.table, times), starts, sampled.names * times)


def networks_of(count: int, seed: int = 0) -> Layers:
    """``count`` networks of DEPTH layers, no two alike: depthwise 3x3 and pointwise convolutions in turn, on one image."""
    channels = distinct(np.random.default_rng(seed), count)
    rows = np.zeros((count, DEPTH), LAYER)
    rows["input_channels"] = np.repeat(channels[:, :-1], 2, axis=1)
    rows["output_channels"] = rows["input_channels"]
    rows["output_channels"][:, 1::2] = channels[:, 1:]
    wide = np.arange(DEPTH) % 2 == 0
    taps = np.where(wide, 9, rows["input_channels"])
    rows["operator"] = np.where(wide, CODES["DepthwiseConv2D"], CODES["Conv2D"])
    rows["groups"] = np.where(wide, rows["input_channels"], 1)
    for name in ("kernel_height", "kernel_width"):
        rows[name] = np.where(wide, 3, 1)
    for name in ("padding_top", "padding_bottom", "padding_left", "padding_right"):
        rows[name] = wide
    for name in ("input_height", "input_width", "output_height", "output_width"):
        rows[name] = SIDE
    for name in ("stride_height", "stride_width", "dilation_height", "dilation_width", "element_bytes"):
        rows[name] = 1
    for end in ("input", "output"):
        rows[f"{end}_bytes"] = SIDE * SIDE * rows[f"{end}_channels"]
    rows["macs"] = rows["output_bytes"] * taps
    rows["weight_bytes"] = rows["output_channels"] * (taps + 4)
    rows["live_bytes"] = rows["input_bytes"] + rows["output_bytes"]
    rows["scales"] = rows["output_channels"]
    return Layers(rows.ravel(), np.arange(0, count * DEPTH, DEPTH), tuple(map(str, range(count))))


def distinct(random: np.random.Generator, count: int) -> np.ndarray:
    """Channels between layers, [count, DEPTH / 2 + 1], each row once."""
    found = np.unique(random.integers(*CHANNELS, (count + count // 8, DEPTH // 2 + 1)), axis=0)
    return random.permutation(found)[:count]


def answer(model: CostModel, question: Layers | Network) -> None:
    """All quantities with their intervals."""
    found = model.predict(question, outside=WIDEN)
    figures = (found.latency_seconds, found.energy_joules, found.ram_bytes, found.flash_bytes)
    for figure in (*figures, found.layers.latency_seconds, found.layers.energy_joules):
        if figure is not None:
            figure.interval(0.9)


def answer_layers(model: CostModel, layers: Layers) -> None:
    """Latency and energy of layers with their intervals; RAM and flash are of networks."""
    assert isinstance(model, LearningModel)
    latency, energy, of_layers = model.costs_of(layers, WIDEN)
    for figure in (latency, energy, of_layers.latency_seconds, of_layers.energy_joules):
        if figure is not None:
            figure.interval(0.9)


def best_of(run: Callable[[], object], rounds: int) -> float:
    """Lowest seconds of several runs."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return min(times)


def first_answer(board: str, layers: Layers, rounds: int) -> float:
    """Seconds of a whole process that loads the model of a board and answers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layers.npz"
        np.savez(path, table=layers.table, starts=layers.starts)
        command = [sys.executable, "-c", FRESH, board, str(path)]
        return best_of(lambda: subprocess.run(command, check=True), rounds)


def measure(board: str, layers: Layers, networks: Layers, rounds: int, simulate: bool = True) -> Speeds:
    """All figures of a board's linear model."""
    model, network, rows = cost_models.load(board), sample(1, 1), layers.table[:PLAIN_ROWS]
    answer(model, networks)  # compiles, or loads what was compiled
    answer_layers(model, layers)
    counted_fast(rows, True)
    of_layers = best_of(lambda: answer_layers(model, layers), rounds)
    of_networks = best_of(lambda: answer(model, networks), rounds)
    single = networks.selected([0])
    one = best_of(lambda: answer(model, single), REPEATS * rounds)
    plain, compiled = (best_of(lambda way=way: way(rows, True), rounds) for way in (counted_plainly, counted_fast))
    simulator = cost_models.Simulate(board, cache=False)
    simulated = best_of(lambda: simulator.predict(network), 1) if simulate else None
    return Speeds(
        board, len(layers.table) / of_layers, len(networks) / of_networks, 1e3 * one,
        first_answer(board, networks.selected([0]), rounds), plain / compiled, simulated and simulated / one,
    )  # fmt: skip


ROWS: Sequence[tuple[str, str, Callable[[Speeds], float | None]]] = (
    ("layers a second", ",.0f", lambda speeds: speeds.layers_per_second),
    (f"networks of {DEPTH} layers a second", ",.0f", lambda speeds: speeds.networks_per_second),
    ("one network, warm", ".2f ms", lambda speeds: speeds.warm_milliseconds),
    ("first answer of a process", ".2f s", lambda speeds: speeds.first_seconds),
    ("compiled/plain", ".0f", lambda speeds: speeds.compiled_over_plain),
    ("simulated/predicted", ",.0f", lambda speeds: speeds.simulated_over_predicted),
)
"""What stands in a row, how it is written, and which figure it is."""


def lines_of(speeds: Speeds) -> Sequence[tuple[str, str]]:
    """Rows of the table."""
    return [(name, _written(figure(speeds), form)) for name, form, figure in ROWS]


def _written(value: float | None, form: str) -> str:
    number, _, unit = form.partition(" ")
    return "-" if value is None else f"{value:{number}} {unit}".strip()


def host() -> dict[str, object]:
    """The machine."""
    return {
        "machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version(),
        "numpy": np.__version__, "numba": version("numba"),
    }  # fmt: skip


def document(speeds: Speeds) -> dict[str, object]:
    """The JSON document: every figure, and where it was measured."""
    return {"schema": SCHEMA, "host": host(), "speeds": asdict(speeds)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when everything ran."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--board", default=BOARD)
    parser.add_argument("--layers", type=int, default=500_000, metavar="N")
    parser.add_argument("--networks", type=int, default=20_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    speeds = measure(options.board, layers_of(options.layers), networks_of(options.networks), options.rounds)
    about = host()
    print(table((f"{speeds.board}, linear; {about['cores']} cores, {about['machine']}", ""), lines_of(speeds)))
    if options.json:
        options.json.write_text(json.dumps(document(speeds), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
