"""Figures: the plots of the report, ours beside what was read off the paper's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from experiments.deep_compression.heuristics import ELEMENT_WISE, HEURISTICS, STRUCTURED
from experiments.deep_compression.paper import ACCURACY, FLASH_BYTES_PER_NONZERO, LENET_PARAMETERS, PICO
from experiments.deep_compression.summary import Chosen, Summary
from experiments.deep_compression.verdicts import LENET, PICO_BOARD, TYPICAL

COLORS = dict(zip((*HEURISTICS, "dense", "small"), (
    "#1f77b4", "#17becf", "#d62728", "#ff7f0e", "#7f7f7f", "#2ca02c", "#bcbd22", "#000000", "#9467bd",
), strict=False))  # fmt: skip
"""By heuristic."""
PAPER = "#aaaaaa"
DASHES = ("solid", "dash", "dot")
"""By set of data."""
RADAR = {
    "energy_joules": ("energy, mJ", 1e3), "latency_seconds": ("latency, ms", 1e3), "flash_bytes": ("flash, KiB", 1 / 1024),
    "ram_bytes": ("RAM, KiB", 1 / 1024),
}  # fmt: skip
"""Axes of the radar plots, in units that bring them near each other; less is better."""
RADAR_AT = (0.834, 0.9918, 0.997)
"""Sparsities that the paper draws."""


@dataclass(frozen=True, slots=True)
class Plot:
    """``draw`` gives traces of the results; ``log_x``, ``log_y``: logarithmic axes."""

    title: str
    x: str
    y: str
    draw: Callable[[Chosen], Iterator[Any]]
    log_x: bool = True
    log_y: bool = False


def figure(plot: Plot, all_of: Chosen) -> Any:
    """A plotly figure; None where there is nothing to draw."""
    from plotly.graph_objects import Figure

    drawn = Figure(list(plot.draw(all_of)))
    if not drawn.data:
        return None
    drawn.update_xaxes(title_text=plot.x, type="log" if plot.log_x else "linear")
    drawn.update_yaxes(title_text=plot.y, type="log" if plot.log_y else "linear")
    legend = {"font": {"size": 11}, "orientation": "h", "y": -0.2}
    drawn.update_layout(template="plotly_white", title=plot.title, height=640, legend=legend)
    return drawn


def _line(several: Sequence[Summary], y: Callable[[Summary], float], name: str, color: str, **how: Any) -> Any:
    from plotly.graph_objects import Scatter

    rows = sorted(several, key=lambda each: each.size)
    return Scatter(
        x=[each.size for each in rows], y=[y(each) for each in rows], name=name, mode="lines+markers",
        marker={"color": color, "size": 6}, line={"color": color, **how},
        text=[f"{each.heuristic}, {each.type}, {each.sparsity:.2%} gone, {each.parameters:,.0f} parameters" for each in rows],
    )  # fmt: skip


def _read_off(points: Sequence[tuple[float, float]], name: str, dash: str = "dash") -> Any:
    from plotly.graph_objects import Scatter

    x, y = zip(*points, strict=True)
    return Scatter(x=x, y=y, name=name, mode="lines+markers", line={"color": PAPER, "dash": dash}, marker={"symbol": "diamond"})


def accuracies(network: str) -> Callable[[Chosen], Iterator[Any]]:
    """Relative accuracy against relative size, of float networks, by heuristic."""

    def draw(all_of: Chosen) -> Iterator[Any]:
        floats = all_of.where(network=network, type="float32").once()
        sets = floats.values("data")
        for (number, data), name in product(enumerate(sets), floats.values("heuristic")):
            rows = list(floats.where(heuristic=name, data=data))
            if name != "dense" and rows:
                called = f"{name}, {data}" if len(sets) > 1 else name
                yield _line(rows, lambda each: each.relative, called, COLORS[name], dash=DASHES[number % len(DASHES)])
        if network == LENET and len(floats):
            for strategy, dash in ((STRUCTURED, "dash"), (ELEMENT_WISE, "dot")):
                yield _read_off(ACCURACY[strategy], f"paper, {strategy}", dash)

    return draw


def _lenet(all_of: Chosen) -> Chosen:
    """Of the first table: costs do not depend on data, or little."""
    lenet = all_of.where(network=LENET)
    return lenet.where(data=lenet.values("data")[:1])


def quantised(all_of: Chosen) -> Iterator[Any]:
    """What quantising changes of the accuracy, in points."""
    lenet = _lenet(all_of).once()
    floats = {(each.heuristic, each.sparsity): each.accuracy for each in lenet.where(type="float32")}
    for kind, dash in (("int8", "solid"), ("int8_qat", "dash")):
        for name in lenet.where(type=kind).values("heuristic"):
            rows = [each for each in lenet.where(type=kind, heuristic=name) if (name, each.sparsity) in floats]
            if name in HEURISTICS and rows:
                yield _line(
                    rows, lambda each: 100 * (each.accuracy - floats[each.heuristic, each.sparsity]), f"{kind}, {name}",
                    COLORS[name], dash=dash,
                )  # fmt: skip


def memories(quantity: str) -> Callable[[Chosen], Iterator[Any]]:
    """Bytes against relative size, of what fits some board, by type and strategy; each where it fits first."""

    def draw(all_of: Chosen) -> Iterator[Any]:
        lenet = _lenet(all_of).known(quantity)
        for kind, color in (("float32", "#d62728"), ("int8", "#1f77b4")):
            for strategy, dash in ((STRUCTURED, "solid"), (ELEMENT_WISE, "dot")):
                rows = list(lenet.where(type=kind, heuristic=TYPICAL[strategy]).once())
                if rows:
                    yield _line(rows, lambda each: getattr(each, quantity), f"{kind}, {strategy}", color, dash=dash)
            figures = [each for each in PICO if each.type == kind]
            points = [((1 - each.sparsity), getattr(each, quantity)) for each in figures]
            if len(lenet):
                from plotly.graph_objects import Scatter

                x, y = zip(*points, strict=True)
                marker = {"symbol": "diamond-open", "color": color, "size": 9}
                yield Scatter(x=x, y=y, name=f"paper, {kind}", mode="markers", marker=marker)
        if quantity == "flash_bytes" and len(lenet):
            for kind, per_weight in FLASH_BYTES_PER_NONZERO.items():
                points = [(share, share * LENET_PARAMETERS * per_weight) for share in np.geomspace(0.001, 0.3, 6)]
                yield _read_off(points, f"paper's sparse {kind}, {per_weight:.0f} bytes a weight", "dot")

    return draw


def latencies(all_of: Chosen) -> Iterator[Any]:
    """On each board, of LeNet in int8, structured (L1) and element-wise (Level)."""
    for number, board in enumerate(each for each in all_of.values("board") if each):
        for name, dash in (("l1", "solid"), ("level", "dot")):
            rows = list(_lenet(all_of).where(board=board, type="int8", heuristic=name).known("latency_seconds"))
            if rows:
                color = list(COLORS.values())[number]
                yield _line(rows, lambda each: each.latency_seconds, f"{board}, {name}", color, dash=dash)


PLOTS: Sequence[Plot] = (
    Plot("LeNet: accuracy and size", "relative size", "relative accuracy", accuracies("lenet")),
    Plot("ResNet-8: accuracy and size", "relative size", "relative accuracy", accuracies("resnet8")),
    Plot("DS-CNN: accuracy and size", "relative size", "relative accuracy", accuracies("ds_cnn")),
    Plot("LeNet: what quantisation changes", "relative size", "points of accuracy", quantised),
    Plot("LeNet: flash", "relative size", "bytes", memories("flash_bytes"), log_y=True),
    Plot("LeNet: RAM", "relative size", "bytes", memories("ram_bytes"), log_y=True),
    Plot("LeNet in int8: latency", "relative size", "seconds", latencies, log_y=True),
)


def radar(board: str, all_of: Chosen) -> Any:
    """Energy, latency, flash, RAM of L1's networks on a board, on logarithmic axes, the paper's beside those of a Pico.

    None where there are none.
    """
    from plotly.graph_objects import Figure

    rows = _lenet(all_of).where(board=board, heuristic="l1", type=("float32", "int8")).known("energy_joules")
    shown = [each for each in rows if any(abs(each.sparsity - wanted) < 1e-9 for wanted in RADAR_AT)]
    if not shown:
        return None
    drawn = Figure([_polar(each, f"{each.type}, {each.sparsity:.2%}", "solid") for each in shown])
    if board == PICO_BOARD:
        for figure_of in PICO:
            if figure_of.strategy == STRUCTURED:
                drawn.add_trace(_polar(figure_of, f"paper, {figure_of.type}, {figure_of.sparsity:.2%}", "dot"))
    drawn.update_layout(template="plotly_white", title=board, height=520, polar={"radialaxis": {"type": "log"}})
    return drawn


def _polar(of: Any, name: str, dash: str) -> Any:
    from plotly.graph_objects import Scatterpolar

    names = [name for name, _ in RADAR.values()]
    values = [getattr(of, axis) * scale for axis, (_, scale) in RADAR.items()]
    return Scatterpolar(r=[*values, values[0]], theta=[*names, names[0]], name=name, line={"dash": dash})
