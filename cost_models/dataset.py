"""Datasets: samples of a seed, simulated on boards, into a store. What is there already is not simulated again."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from threading import Lock

from cost_models.digest import digest
from cost_models.errors import CostModelError
from cost_models.layers import from_network
from cost_models.sampling import family_of, sample
from cost_models.state import State, simulator_digest, state_of
from cost_models.store import LayerCost, Simulated, Store
from cost_models.workers import Here, Workers, answers
from mcusim.bench import Result
from mcusim.errors import McusimError
from mcusim.network import Network


@dataclass(frozen=True, slots=True)
class Progress:
    """Samples ``done`` of ``total``; ``found`` of them were there before; ``new`` networks were kept; ``failed`` have none."""

    done: int
    total: int
    found: int = 0
    new: int = 0
    failed: int = 0

    def counted(self, new: bool, failed: bool) -> Progress:
        """After one more sample."""
        return Progress(self.done + 1, self.total, self.found, self.new + new, self.failed + failed)


Task = tuple[int, int, str]
"""Seed, number, board."""

Content = tuple[str, str]
"""What is simulated: the digest of a network, and a board."""

Told = Callable[[Progress], None]

HERE = Here()


def make(
    store: Store, boards: Sequence[str], seed: int, samples: int, workers: Workers = HERE, progress: Told | None = None
) -> Progress:
    """Samples 0 to ``samples`` - 1 of ``seed`` on each of ``boards``, simulated unless they, or their equals, are in ``store``.

    ``workers`` simulate; this process writes, a transaction for each network, so that what is lost by a kill at any moment
    are the ones being simulated. Samples that cannot be simulated are noted with the reason, and not tried again.
    CostModelError where a worker would simulate something else than this process.
    """
    simulator = simulator_digest()
    tasks = [(seed, number, board) for number in range(samples) for board in boards]
    there = {board: store.done(seed, board, simulator) for board in boards}
    missing = [task for task in tasks if task[1] not in there[task[2]]]
    known = {(name, board): error for board in boards for name, error in store.answered(board, simulator)}
    found = len(tasks) - len(missing)
    making = Making(store, Progress(found, len(tasks), found), known, progress)
    ask = partial(asked, {board: state_of(board) for board in boards})
    for one in answers(workers, ask, making.unknown(missing), lost):
        making.keep(one)
    return making.progress


class Making:
    """Samples on their way into a store. Of equal networks the first is simulated; the others wait for it."""

    def __init__(self, store: Store, progress: Progress, known: dict[Content, str], told: Told | None) -> None:
        """``known``: contents that were answered, with the reason of those that have no figures."""
        self.store, self.progress, self.known, self.told = store, progress, known, told
        self.waiting: dict[Content, list[Simulated]] = {}

    def unknown(self, tasks: Iterable[Task]) -> Iterator[Task]:
        """The tasks that have to be simulated; the others are noted in passing."""
        for task in tasks:
            one = drawn(task)
            content = one.digest, one.board
            if content in self.known:
                self._note(replace(one, error=self.known[content]))
            elif content in self.waiting:
                self.waiting[content].append(one)
            else:
                self.waiting[content] = []
                yield task

    def keep(self, one: Simulated) -> None:
        """Note what was simulated, and all that waited for it."""
        content = one.digest, one.board
        if content not in self.waiting:
            raise CostModelError(f"a worker made another network of sample {one.number} of seed {one.seed} than this process")
        self.known[content] = one.error
        for each in (one, *(replace(twin, error=one.error) for twin in self.waiting.pop(content))):
            self._note(each)

    def _note(self, one: Simulated) -> None:
        self.progress = self.progress.counted(self.store.add(one), bool(one.error))
        if self.told is not None:
            self.told(self.progress)


ONE_AT_A_TIME = Lock()
"""A worker of Dask may have several threads; nobody has looked at whether the simulator allows that."""


def asked(states: Mapping[str, State], task: Task) -> Simulated:
    """``simulated``, where this process is in the state of the one that asks; CostModelError otherwise."""
    board = task[2]
    found = state_of(board)
    if found != states[board]:
        told = states[board].differences(found)
        raise CostModelError(f"worker {os.getpid()} on {platform.node()} would simulate {board} otherwise: {told}")
    with ONE_AT_A_TIME:
        return simulated(task)


def lost(task: Task) -> Simulated:
    """A sample that nobody survived."""
    return replace(drawn(task), error="worker processes died while it was simulated, alone as well")


@lru_cache(maxsize=1)
def _network(seed: int, number: int) -> tuple[Network, str]:
    """A sample and its digest: the boards of a sample come one after the other."""
    network = sample(seed, number)
    return network, digest(network)


def drawn(task: Task) -> Simulated:
    """A sample, without figures."""
    seed, number, board = task
    network, name = _network(seed, number)
    return Simulated(seed, number, board, simulator_digest(), name, family_of(number), network.name)


def simulated(task: Task) -> Simulated:
    """A sample and what it takes."""
    seed, number, board = task
    made = partial(replace, drawn(task))
    try:
        return answered(made, _network(seed, number)[0], board)
    except McusimError as error:
        return made(error=str(error) or type(error).__name__)


def answered(made: Callable[..., Simulated], network: Network, board: str) -> Simulated:
    """The same with the figures of a simulation. McusimError where there are none."""
    from mcusim.bench import bench
    from mcusim.deploy.build import BuildOptions

    (result,) = bench(network, board, options=BuildOptions(sparse="never"), cache=False).results
    if not result.fits or result.changes:
        return made(error=f"does not fit on {board} as it is")
    return made(
        clock_hertz=result.clock_hertz,
        sizes=sizes_of(result),
        table=tuple(map(tuple, from_network(network).table.tolist())),
        costs=tuple(LayerCost(u.name, u.cycles or 0, u.energy_joules, json.dumps(u.events)) for u in result.layers),
    )


def sizes_of(result: Result) -> tuple[int, ...]:
    """In the order of ``cost_models.costs.NETWORK``."""
    ram, flash = result.ram_bytes, result.flash_bytes
    return ram.arena, ram.stack, ram.static, flash.code, flash.weights
