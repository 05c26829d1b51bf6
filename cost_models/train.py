"""``python -m cost_models.train DATASET --board NAME``: models fitted and held against networks that they have not seen.

With ``--ship`` they are written to where ``cost_models.load`` finds them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

import numpy as np

from cost_models.estimates import Estimate
from cost_models.files import Training, write
from cost_models.model import WIDEN, LearningModel
from cost_models.shipped import LEARNING, class_of, file_of
from cost_models.store import Examples, opened

USUAL = ("analytic", "linear")
"""Models that are trained where none are named."""

HELD_OUT = 5
"""Every fifth network is held out."""


def split(examples: Examples) -> tuple[Examples, Examples]:
    """Networks to learn from, and those held out; by network, never by layer."""
    numbers = range(len(examples.layers))
    return (
        examples.selected([n for n in numbers if n % HELD_OUT]), examples.selected([n for n in numbers if not n % HELD_OUT])
    )  # fmt: skip


def known_to(model: LearningModel, examples: Examples) -> Examples:
    """The networks of which the model knows all layers."""
    known = model.learnt.layers.price(examples.layers.table).known
    return examples.selected(np.flatnonzero(examples.layers.per_network(~known) == 0).tolist())


def errors_of(model: LearningModel, held: Examples) -> dict[str, float]:
    """Relative errors of networks: median, parts within 5 and 10 %, coverage of 90 % intervals, rank correlation."""
    held = known_to(model, held)
    estimates = model.predict(held.layers, outside=WIDEN)
    costs = held.costs
    seconds = held.layers.per_network(costs.cycles) / costs.clock_hertz
    found = {"networks": float(len(held.layers)), **_errors("latency", estimates.latency_seconds, seconds)}
    if estimates.energy_joules is not None:
        found |= _errors("energy", estimates.energy_joules, held.layers.per_network(costs.joules))
    found |= _errors("ram", estimates.ram_bytes, costs.ram_bytes)
    found |= _errors("flash", estimates.flash_bytes, costs.flash_bytes)
    return found


def _errors(what: str, estimate: Estimate, met: np.ndarray) -> dict[str, float]:
    errors = np.abs(estimate.values / met - 1)
    low, high = estimate.interval(0.9)
    return {
        f"{what}_median_error": float(np.median(errors)),
        f"{what}_within_5_percent": float((errors <= 0.05).mean()),
        f"{what}_within_10_percent": float((errors <= 0.10).mean()),
        f"{what}_interval_90_covers": float(((low <= met) & (met <= high)).mean()),
        f"{what}_kendall_tau": kendall_tau(estimate.values, met),
    }


def kendall_tau(left: np.ndarray, right: np.ndarray) -> float:
    """Kendall's tau-a: how often two orders agree about a pair, less how often they do not."""
    signs = np.sign(left[:, None] - left) * np.sign(right[:, None] - right)
    pairs = len(left) * (len(left) - 1)
    return float(signs.sum() / pairs) if pairs else 1.0


def trained(name: str, examples: Examples) -> tuple[LearningModel, Mapping[str, float]]:
    """A model that has learnt from all networks, and the errors of one that had not seen those held out."""
    learning, held = split(examples)
    errors = errors_of(class_of(name)().fit(learning.layers, learning.costs), held)
    return class_of(name)().fit(examples.layers, examples.costs), errors


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and tell."""
    parser = argparse.ArgumentParser(prog="python -m cost_models.train", description=__doc__)
    parser.add_argument("dataset", help="SQLite file of 'mcusim dataset'")
    parser.add_argument("--board", required=True)
    parser.add_argument("--ship", action="store_true", help="write the models into the package")
    parser.add_argument("--model", action="append", choices=LEARNING, help="may be repeated; without, analytic and linear")
    given = parser.parse_args(arguments)
    with opened(given.dataset) as store:
        examples = store.examples(given.board)
    for name in given.model or USUAL:
        model, errors = trained(name, examples)
        sys.stdout.write(f"{given.board}, {name}:\n" + "".join(f"  {key:<30}{value:8.4f}\n" for key, value in errors.items()))
        if given.ship:
            path = file_of(given.board, name)
            path.parent.mkdir(exist_ok=True)
            write(path, model, Training(examples.costs.dsp, examples.digest, len(examples.layers), len(examples.layers.table), errors))
    return 0


if __name__ == "__main__":
    sys.exit(main())
