"""Datasets: samples of a seed, simulated on boards, into a store. What is there already is not simulated again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from itertools import islice

from cost_models.digest import digest
from cost_models.layers import from_network
from cost_models.sampling import family_of, sample
from cost_models.store import LayerCost, Simulated, Store
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


Task = tuple[int, int, str]
"""Seed, number, board."""

Told = Callable[[Progress], None]


def make(
    store: Store, boards: Sequence[str], seed: int, samples: int, jobs: int = 1, progress: Told | None = None
) -> Progress:
    """Samples 0 to ``samples`` - 1 of ``seed`` on each of ``boards``, simulated unless they are in ``store``.

    ``jobs`` processes simulate; this one writes, a transaction for each network, so that what is lost by a kill at any moment
    are the ones being simulated. Samples that cannot be simulated are noted with the reason, and not tried again.
    """
    simulator = simulator_digest()
    tasks = [
        (seed, number, board)
        for number in range(samples)
        for board in boards
    ]  # fmt: skip
    there = {board: store.done(seed, board, simulator) for board in boards}
    missing = [task for task in tasks if task[1] not in there[task[2]]]
    state = Progress(len(tasks) - len(missing), len(tasks), len(tasks) - len(missing))
    for one in _simulated(missing, jobs):
        state = _counted(state, one, store.add(one))
        if progress is not None:
            progress(state)
    return state


def _counted(state: Progress, one: Simulated, new: bool) -> Progress:
    return Progress(state.done + 1, state.total, state.found, state.new + new, state.failed + bool(one.error))


def _simulated(tasks: Sequence[Task], jobs: int) -> Iterator[Simulated]:
    if jobs == 1:
        yield from map(simulated, tasks)
        return
    left = iter(tasks)
    with ProcessPoolExecutor(jobs) as pool:
        running: set[Future[Simulated]] = {pool.submit(simulated, task) for task in islice(left, 2 * jobs)}
        while running:
            ready, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(simulated, task) for task in islice(left, len(ready))}
            yield from (future.result() for future in ready)


def simulated(task: Task) -> Simulated:
    """A sample and what it takes."""
    seed, number, board = task
    network = sample(seed, number)
    made = partial(Simulated, seed, number, board, simulator_digest(), digest(network), family_of(number), network.name)
    try:
        return answered(made, network, board)
    except McusimError as error:
        return made(error=str(error) or type(error).__name__)


def answered(made: Callable[..., Simulated], network: Network, board: str) -> Simulated:
    """The same with the figures of a simulation. McusimError where there are none."""
    from mcusim.bench import bench

    (result,) = bench(network, board, cache=False).results
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


def simulator_digest() -> str:
    """Which state of the simulator and its kernels costs come from."""
    from mcusim.bench.answers import own_digest

    return own_digest()[:16]
