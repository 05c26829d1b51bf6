"""Devices: what the networks of a sweep take on boards, by ``mcusim.bench``, each distinct network once.

Networks of one shape cost the same where all their weights are there; where single weights are 0, kernels may leave them out,
and each network is measured by itself (``device_key``), of as many seeds as the plan says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from cost_models.workers import Here, Workers, answers
from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.heuristics import ELEMENT_WISE
from experiments.deep_compression.networks import Architecture
from experiments.deep_compression.plan import FLOAT, Plan, code_digest, key_of, points
from experiments.deep_compression.points import ONE_AT_A_TIME, Row, strategy
from experiments.deep_compression.quantization import quantized
from experiments.deep_compression.skeleton import exported
from experiments.deep_compression.states import restored, unpacked
from experiments.deep_compression.store import Store
from mcusim.errors import McusimError
from mcusim.network import Network

BOARDS = ("raspberry-pi-pico", "nano-33-ble", "nucleo-l4r5zi", "nucleo-h743zi")

Ranges = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Costing:
    """A network to be measured: its ``state``, and the ranges that int8 is made of it with, None for float32."""

    key: str
    board: str
    architecture: Architecture
    state: bytes
    ranges: Ranges | None


@dataclass(frozen=True, slots=True)
class Cost:
    """``row``: columns of devices. ``error``: why there are none."""

    key: str
    board: str
    row: Row
    error: str = ""


@dataclass(frozen=True, slots=True)
class Costed:
    """Networks ``done`` of ``total``; those in ``errors`` have no figures, and are asked again next time."""

    done: int
    total: int
    errors: tuple[str, ...] = ()


def network_of(architecture: Architecture, state: bytes, ranges: Ranges | None) -> Network:
    """A network of the sweep as it is deployed: float32 without ``ranges``, else int8."""
    network = exported(restored(architecture, unpacked(state)))
    return network if ranges is None else quantized(network, ranges)


def asked(code: str, costing: Costing) -> Cost:
    """The answer of a worker; StudyError where its sources are others than those of the process that asks."""
    from mcusim.bench import bench

    if code != code_digest():
        raise StudyError(f"a worker has sources {code_digest()} of the study, this process has {code}")
    try:
        with ONE_AT_A_TIME:
            network = network_of(costing.architecture, costing.state, costing.ranges)
            (result,) = bench(network, costing.board).results
    except McusimError as error:
        return Cost(costing.key, costing.board, {}, str(error) or type(error).__name__)
    row = {
        "fits": result.fits, "latency_seconds": result.latency_seconds, "energy_joules": result.energy_joules,
        "ram_bytes": result.ram_bytes.total, "flash_bytes": result.flash_bytes.total,
    }  # fmt: skip
    return Cost(costing.key, costing.board, row)


def lost(costing: Costing) -> Cost:
    """Of a network that workers died over."""
    return Cost(costing.key, costing.board, {}, "worker processes died while it was measured, alone as well")


def run(
    plan: Plan, store: Store, boards: Sequence[str] = BOARDS, workers: Workers | None = None,
    told: Callable[[Costed], None] | None = None,
) -> Costed:  # fmt: skip
    """Measure all networks of the plan that are in ``store`` and have no figures of their board yet."""
    asked_for = list(missing(plan, store, boards))
    done, errors = 0, []
    for cost in answers(workers or Here(), partial(asked, code_digest()), asked_for, lost):
        if cost.error:
            errors.append(f"{cost.board}: {cost.error}")
        else:
            store.add_cost(cost.key, cost.board, cost.row)
        done += 1
        if told is not None:
            told(Costed(done, len(asked_for), tuple(errors)))
    return Costed(done, len(asked_for), tuple(errors))


def missing(plan: Plan, store: Store, boards: Sequence[str]) -> Iterator[Costing]:
    """Networks of the plan that have no figures of a board yet, each once."""
    known, first = set(store.costs()), plan.seeds[: plan.costed]
    for point in points(plan):
        if strategy(point) == ELEMENT_WISE and point.seed not in first:
            continue
        key = key_of(plan, point)
        for row in store.rows(key):
            for board in boards:
                name = row["device_key"], board
                if name not in known and row["device_key"]:
                    known.add(name)
                    ranges = None if row["type"] == FLOAT else store.ranges(key)
                    yield Costing(*name, plan.architecture, store.state(key), ranges)
