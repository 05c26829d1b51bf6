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
from experiments.deep_compression.heuristics import ELEMENT_WISE, STRUCTURED, WHOLE, Batch, heuristic
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

RIGHT, LOGITS, DATA = "right", "logits", "data"
"""What is kept of a dense network beside its state: which test samples it gets right, its logits of those for training, and of
which data that was (their digest)."""

FIRST, PLAINLY = 2000, 0.03
"""Of a network that is surely worse than its dense one by this part of so many test samples, no others are asked."""

KNOWN = 1000
"""Samples for training by which it is told whether a network is spoilt: test samples have no say in how one is trained."""

MOST_RATE = 3e-3
"""Of Adam, beyond which small networks do not learn faster."""

ONE_AT_A_TIME = Lock()
"""A worker of Dask may have several threads; exports and seeds of PyTorch are for one."""


@dataclass(frozen=True, slots=True)
class Task:
    """A point to work out. ``parent``: the state that it goes on from; ``reference``: what is kept of its dense network."""

    plan: Plan
    point: Point
    parent: bytes = b""
    reference: bytes = b""


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
    digest = np.frombuffer(data.digest(), np.uint8)
    if reference and not np.array_equal(reference[DATA], digest):
        raise StudyError(f"{plan.source}: other data than those that the dense network was trained on and tested with")
    lessons = Lessons.of(data.train.x, data.train.y, reference.get(LOGITS))
    module, patient = _trained(task, lessons)
    network = exported(module)
    ranges = ranges_of(network, torch.from_numpy(data.train.x[: plan.looked_at]))
    dense_right = reference[RIGHT] if reference else right(network, data.test.x, data.test.y)
    found = tested(network, data.test, dense_right) if reference else dense_right
    tells = _Tells(plan, point, data, network, dense_right, found)
    rows = [tells.row(kind, each) for kind, each in _deployed(task, lessons, network, ranges, patient)]
    kept = b"" if reference else packed({RIGHT: dense_right, LOGITS: logits_of(module, lessons.x), DATA: digest})
    seconds = process_time() - began
    rows = [{**row, "seconds": round(seconds, 2)} for row in rows]
    return Answer(point, tuple(rows), packed(state_of(module)), ranges, kept)


def _trained(task: Task, lessons: Lessons) -> tuple[Prunable, bool]:
    """The network of a point in floats, and whether there is patience with it: a hurried regime has none with spoilt ones."""
    plan, point = task.plan, task.point
    if point.heuristic in (DENSE, SMALL):
        architecture = narrowed(plan.architecture, point.sparsity)
        module = architecture.built(point.seed)
        dense = plan.regime.dense
        fit(module, lessons, dense.longer(point.sparsity), point.seed)
        return module, True
    module = restored(plan.architecture, unpacked(task.parent))
    patient = not (plan.regime.hurried and spoilt(module, lessons))
    _fine_tune(module, task, lessons, patient)
    return module, patient


def spoilt(module: Prunable, lessons: Lessons) -> bool:
    """Whether a network knows plainly less of what it was trained on than its teacher."""
    assert lessons.taught is not None
    some = slice(min(KNOWN, len(lessons.y)))
    y = lessons.y[some].numpy()
    own, teachers = logits_of(module, lessons.x[some]).argmax(1) == y, lessons.taught[some].numpy().argmax(1) == y
    return plainly_worse(paired(teachers, own).high)


def suited(how: Training, sparsity: float, patient: bool) -> Training:
    """More steps for a smaller network, if ``patient``, and larger ones: it has to learn anew what a large one knows."""
    how = replace(how, rate=min(how.rate * (1 - sparsity) ** -0.5, MOST_RATE))
    return how.longer(sparsity) if patient else how


def _fine_tune(module: Prunable, task: Task, lessons: Lessons, patient: bool) -> None:
    """Prune to the point's sparsity step by step, training after each."""
    plan, point = task.plan, task.point
    chosen = heuristic(point.heuristic)
    regime = plan.regime
    own = regime.fine if chosen.structured else regime.healed if chosen.gentle else regime.drawn
    how = suited(own, point.sparsity, patient)
    steps = schedule(plan.schedule, point.before, point.sparsity, plan.prunings)
    random = np.random.default_rng((point.seed, len(point.path)))
    done = point.before
    for number, sparsity in enumerate(steps):
        if sparsity > done:
            rows = random.permutation(len(lessons.y))[: plan.looked_at]
            # a seed that nothing else is drawn from: of the network's own, worths would be those of its first weights
            batch = Batch(lessons.x[rows], lessons.y[rows], seed=int(random.integers(2**63)))
            pruned(module, point.heuristic, plan.architecture, sparsity, batch)
            done = sparsity
        last = number == len(steps) - 1
        part = replace(how, steps=how.steps - how.steps // 2 if last else how.steps // 2 // max(len(steps) - 1, 1))
        seed = int(random.integers(2**31))
        fit(module, lessons, part, seed, None if chosen.structured else masks_of(module), warm=0.1)
    recalibrate(module, lessons)


def _deployed(
    task: Task, lessons: Lessons, network: Network, ranges: Ranges, patient: bool
) -> Iterator[tuple[str, Network]]:  # fmt: skip
    """Networks of the wished types."""
    plan, point = task.plan, task.point
    for name in plan.types:
        kind = TYPES[name]
        if not kind.scheme:
            yield name, network
        elif not kind.aware:
            yield name, quantized(network, ranges, kind.scheme)
        elif point.heuristic in (*plan.aware_of, DENSE):
            how = suited(plan.aware, point.sparsity, patient and strategy(point) != ELEMENT_WISE)
            trained = aware(network, lessons, how, point.seed, ranges, kind.scheme)
            yield name, quantized(trained.network, trained.ranges, kind.scheme)


def plainly_worse(difference: float) -> bool:
    """Whether a network is, whose accuracy surely differs by no more than this from its dense one's."""
    return difference < -PLAINLY


def tested(network: Network, test: Samples, dense_right: np.ndarray) -> np.ndarray:
    """Which test samples a network gets right: of all, or of the first alone where those show that it is plainly worse."""
    first = right(network, test.x[:FIRST], test.y[:FIRST])
    if plainly_worse(paired(dense_right[:FIRST], first).high):
        return first
    return np.concatenate([first, right(network, test.x[FIRST:], test.y[FIRST:])]) if len(test.y) > FIRST else first


@dataclass(frozen=True, slots=True)
class _Tells:
    """What a row says of a network, whichever type it has."""

    plan: Plan
    point: Point
    data: Data
    network: Network
    dense_right: np.ndarray
    """Which test samples the dense float network of the same seed gets right."""
    float_right: np.ndarray
    """Which of them ``network`` does; of the first alone where it was asked no more, and then no other type is either."""

    def row(self, kind: str, deployed: Network) -> Row:
        test, count = self.data.test, len(self.float_right)
        found = self.float_right if deployed is self.network else right(deployed, test.x[:count], test.y[:count])
        dense = self.dense_right[:count]
        apart = paired(dense, found)
        plan, point = self.plan, self.point
        constants = [t.data for t in self.network.tensors.values() if t.data is not None]
        count, left = sum(each.size for each in constants), sum(int(np.count_nonzero(each)) for each in constants)
        size, unpruned = plan.architecture.size(), strategy(point) == WHOLE
        return {
            "network": plan.architecture.network, "data": self.data.name, "test_samples": len(found), "seed": point.seed,
            "heuristic": point.heuristic, "strategy": strategy(point),
            "schedule": "" if unpruned else plan.schedule, "distilled": 0.0 if unpruned else plan.regime.fine.distilled,
            "sparsity": point.sparsity, "type": kind,
            "accuracy": float(found.mean()), "dense_accuracy": float(dense.mean()), "difference": apart.value,
            "difference_low": apart.low, "difference_high": apart.high, "mcnemar": mcnemar(dense, found),
            "parameters": count, "nonzeros": left, "size": left / size, "macs": network_macs(self.network),
            "device_key": device_key(self.network, kind, strategy(point)),
        }  # fmt: skip


def strategy(point: Point) -> str:
    """Whether structures were removed, or single weights set to 0, or neither."""
    if point.heuristic in (DENSE, SMALL):
        return WHOLE
    return STRUCTURED if heuristic(point.heuristic).structured else ELEMENT_WISE


def device_key(network: Network, kind: str, how: str) -> str:
    """Alike for networks that cost the same on a device: by shape, and by weights where some of them are 0.

    What int8 costs does not depend on how it was trained. "" for types without kernels.
    """
    if not TYPES[kind].stored:
        return ""
    shapes = [(name, tensor.shape) for name, tensor in network.tensors.items()]
    told = hashlib.sha256(repr((network.name, network.layers, shapes, TYPES[kind].stored)).encode())
    if how == ELEMENT_WISE:
        for tensor in network.tensors.values():
            if tensor.data is not None:
                told.update(tensor.data.tobytes())
    return told.hexdigest()[:32]
