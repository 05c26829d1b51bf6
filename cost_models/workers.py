"""Workers: what answers tasks, one or many at a time. A task whose worker dies is asked again, and never answered twice."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import connection, parent_process
from threading import Thread
from typing import Protocol, Self, TypeVar

from cost_models.errors import CostModelError

Task = TypeVar("Task")
Answer = TypeVar("Answer")

AHEAD = 2
"""Tasks on their way for each worker, so that none waits for the next one."""


class Workers(Protocol):
    """Where tasks are answered. At the end of the context, what is still on its way is given up."""

    @property
    def died(self) -> type[BaseException]:
        """What a future raises when workers died over its task, or over another one beside it."""

    def width(self) -> int:
        """How many tasks may be on their way now."""

    def submit(self, ask: Callable[[Task], Answer], task: Task) -> Future[Answer]:
        """The answer, in the future."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def answers(
    workers: Workers, ask: Callable[[Task], Answer], tasks: Iterable[Task], lost: Callable[[Task], Answer]
) -> Iterator[Answer]:
    """An answer to each of ``tasks``, as they come; tasks are taken as there is room for them.

    After each answer ``tasks`` are asked for more, even if there were none before: those that need an answer may come later.
    Who dies is not known where several tasks are on their way: all that were hit are asked once more, each alone. Where a
    worker dies over one then too, ``lost`` answers. CostModelError where workers are gone altogether, or lack this package.
    """
    left, suspects = iter(tasks), deque[Task]()
    running: dict[Future[Answer], tuple[Task, bool]] = {}
    while True:
        alone = bool(suspects)
        for task in _due(workers, left, suspects, len(running)):
            running[workers.submit(ask, task)] = task, alone
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            task, alone = running.pop(future)
            if not isinstance(_error(future), workers.died):
                yield future.result()
            elif alone:
                yield lost(task)
            else:
                suspects.append(task)


def _due(workers: Workers, left: Iterator[Task], suspects: deque[Task], running: int) -> Iterable[Task]:
    if suspects:
        return [] if running else [suspects.popleft()]
    return islice(left, max(workers.width() - running, 0))


def _error(future: Future[Answer]) -> BaseException | None:
    try:
        error = future.exception()
    except CancelledError:
        raise CostModelError("the workers are gone, and what was on its way with them") from None
    if isinstance(error, ImportError):
        raise CostModelError(f"a worker lacks what is here: {error}; install the same mcusim on both") from None
    return error


class Here:
    """This process, a task at a time."""

    died = BrokenProcessPool
    """Nobody is left to see it."""

    def width(self) -> int:
        """One."""
        return 1

    def submit(self, ask: Callable[[Task], Answer], task: Task) -> Future[Answer]:
        """The answer, at once."""
        done: Future[Answer] = Future()
        try:
            done.set_result(ask(task))
        except Exception as error:
            done.set_exception(error)
        return done

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Processes:
    """Processes of this machine; all are replaced when one dies, and all end when this one does."""

    died = BrokenProcessPool

    def __init__(self, count: int) -> None:
        self.count = count
        self.pool = self._started()

    def _started(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.count, initializer=_begin)

    def width(self) -> int:
        """Two for each process."""
        return AHEAD * self.count

    def submit(self, ask: Callable[[Task], Answer], task: Task) -> Future[Answer]:
        """The answer of one of the processes."""
        try:
            return self.pool.submit(ask, task)
        except BrokenProcessPool:
            self.pool.shutdown()
            self.pool = self._started()
            return self.pool.submit(ask, task)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """Ctrl-C is for the process that has begun all others; they end what they are at."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """The pool's processes would wait for ever for a parent that was killed."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
