"""training: models of boards from datasets, those of ideal cores first, since what they know of a core the others build on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from pathlib import Path

import numpy as np

from cost_models.accuracy import Errors
from cost_models.adapt import adapted
from cost_models.errors import CostModelError
from cost_models.evaluate import accuracy, held, known_to, seconds_of, told, without
from cost_models.files import Training
from cost_models.linear import Linear
from cost_models.model import LearningModel
from cost_models.shipped import class_of
from cost_models.store import Examples, opened
from mcusim import boards

MEASUREMENTS = 10
"""As many networks are measured on a board that is left out."""

SHARE = 3
"""One network in so many is asked about then; the others are seen on other boards, and some measured."""

NOBODY: frozenset[str] = frozenset()


def gathered(paths: Sequence[str | Path]) -> Mapping[str, Examples]:
    """Examples of all boards in some datasets, those of ideal cores first.

    CostModelError for a board that is in two, and for a dataset without networks.
    """
    found: dict[str, Examples] = {}
    for path in paths:
        with opened(path, written=False) as store:
            if not store.boards():
                raise CostModelError(f"{path}: no networks; 'mcusim dataset {path} --board NAME' adds some")
            for board in store.boards():
                if board in found:
                    raise CostModelError(f"{path}: networks of {board}, which an earlier dataset has too; allowed: one")
                found[board] = store.examples(board)
    return dict(sorted(found.items(), key=lambda item: (not boards.load(item[0]).ideal, item[0])))


class Trainer:
    """Fits models of boards to ``data``, examples by board. What was fitted once is kept."""

    def __init__(self, data: Mapping[str, Examples]) -> None:
        self.data = data
        self._kept: dict[tuple[str, str, AbstractSet[str]], LearningModel] = {}

    def fitted(self, board: str, model: str, unseen: AbstractSet[str] = NOBODY) -> LearningModel:
        """A model of a board that has not seen the networks of some names, neither there nor on the ideal core."""
        key = board, model, frozenset(unseen)
        if key not in self._kept:
            self._kept[key] = self._fitted(*key)
        return self._kept[key]

    def _fitted(self, board: str, model: str, unseen: AbstractSet[str]) -> LearningModel:
        core, made = boards.load(board).core, class_of(model)()
        if isinstance(made, Linear) and core != board and core in self.data:
            made.set_params(prior=self.fitted(core, model, unseen))
        examples = without(self.data[board], unseen)
        return made.fit(examples.layers, examples.costs)

    def trained(self, board: str, model: str) -> tuple[LearningModel, Training]:
        """A model that has learnt from all networks, and what is known of it: errors are those of models that had not."""
        examples = self.data[board]
        training = Training(
            examples.costs.dsp, examples.digest, len(examples.layers), len(examples.layers.table),
            accuracy(partial(self.fitted, board, model), examples), dict(Counter(examples.families)),
        )  # fmt: skip
        return self.fitted(board, model), training

    def without_board(self, board: str) -> Mapping[str, Errors]:
        """Errors of latencies of a linear model of other boards of the core, adapted by MEASUREMENTS of this one.

        On the networks held out, which none of them has seen. None where there is no other board, or too few networks.
        """
        examples, core = self.data[board], boards.load(board).core
        others = [name for name in self.data if name != board and boards.load(name).core == core]
        asked = held(examples, 0, SHARE)
        unseen = frozenset(asked.layers.names)
        known = [model for name in others if isinstance(model := self.fitted(name, "linear", unseen), Linear)]
        if not known:
            return {}
        measured = known_to(known[0], without(examples, unseen))
        places = np.linspace(0, len(measured.layers) - 1, MEASUREMENTS).astype(int)
        measured = measured.selected(sorted(set(places.tolist())))
        model = adapted(board, examples.costs.clock_hertz, measured.layers, seconds_of(measured).tolist(), known)
        return {name: errors for name, errors in told(model, asked).errors().items() if name == "latency"}
