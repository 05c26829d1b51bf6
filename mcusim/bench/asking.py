"""Questions answered: from the cache, here, or in several processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import active_children
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import monotonic
from typing import Any

from mcusim.bench.answers import keep_answer, kept_answer
from mcusim.bench.bench_report import BenchReport, Failure, Result
from mcusim.bench.modules import Calibration, is_module, prepared
from mcusim.bench.question import Place, Question, Wishes
from mcusim.boards import Board
from mcusim.deploy.build import USUAL, BuildOptions
from mcusim.energy import USUAL_SUPPLY, Supply
from mcusim.errors import McusimError
from mcusim.network import Network

PATIENCE_SECONDS = 2.0
"""With a process that was asked to end."""

Told = Callable[[int, int], None]
"""Told how many questions are answered, of how many."""


def bench(
    models: Any,
    board: Place | Sequence[Place],
    *,
    calibration: Calibration | None = None,
    example: Any = None,
    options: BuildOptions = USUAL,
    check: int = 0,
    data: str | Path = "",
    seed: int = 0,
    supply: Supply = USUAL_SUPPLY,
    cache: bool = True,
    jobs: int | None = None,
    progress: Told | None = None,
) -> BenchReport:
    """What networks (files, ``mcusim.network``'s, or float modules of PyTorch) take on boards: latency, RAM, flash, by layer.

    ``models``: one or several. ``calibration``: data that are typical for the network's input, which float networks are
    quantised with to int8: an iterable of arrays or tensors of the input's shape, or the path of an ``.npz`` (array
    ``x``) or of a folder of ``.npy`` files. Without them float networks are built as they are, in float32; ``example``, an
    input of a module (or a tuple of its inputs) with a batch of one, states its shapes then.
    ``check`` random inputs are compared with a reference. ``data`` is a labelled set to run on the target. ``supply`` is
    how the board is supplied and used, for the energy of an inference and, with a duty cycle, of a day. ``cache`` keeps
    answers in the user's cache folder. ``jobs`` processes work at a time (one for each core; networks that come from no file
    run here). One question raises a McusimError where it has no answer; of several, those without are ``failures``.
    """
    wishes = Wishes(check, str(data), seed, supply)
    if calibration is not None and not isinstance(calibration, str | Path):
        calibration = list(calibration)
    known = [prepared(model, calibration, example) for model in ([models] if is_module(models) else _several(models, Network))]
    questions = [Question(m, b, options, wishes, samples) for m, samples in known for b in _several(board, Board)]
    if len(questions) == 1:
        return BenchReport((answered(questions[0], cache),))
    found: dict[int, Result | Failure] = {}
    for number, each in _all(questions, cache, jobs or os.cpu_count() or 1):
        found[number] = each
        if progress is not None:
            progress(len(found), len(questions))
    rows = [found[number] for number in range(len(questions))]
    return BenchReport(
        tuple(row for row in rows if isinstance(row, Result)), tuple(row for row in rows if isinstance(row, Failure))
    )


def answer(question: Question) -> Result:
    """The answer, worked out. The simulator is imported for it: what is in the cache shall be there at once."""
    from mcusim.bench.trial import answer as work_out

    return work_out(question)


def answered(question: Question, cache: bool = True) -> Result:
    """The answer, from the cache where it is there."""
    if not cache:
        return answer(question)
    kept = kept_answer(question)
    if kept is not None:
        return kept
    found = answer(question)
    keep_answer(question, found)
    return found


def attempted(question: Question, cache: bool) -> Result | Failure:
    """The answer, or why there is none."""
    try:
        return answered(question, cache)
    except McusimError as error:
        return Failure(question.model_name, question.board_name, str(error), error.exit_code)


def _all(questions: Sequence[Question], cache: bool, jobs: int) -> Iterator[tuple[int, Result | Failure]]:
    """Answers as they come, with the numbers of their questions."""
    away = [number for number, each in enumerate(questions) if each.portable] if jobs > 1 else []
    with processes(min(jobs, max(len(away), 1))) as pool:
        running = {pool.submit(attempted, questions[number], cache): number for number in away}
        for number in sorted(set(range(len(questions))) - set(away)):
            yield number, attempted(questions[number], cache)
        for future in as_completed(running):
            yield running[future], future.result()


@contextmanager
def processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """A pool that is ended with what it is at when an exception leaves the context: Ctrl-C waits for nothing."""
    others = set(active_children())
    pool = ProcessPoolExecutor(count, initializer=_begin)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        _end(each for each in active_children() if each not in others)
        raise
    pool.shutdown()


def _begin() -> None:
    """In a process of the pool: Ctrl-C is for the one that has begun it, which then asks this one to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, frame: object) -> None:
    """End, and clean up; what Python or a library says of being stopped in the middle is for nobody."""
    del number, frame
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    raise SystemExit(1)


def _end(children: Iterable[BaseProcess]) -> None:
    """Each is asked again and again, since it goes on with the next task where one was ended; in the end it is killed."""
    children, end = list(children), monotonic() + PATIENCE_SECONDS
    while any(each.is_alive() for each in children) and monotonic() < end:
        for each in children:
            each.terminate()
        for each in children:
            each.join(PATIENCE_SECONDS / 20)
    for each in children:
        each.kill()


def _several(given: object, single: type) -> Iterable:  # type: ignore[type-arg]
    return given if isinstance(given, Iterable) and not isinstance(given, str | Path | single) else [given]
