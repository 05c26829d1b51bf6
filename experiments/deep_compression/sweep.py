"""Sweep: the points of a plan, worked out by workers as what they go on from is there, into a store; then a table of all."""

from __future__ import annotations

import csv
import heapq
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cost_models.workers import Here, Workers, answers
from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.heuristics import heuristic
from experiments.deep_compression.plan import DENSE, SMALL, Plan, Point, code_digest, key_of, points
from experiments.deep_compression.points import Answer, Row, Task, asked, lost
from experiments.deep_compression.store import Store
from mcusim.report import write_atomically

HERE = Here()


@dataclass(frozen=True, slots=True)
class Progress:
    """Points ``done`` of ``total``; ``found`` of them were there before."""

    done: int
    total: int
    found: int
    last: str = ""


Told = Callable[[Progress], None]


class Ready(Iterator[Task]):
    """Tasks whose parents are there, the most expensive chains first. More of them come while answers do."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan, self.store = plan, store
        self.keys = {point: key_of(plan, point) for point in points(plan)}
        there = store.keys()
        self.done = {point for point, key in self.keys.items() if key in there}
        self.heap: list[tuple[int, int, Point]] = []
        self.order = {point: number for number, point in enumerate(self.keys)}
        self.missing = [point for point in self.keys if point not in self.done]
        for point in self.missing:
            self._offer(point)

    def _offer(self, point: Point) -> None:
        if point.parent is None or point.parent in self.done:
            heapq.heappush(self.heap, (_urgency(point), self.order[point], point))

    def __next__(self) -> Task:
        """A task, or StopIteration where none is ready now."""
        if not self.heap:
            raise StopIteration
        _, _, point = heapq.heappop(self.heap)
        parent, dense = point.parent, self.keys[Point(point.seed)]
        if parent is None:
            return Task(self.plan, point)
        return Task(self.plan, point, self.store.state(self.keys[parent]), self.store.reference(dense))

    def keep(self, answer: Answer) -> None:
        """Note an answer, and what can be asked now."""
        if answer.error:
            raise StudyError(f"{answer.point}: {answer.error}")
        self.store.add(self.keys[answer.point], answer)
        self.done.add(answer.point)
        for point in self.missing:
            if point.parent == answer.point:
                self._offer(point)


def _urgency(point: Point) -> int:
    """Dense networks first, since all wait for them; then single weights, whose networks never get smaller."""
    if point.heuristic in (DENSE, SMALL):
        return 0 if point.heuristic == DENSE else 3
    return 2 if heuristic(point.heuristic).structured else 1


def run(plan: Plan, store: Store, workers: Workers = HERE, told: Told | None = None) -> Progress:
    """Work out all points that are not in ``store``.

    StudyError for a plan that cannot be done, and where workers died over a point.
    """
    plan.check()
    ready = Ready(plan, store)
    total = len(ready.keys)
    progress = Progress(len(ready.done), total, len(ready.done))
    if told is not None:
        told(progress)
    for answer in answers(workers, partial(asked, code_digest()), ready, lost):
        ready.keep(answer)
        last = f"{answer.point.heuristic} {answer.point.sparsity:.1%} seed {answer.point.seed}"
        progress = Progress(progress.done + 1, total, progress.found, last)
        if told is not None:
            told(progress)
    return progress


DEVICE_COLUMNS = ("board", "fits", "latency_seconds", "energy_joules", "ram_bytes", "flash_bytes")


def table(plan: Plan, store: Store, boards: Sequence[str] = ()) -> list[Row]:
    """Rows of all points that are there, each once for each board; without boards the columns of devices are empty."""
    costs, found = store.costs(), []
    for point in points(plan):
        for row in store.rows(key_of(plan, point)):
            for board in boards or ("",):
                device = {"board": board, **costs.get((row["device_key"], board), {})}
                found.append({**row, **{name: device.get(name, "") for name in DEVICE_COLUMNS}})
    return found


def write(rows: Sequence[Row], path: Path) -> None:
    """As CSV, whole or not at all."""
    if not rows:
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _plain(value) for name, value in row.items()} for row in rows)
    write_atomically(path, text.getvalue())


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else value
