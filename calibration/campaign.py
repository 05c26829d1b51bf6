"""What is measured next until all is settled: the loop of ``mcusim calibrate``, over the events of its log.

Each decision depends on the events before it only, and is one itself: a campaign that is taken up again goes on as if it had
not been interrupted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from calibration.certainty import DOUBT, Target, choose, doubts_of, targets_of
from calibration.fit import minima
from calibration.links.dialogue import Answer
from calibration.microbenchmarks.board_model import BoardModel, Guess
from calibration.microbenchmarks.firmware import WARM_UPS
from calibration.microbenchmarks.model import Row, rows_of
from calibration.microbenchmarks.recovery import Recovered, best_guess, recover
from calibration.regression import Array, Problem, Solution
from calibration.session import Around, Chosen, Event, Measured, Session

RESAMPLES = 50
"""Of the bootstrap that the intervals come from."""
MOST_ROWS = 40
"""Measurements of one body: what these do not settle, more will not."""
CHECK_ROWS = 2
"""Measurements that every body has in the end, whether they settle anything or not: only what is measured can show a misfit."""
SHARE = 12
"""So many times all bodies are chosen one after the other; each time, the fit is looked at again."""
ANSWER_SECONDS, ROUND_SECONDS = 0.02, 0.006
"""What an answer takes on a serial line, and each of its rounds."""

Measure = Callable[[str, int], Answer]
Watch = Callable[["Campaign"], None]


@dataclass(frozen=True, eq=False)
class Linear:
    """Bodies as a fit sees them near a guess: a problem with a row of 0 cycles for each, and what rows can settle."""

    guess: Guess
    bodies: Problem
    targets: tuple[Target, ...]

    def problem(self, rows: Sequence[Row]) -> Problem:
        """The problem of these rows."""
        number = {name: place for place, name in enumerate(self.bodies.groups)}
        places = [number[row.body] for row in rows]
        return Problem(
            tuple(row.name for row in rows), tuple(row.body for row in rows), self.bodies.priors, self.bodies.counts[places],
            np.array([row.cycles for row in rows]) + self.bodies.values[places], np.array([row.sd for row in rows]),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class State:
    """The fit of what was measured so far, and the doubt that is left of each target."""

    linear: Linear
    best: Solution
    doubts: Array

    @cached_property
    def open(self) -> tuple[int, ...]:
        """Targets that are not settled."""
        return tuple(int(place) for place in np.flatnonzero(self.doubts >= DOUBT))

    @property
    def settled(self) -> int:
        return len(self.doubts) - len(self.open)


class Campaign:
    """Measurements of a board's bodies. ``measure`` asks the board; ``watch`` is called after each step.

    ``rounds`` are measured each time, ``budget`` measurements in all, 0 for as many as it takes.
    """

    def __init__(
        self, model: BoardModel, session: Session, *, hertz: int, noise: float, rounds: int = 1, budget: int = 0, seed: int = 0,
        check: bool = True,
    ) -> None:  # fmt: skip
        self.model, self.session = model, session
        self.hertz, self.noise, self.rounds, self.budget, self.seed = hertz, noise, rounds, budget, seed
        self.check = check
        self.around = model.table
        self._near: Linear | None = None
        self.seconds = self._seconds()
        self.rows: tuple[Row, ...] = ()
        self.turned = 0
        self.queue: list[str] = []
        self._recovered: Recovered | None = None
        self._best: tuple[int, Guess] | None = None
        for event in session.events:
            self._note(event)
        self.state = self._state()

    # --- the loop -------------------------------------------------------------------------------------------------------
    def run(self, measure: Measure, watch: Watch = lambda campaign: None) -> None:
        """Measure until all is settled and checked, or the budget is used up."""
        while not self.exhausted:
            if self.queue:
                answer = measure(self.queue[0], self.rounds)
                self._take(Measured(answer.body, answer.cycles, answer.checksum))
                watch(self)
                continue
            self.state = self._state()
            watch(self)
            if self._should_turn and self._turn(self._there()):
                continue
            chosen = self._choice()
            if chosen:
                self._take(Chosen(chosen))
            elif not self._turn(self.best):
                return

    @property
    def wants_more(self) -> bool:
        """Whether the board has to be asked."""
        return not self.exhausted and bool(self.queue or self._choice() or self._should_turn)

    @property
    def bodies_measured(self) -> int:
        return len({row.body for row in self.rows})

    @property
    def exhausted(self) -> bool:
        """Whether the budget is used up."""
        return bool(self.budget) and len(self.rows) >= self.budget

    @property
    def recovered(self) -> Recovered:
        """The fit of all that was measured."""
        if self._recovered is None or len(self._recovered.fit.problem.rows) < len(self.rows):
            self._recovered = recover(self.model, self.rows, seed=self.seed, resamples=RESAMPLES, best=self.best)
        return self._recovered

    @property
    def best(self) -> Guess:
        """What explains all that was measured best."""
        if self._best is None or self._best[0] < len(self.rows):
            self._best = len(self.rows), best_guess(self.model, self.rows)
        return self._best[1]

    # --- events ---------------------------------------------------------------------------------------------------------
    def _take(self, event: Event) -> None:
        self.session.append(event)
        self._note(event)

    def _note(self, event: Event) -> None:
        if isinstance(event, Measured):
            self.rows += self._rows_of(event)
            if self.queue and self.queue[0] == event.body:
                self.queue.pop(0)
        elif isinstance(event, Chosen):
            self.queue = list(event.bodies)
        elif isinstance(event, Around):
            self.around, self.turned = self.model.at(event.values), len(self.rows)

    def _rows_of(self, event: Measured) -> tuple[Row, ...]:
        before = sum(row.body == event.body for row in self.rows)
        rows = rows_of([{event.body: float(cycles)} for cycles in event.cycles], self.noise)
        return tuple(Row(f"{row.body}/{before + number}", row.body, row.cycles, row.sd) for number, row in enumerate(rows, 1))

    # --- decisions ------------------------------------------------------------------------------------------------------
    @property
    def _should_turn(self) -> bool:
        """Whether counts have to be looked at anew: all seems settled, or there is twice as much to go by."""
        return self.turned < len(self.rows) and (not self.state.open or len(self.rows) >= 2 * self.turned)

    def _there(self) -> Guess:
        """What the fit has found."""
        priors = self.linear.bodies.priors
        found = {prior.name: float(value) for prior, value in zip(priors, self.state.best.values, strict=True)}
        return self.model.at(found)

    def _turn(self, there: Guess) -> bool:
        """Take counts around another guess from now on; whether it is another, and rows came since the last time."""
        values, table = self.model.values(there), self.model.values(self.model.table)
        if self.turned == len(self.rows) or values == self.model.values(self.around):
            return False
        self._take(Around({name: value for name, value in values.items() if value != table[name]}))
        return True

    def _choice(self) -> tuple[str, ...]:
        """Bodies that settle what is open; then those that have not been measured often enough to be checked."""
        names = self.linear.bodies.groups
        often = Counter(row.body for row in self.rows)
        seconds = np.where([often[name] >= MOST_ROWS for name in names], np.inf, self.seconds)
        number = max(1, len(names) // SHARE)
        places = choose(self.state.best, self.linear.bodies, self.linear.targets, self.state.open, seconds, number)
        if places:
            return tuple(names[place] for place in places)
        return tuple(name for name in names if self.check and often[name] < CHECK_ROWS)

    # --- the fit --------------------------------------------------------------------------------------------------------
    @property
    def linear(self) -> Linear:
        """Bodies as they are near the guess that counts are taken around."""
        if self._near is None or self._near.guess is not self.around:
            self._near = self._linear(self.around)
        return self._near

    def _linear(self, guess: Guess) -> Linear:
        nothing = rows_of([{timed.body.name: 0.0 for timed in self.model.bodies}], self.noise)
        near = self.model.problem(nothing, guess)
        expected = self.model.cycles(guess).tolist()
        sds = np.array([row.sd for row in rows_of([dict(zip(near.groups, expected, strict=True))], self.noise)])
        bodies = Problem(near.rows, near.groups, near.priors, near.counts, near.values, sds)
        return Linear(guess, bodies, targets_of(bodies))

    def _seconds(self) -> Array:
        """What measuring each body takes."""
        cycles = 3 * (WARM_UPS + self.rounds) * self.model.cycles(self.model.table)
        seconds: Array = ANSWER_SECONDS + ROUND_SECONDS * self.rounds + np.maximum(cycles, 0) / self.hertz
        return seconds

    def _state(self) -> State:
        linear = self.linear
        if not self.rows:
            priors = linear.bodies
            nothing = Solution(priors.means, np.zeros(0), np.diag(priors.prior_sds**-2))
            return State(linear, nothing, np.ones(len(linear.targets)))
        problem = linear.problem(self.rows)
        _, best = minima(problem)
        return State(linear, best, doubts_of(problem, best, linear.targets))
