"""Plan: what a sweep is made of, as frozen data, and its points with the keys under which their results are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from experiments.deep_compression.data import Source
from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.heuristics import HEURISTICS, heuristic
from experiments.deep_compression.networks import Architecture
from experiments.deep_compression.pruning import check_attainable
from experiments.deep_compression.quantization import AFFINE, SYMMETRIC
from experiments.deep_compression.schedules import SCHEDULES
from experiments.deep_compression.training import Training


@dataclass(frozen=True, slots=True)
class Type:
    """How a network is deployed. ``scheme`` of quantisation, "" for none; ``aware``: trained with it.

    ``stored``: the type that kernels know it as, "" where there are none.
    """

    scheme: str
    aware: bool
    stored: str


FLOAT, INT8 = "float32", "int8"
TYPES = {
    FLOAT: Type("", False, FLOAT),
    INT8: Type(SYMMETRIC, False, INT8),
    "int8_qat": Type(SYMMETRIC, True, INT8),
    "uint8": Type(AFFINE, False, ""),
    "uint8_qat": Type(AFFINE, True, ""),
}
"""By name: as trained; symmetric weights, a scale for each channel; affine ones, a scale for each tensor, as in the paper."""

DENSE = "dense"
"""Stands where a heuristic does, for the network that is not pruned; ``small``: a smaller one that never was larger."""
SMALL = "small"

SPARSITIES = (0.5, 0.834, 0.9, 0.95, 0.96, 0.98, 0.9918, 0.995, 0.997, 0.999)
"""Of the paper's axis; those among them that its table of a Raspberry Pi Pico has."""

BESIDE = (
    "__init__.py", "__main__.py", "command.py", "devices.py", "errors.py", "figures.py", "paper.py", "report.py",
    "store.py", "summary.py", "sweep.py", "verdicts.py",
)  # fmt: skip
"""Sources that what a point is worth does not depend on."""


SYNTHETIC = Source()
LIKE_TEACHER = 0.8
"""Part of the loss of pruned networks that is to be like the dense one."""
ROUNDED = Training(100, 5e-5, patience=4)
"""With fake quantisation."""


@dataclass(frozen=True, slots=True)
class Regime:
    """How networks are trained.

    ``dense``: whole ones, and small ones that were never larger; ``fine``: pruned ones; ``healed``: those pruned by a gentle
    heuristic, which harms less and is mended with smaller steps; ``drawn``: those whose single weights go at random.
    ``hurried``: no patience with networks that go on from a spoilt one.
    """

    dense: Training
    fine: Training
    healed: Training
    drawn: Training
    hurried: bool = False

    def pruned(self) -> tuple[Training, Training, Training]:
        """All but dense ones."""
        return self.fine, self.healed, self.drawn

    def changed(self, dense_steps: int = 0, steps: int = 0, distilled: float | None = None) -> Regime:
        """With other numbers of steps, for dense and for pruned networks, or another part of the teacher; 0: as they are."""
        fine, healed, drawn = (
            replace(how, steps=steps or how.steps, distilled=how.distilled if distilled is None else distilled)
            for how in self.pruned()
        )
        dense = replace(self.dense, steps=dense_steps or self.dense.steps)
        return replace(self, dense=dense, fine=fine, healed=healed, drawn=drawn)


def _tuned(steps: int, rate: float, batch: int, patience: float = 1.0) -> Training:
    return Training(steps, rate, batch, LIKE_TEACHER, patience=patience)


LENET = Regime(
    Training(1800, 1.5e-3, patience=4), _tuned(150, 1e-3, 32, patience=16), _tuned(300, 2e-4, 32), _tuned(120, 6e-4, 32),
    hurried=True,
)
"""For a network with many more weights than it needs, which hardly misses the least of them."""
MENDED = _tuned(1400, 6e-4, 64, patience=4), _tuned(3500, 6e-4, 64), _tuned(2000, 6e-4, 64)
REGIMES = {
    "lenet": LENET,
    "resnet8": Regime(Training(12_000, 1.5e-3, patience=4), *MENDED),
    "ds_cnn": Regime(Training(6000, 1.5e-3, patience=4), *MENDED),
}
"""By network: small ones need all that they have, and more training."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A sweep of a network.

    ``sparsities``: parts of the parameters that are gone, ascending; each point goes on from the one before,
    with the schedule ``one_shot`` from the dense network.
    ``regime``: how networks are trained; ``aware``: with fake quantisation, those of the heuristics in ``aware_of``.
    ``prunings``: steps of the schedule from one point to the next.
    ``looked_at``: samples that heuristics see, and as many for ranges. ``small``: sparsities of which a dense network of that
    size is trained as well. ``costed``: of so many seeds the networks with single weights pruned are measured on boards, each
    by itself; those of other seeds have as many weights, and differ by what lies between them.
    """

    architecture: Architecture
    regime: Regime
    source: Source = SYNTHETIC
    heuristics: tuple[str, ...] = tuple(HEURISTICS)
    sparsities: tuple[float, ...] = SPARSITIES
    seeds: tuple[int, ...] = (0, 1, 2)
    types: tuple[str, ...] = (FLOAT, INT8, "int8_qat")
    aware_of: tuple[str, ...] = ("l1",)
    schedule: str = "agp"
    prunings: int = 3
    aware: Training = ROUNDED
    looked_at: int = 500
    small: tuple[float, ...] = (0.95,)
    costed: int = 1

    def check(self) -> None:
        """StudyError for what cannot be done."""
        if list(self.sparsities) != sorted(set(self.sparsities)):
            raise StudyError("sparsities have to ascend")
        for name in ("seeds", "heuristics", "types"):
            several = getattr(self, name)
            if not several or len(set(several)) < len(several):
                raise StudyError(f"{name} {', '.join(map(str, several)) or 'without any'}; allowed: one at least, each once")
        if min(self.seeds) < 0:
            raise StudyError(f"seed {min(self.seeds)}; allowed: 0 and above")
        if self.schedule not in SCHEDULES:
            raise StudyError(f"no schedule {self.schedule!r}; allowed: {', '.join(SCHEDULES)}")
        if wrong := [each for each in self.types if each not in TYPES]:
            raise StudyError(f"no type {wrong[0]!r}; allowed: {', '.join(TYPES)}")
        for how in (self.regime.dense, *self.regime.pruned(), self.aware):
            if how.steps < 0:
                raise StudyError(f"{how.steps} steps of training; allowed: 0 and more")
            if not 0 <= how.distilled <= 1:
                raise StudyError(f"{how.distilled} of the loss is the teacher's; allowed: 0 to 1")
        for name in (*self.heuristics, *self.aware_of):
            heuristic(name)
        for name in self.heuristics:
            for sparsity in self.sparsities:
                check_attainable(self.architecture, name, sparsity)
        for sparsity in self.small:
            check_attainable(self.architecture, "l1", sparsity)


def usual(architecture: Architecture) -> Plan:
    """The plan of a network, trained as is usual for it."""
    return Plan(architecture, REGIMES[architecture.network])


def usual_sparsities(architecture: Architecture, heuristics: Iterable[str]) -> tuple[float, ...]:
    """Those of the paper's axis that all heuristics can reach in a network: small ones have too many biases for the highest."""

    def reached(sparsity: float) -> bool:
        try:
            for name in heuristics:
                check_attainable(architecture, name, sparsity)
        except StudyError:
            return False
        return True

    return tuple(each for each in SPARSITIES if reached(each))


@dataclass(frozen=True, slots=True)
class Point:
    """A network of the sweep. ``path``: the sparsities that it was pruned to one after the other, the last one its own."""

    seed: int
    heuristic: str = DENSE
    path: tuple[float, ...] = ()

    @property
    def sparsity(self) -> float:
        """Part of the parameters that are gone."""
        return self.path[-1] if self.path else 0.0

    @property
    def before(self) -> float:
        """Sparsity of the network that it goes on from."""
        return self.path[-2] if len(self.path) > 1 else 0.0

    @property
    def parent(self) -> Point | None:
        """The point that it goes on from, None for the first one."""
        if self.heuristic == DENSE:
            return None
        return Point(self.seed) if len(self.path) == 1 else Point(self.seed, self.heuristic, self.path[:-1])


def points(plan: Plan) -> Iterator[Point]:
    """All points, each behind those that it needs. One that is pruned at once goes on from the dense network."""
    at_once = plan.schedule == "one_shot"
    for seed in plan.seeds:
        yield Point(seed)
        yield from (Point(seed, SMALL, (sparsity,)) for sparsity in plan.small)
        for name in plan.heuristics:
            for count in range(1, len(plan.sparsities) + 1):
                yield Point(seed, name, plan.sparsities[count - 1 if at_once else 0 : count])


def key_of(plan: Plan, point: Point) -> str:
    """Changes with all that a point's results depend on."""
    own = replace(plan, heuristics=(), sparsities=(), seeds=(), small=(), costed=0)
    if point.heuristic in (DENSE, SMALL):  # they are not pruned
        own = replace(own, regime=replace(LENET, dense=plan.regime.dense), schedule="", prunings=0)
    told = own, point, code_digest()
    return hashlib.sha256(repr(told).encode()).hexdigest()[:32]


@cache
def code_digest() -> str:
    """Of this package's sources, as far as results depend on them; not of mcusim's, which are to quantise as ever."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.name not in BESIDE:
            found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]
