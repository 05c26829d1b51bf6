"""Workers of a Dask cluster, which runs elsewhere: a scheduler that is asked by its address."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable
from concurrent.futures import Future
from typing import Self, TypeVar

from cost_models.errors import CostModelError
from cost_models.workers import AHEAD

Task = TypeVar("Task")
Answer = TypeVar("Answer")

PATIENCE_SECONDS = 5
"""To reach a scheduler, and to take leave of it."""


class Cluster:
    """Workers of the scheduler at ``address``; they may come and go. CostModelError where there is no scheduler.

    Dask itself gives the tasks of a worker that dies to others, as often as the scheduler's ``allowed-failures`` says.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client, KilledWorker
            from distributed.comm import get_address_host_port
        except ImportError:
            raise CostModelError("a scheduler takes Dask: pip install 'mcusim[dask]'") from None
        self.address, self.died = address, KilledWorker
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what it logs comes as an error from here
        try:
            get_address_host_port(address, strict=True)
            self.client = Client(address, timeout=PATIENCE_SECONDS, set_as_default=False)
        except (OSError, ValueError, ImportError) as error:
            raise CostModelError(f"{address}: no scheduler of Dask: {error}") from None
        self.executor = self.client.get_executor(pure=False)

    def width(self) -> int:
        """Two for each worker; enough for the first that comes where there are none yet."""
        try:
            return AHEAD * max(len(self.client.nthreads()), 1)
        except OSError as error:
            raise CostModelError(f"{self.address}: the scheduler is gone: {error}") from None

    def submit(self, ask: Callable[[Task], Answer], task: Task) -> Future[Answer]:
        """The answer of a worker."""
        return self.executor.submit(_opening(pickle.dumps((ask, task))))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close(PATIENCE_SECONDS)


def _opening(data: bytes) -> Callable[[], object]:
    """A function that is sent with its code: a worker of Dask that cannot import a function is not heard of again."""

    def opened() -> object:
        import pickle

        ask, task = pickle.loads(data)
        return ask(task)

    return opened
