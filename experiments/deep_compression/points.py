"""Points: what a network of the sweep is worth, worked out by itself, here or by a worker elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from threading import Lock
from time import process_time
from typing import Any

import numpy as np
import torch

from experiments.deep_compression.data import Data, Source, loaded
from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.forward import right
from experiments.deep_compression.heuristics import Batch, heuristic
from experiments.deep_compression.intervals import mcnemar, paired
from experiments.deep_compression.networks import Prunable
from experiments.deep_compression.plan import DENSE, SMALL, TYPES, Plan, Point, code_digest
from experiments.deep_compression.pruning import masks_of, narrowed, pruned
from experiments.deep_compression.quantization import Ranges, aware, quantized, ranges_of
from experiments.deep_compression.schedules import schedule
from experiments.deep_compression.skeleton import exported
from experiments.deep_compression.states import packed, restored, state_of, unpacked
from experiments.deep_compression.synthetic import Samples
from experiments.deep_compression.training import Lessons, Training, fit, logits_of, recalibrate
from mcusim.network import Network
from mcusim.network.macs import network_macs

Row = dict[str, Any]
"""A line of the results, by column."""

RIGHT, LOGITS = "right", "logits"
"""What is kept of a dense network beside its state: which test samples it gets right, and its logits of those for training."""

FIRST, PLAINLY = 2000, 0.03
"""Of a network that is surely worse than its dense one by this part of so many test samples, no others are asked."""

MOST_RATE = 3e-3
"""Of Adam, beyond which small networks do not learn faster."""

ONE_AT_A_TIME = Lock()
"""A worker of Dask may have several threads; exports and seeds of PyTorch are for one."""


@dataclass(frozen=True, slots=True)
class Task:
    """A point to work out. ``parent``: the state that it goes on from; ``reference``: what is kept of its dense network.

    ``spoilt``: whether the parent is plainly worse than the dense network already.
    """

    plan: Plan
    point: Point
    parent: bytes = b""
    reference: bytes = b""
    spoilt: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """``rows``, one for each type; ``state`` of the network as trained; ``ranges`` of its tensors, by which int8 is made of it.

    ``reference``: of dense networks, see Task. ``error``: why there is nothing of all that.
    """

    point: Point
    rows: tuple[Row, ...] = ()
    state: bytes = b""
    ranges: Ranges | None = None
    reference: bytes = b""
    error: str = ""


def asked(code: str, task: Task) -> Answer:
    """The answer of a worker; StudyError where it would work out something else than the process that asks."""
    if code != code_digest():
        raise StudyError(f"a worker has sources {code_digest()} of the study, this process has {code}")
    with ONE_AT_A_TIME:
        torch.set_num_threads(1)
        return answered(task)


def lost(task: Task) -> Answer:
    """Of a point that workers died over."""
    return Answer(task.point, error="worker processes died while it was worked out, alone as well")


@lru_cache(maxsize=1)
def data_of(network: str, source: Source) -> Data:
    """Data, made or read once in a process."""
    return loaded(network, source)


def answered(task: Task) -> Answer:
    """The answer, worked out. StudyError where data do not suit the network."""
    plan, point, began = task.plan, task.point, process_time()
    data = data_of(plan.architecture.network, plan.source)
    if data.classes > plan.architecture.classes:
        raise StudyError(f"{data.name}: {data.classes} classes; the network has {plan.architecture.classes}")
    reference = unpacked(task.reference) if task.reference else {}
    lessons = Lessons.of(data.train.x, data.train.y, reference.get(LOGITS))
    module = _trained(task, lessons)
    network = exported(module)
    ranges = ranges_of(network, torch.from_numpy(data.train.x[: plan.looked_at]))
    truth = reference[RIGHT] if reference else right(network, data.test.x, data.test.y)
    tells = _Tells(plan, point, data, network, truth)
    rows = [tells.row(kind, each) for kind, each in _deployed(task, lessons, network, ranges)]
    kept = b"" if reference else packed({RIGHT: truth, LOGITS: logits_of(module, lessons.x)})
    seconds = process_time() - began
    rows = [{**row, "seconds": round(seconds, 2)} for row in rows]
    return Answer(point, tuple(rows), packed(state_of(module)), ranges, kept)


def _trained(task: Task, lessons: Lessons) -> Prunable:
    """The network of a point in floats."""
    plan, point = task.plan, task.point
    if point.heuristic in (DENSE, SMALL):
        architecture = narrowed(plan.architecture, point.sparsity)
        module = architecture.built(point.seed)
        dense = plan.regime.dense
        how = dense if point.heuristic == DENSE else longer(dense, plan.patience, point.sparsity)
        fit(module, lessons, how, point.seed)
        return module
    module = restored(plan.architecture, unpacked(task.parent))
    _fine_tune(module, task, lessons)
    return module


def longer(how: Training, patience: float, sparsity: float) -> Training:
    """More steps for a smaller network: as many times as its layers are narrower, up to ``patience``."""
    return replace(how, steps=round(how.steps * min(patience, (1 - sparsity) ** -0.5)))


def faster(how: Training, sparsity: float) -> Training:
    """Larger steps for a smaller network: it has to learn anew what a large one, which they would harm, still knows."""
    return replace(how, rate=min(how.rate * (1 - sparsity) ** -0.5, MOST_RATE))


def _fine_tune(module: Prunable, task: Task, lessons: Lessons) -> None:
    """Prune to the point's sparsity step by step, training after each."""
    plan, point = task.plan, task.point
    chosen = heuristic(point.heuristic)
    regime = plan.regime
    own = regime.fine if chosen.structured else regime.healed if chosen.gentle else regime.drawn
    how = faster(longer(own, _patience(task), point.sparsity), point.sparsity)
    steps = schedule(plan.schedule, point.before, point.sparsity, plan.prunings)
    random = np.random.default_rng((point.seed, len(point.path)))
    done = point.before
    for number, sparsity in enumerate(steps):
        if sparsity > done:
            rows = random.permutation(len(lessons.y))[: plan.looked_at]
            batch = Batch(lessons.x[rows], lessons.y[rows], seed=point.seed)
            pruned(module, point.heuristic, plan.architecture, sparsity, batch)
            done = sparsity
        last = number == len(steps) - 1
        part = replace(how, steps=how.steps - how.steps // 2 if last else how.steps // 2 // max(len(steps) - 1, 1))
        seed = int(random.integers(2**31))
        fit(module, lessons, part, seed, None if chosen.structured else masks_of(module), warm=0.1)
    recalibrate(module, lessons)


def _deployed(task: Task, lessons: Lessons, network: Network, ranges: Ranges) -> Iterator[tuple[str, Network]]:
    """Networks of the wished types."""
    plan, point = task.plan, task.point
    for name in plan.types:
        kind = TYPES[name]
        if not kind.scheme:
            yield name, network
        elif not kind.aware:
            yield name, quantized(network, ranges, kind.scheme)
        elif point.heuristic in (*plan.aware_of, DENSE):
            how = faster(longer(plan.aware, _patience(task), point.sparsity), point.sparsity)
            trained = aware(network, lessons, how, point.seed, ranges, kind.scheme)
            yield name, quantized(trained.network, trained.ranges, kind.scheme)


def _patience(task: Task) -> float:
    plan, point = task.plan, task.point
    if task.spoilt:
        return 1.0
    if strategy(point) != "element-wise":
        return plan.patience
    return plan.patience_weights if heuristic(point.heuristic).gentle else 1.0


def plainly_worse(difference: float) -> bool:
    """Whether a network is, whose accuracy surely differs by no more than this from its dense one's."""
    return difference < -PLAINLY


def tested(network: Network, test: Samples, truth: np.ndarray) -> np.ndarray:
    """Which test samples a network gets right: of all, or of the first alone where those show that it is plainly worse."""
    first = right(network, test.x[:FIRST], test.y[:FIRST])
    if plainly_worse(paired(truth[:FIRST], first).high):
        return first
    return np.concatenate([first, right(network, test.x[FIRST:], test.y[FIRST:])]) if len(test.y) > FIRST else first


@dataclass(frozen=True, slots=True)
class _Tells:
    """What a row says of a network, whichever type it has."""

    plan: Plan
    point: Point
    data: Data
    network: Network
    truth: np.ndarray
    """What the dense float network of the same seed gets right."""

    def row(self, kind: str, deployed: Network) -> Row:
        own = self.point.heuristic == DENSE and deployed is self.network  # it is what others are held against
        found = self.truth if own else tested(deployed, self.data.test, self.truth)
        truth = self.truth[: len(found)]
        apart = paired(truth, found)
        plan, point = self.plan, self.point
        constants = [t.data for t in self.network.tensors.values() if t.data is not None]
        count, left = sum(each.size for each in constants), sum(int(np.count_nonzero(each)) for each in constants)
        size = plan.architecture.size()
        return {
            "network": plan.architecture.network, "data": self.data.name, "test_samples": len(found), "seed": point.seed,
            "heuristic": point.heuristic, "strategy": strategy(point), "schedule": plan.schedule,
            "distilled": plan.regime.fine.distilled, "sparsity": point.sparsity, "type": kind,
            "accuracy": float(found.mean()), "dense_accuracy": float(truth.mean()), "difference": apart.value,
            "difference_low": apart.low, "difference_high": apart.high, "mcnemar": mcnemar(truth, found),
            "parameters": count, "nonzeros": left, "size": left / size, "macs": network_macs(self.network),
            "device_key": device_key(self.network, kind, strategy(point)),
        }  # fmt: skip


def strategy(point: Point) -> str:
    """Whether structures were removed, or single weights set to 0; dense networks are ``dense``."""
    if point.heuristic in (DENSE, SMALL):
        return "dense"
    return "structured" if heuristic(point.heuristic).structured else "element-wise"


def device_key(network: Network, kind: str, how: str) -> str:
    """Alike for networks that cost the same on a device: by shape, and by weights where some of them are 0.

    What int8 costs does not depend on how it was trained. "" for types without kernels.
    """
    if not TYPES[kind].stored:
        return ""
    shapes = [(name, tensor.shape) for name, tensor in network.tensors.items()]
    told = hashlib.sha256(repr((network.name, network.layers, shapes, TYPES[kind].stored)).encode())
    if how == "element-wise":
        for tensor in network.tensors.values():
            if tensor.data is not None:
                told.update(tensor.data.tobytes())
    return told.hexdigest()[:32]
