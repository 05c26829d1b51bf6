"""Verdicts: what the paper claims, each held against the results, as reproduced, surpassed, not reproduced, or unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.deep_compression.data import ENOUGH
from experiments.deep_compression.heuristics import ELEMENT_WISE, HEURISTICS, STRUCTURED
from experiments.deep_compression.paper import DOUBT, FLASH_BYTES_PER_NONZERO, PICO
from experiments.deep_compression.summary import Chosen, Summary

REPRODUCED, SURPASSED, NOT, UNKNOWN = "reproduced", "surpassed", "not reproduced", "unknown"

LOSSLESS, QUANTISED = 0.005, 0.01
"""Of accuracy: a loss that is none; and one that quantisation may cost."""
CLAIMED, SMALL = 0.10, 0.05
"""Sizes at which nothing should be lost: the paper's, and the one that surpasses it."""
KNEE_STRUCTURED, KNEE_ELEMENT_WISE = 0.01, 0.05
"""Sizes down to which the paper's networks keep 99 % of their accuracy."""
KEPT = 0.99
PAPER_RATIO, WHOLE_RATIO, UNSTRUCTURED_RATIO = 7.3, 100.0, 3.0
"""Of latencies on a Raspberry Pi Pico: float to uint8 at 83.4 %, float at 83.4 % to uint8 at 99.7 %, and the most that single
weights bring from 95 to 98 %."""
RATIO_DOUBT = 0.3
"""Relative, of ratios between types: other kernels than the paper's."""
PICO_BOARD = "raspberry-pi-pico"
TYPICAL = {STRUCTURED: "l1", ELEMENT_WISE: "level"}
"""The heuristic that stands for its strategy where costs are compared: as the paper draws them, and the best of ours."""
LENET = "lenet"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``row``: the claim's number; ``figures``: what was found."""

    row: str
    claim: str
    verdict: str
    figures: str


def verdicts(all_of: Chosen) -> tuple[Verdict, ...]:
    """Of all claims."""
    return tuple(verdict for claim in CLAIMS for verdict in claim(all_of))


def _verdict(row: str, claim: str, held: bool | None, figures: str, beyond: bool = False) -> Verdict:
    told = UNKNOWN if held is None else NOT if not held else SURPASSED if beyond else REPRODUCED
    return Verdict(row, claim, told, figures)


def loss(each: Summary) -> float:
    """Of accuracy, in parts of 1."""
    return -each.difference


def knee(several: Chosen) -> Summary | None:
    """The smallest network from which on upwards all keep KEPT of the accuracy."""
    found = None
    for each in sorted(several, key=lambda one: -one.size):
        if each.relative < KEPT:
            break
        found = each
    return found


def lossless(several: Chosen) -> Summary | None:
    """The smallest of those that lose nothing worth the name, and were asked about enough samples to say so."""
    found = (each for each in several if loss(each) <= LOSSLESS and each.test_samples >= ENOUGH)
    return min(found, key=lambda each: each.size, default=None)


def _of_lenet(all_of: Chosen, kind: str = "float32") -> Chosen:
    return all_of.where(network=LENET, type=kind).once()


def pruning(all_of: Chosen) -> Iterator[Verdict]:
    """2A: how far pruning goes."""
    floats = _of_lenet(all_of)
    l1, level, random = (floats.where(heuristic=name) for name in ("l1", "level", "random"))
    tenth = [each.at(1 - CLAIMED) for each in (l1, level)]
    if any(each is None for each in tenth):
        yield _verdict("2A", f"no loss at {CLAIMED:.0%} of the parameters, L1 and Level", None, "no such rows")
    else:
        least = [lossless(several) for several in (l1, level)]
        told = ", ".join(
            f"{name}: {_points(each)} at {each.size:.1%}, no loss down to {best.size if best else 1:.2%}"
            for name, each, best in zip(("L1", "Level"), tenth, least, strict=True) if each is not None
        )  # fmt: skip
        lost = max(loss(each) for each in tenth if each is not None)
        beyond = any(each is not None and each.size <= SMALL for each in least)
        held = lost <= LOSSLESS if all(each is not None and each.test_samples >= ENOUGH for each in tenth) else None
        yield _verdict("2A", f"no loss at {CLAIMED:.0%} of the parameters, L1 and Level", held, told, beyond)
    for name, several, limit in (("structured (L1)", l1, KNEE_STRUCTURED), ("element-wise (Level)", level, KNEE_ELEMENT_WISE)):
        found = knee(several)
        told = f"{KEPT:.0%} of the accuracy down to {found.size:.2%}" if found else "no row keeps it"
        beyond = found is not None and found.size <= limit / 2
        held = None if not len(several) else found is not None and found.size <= limit
        yield _verdict("2A", f"knee, {name}: at {limit:.0%} or below", held, told, beyond)
    ends = [each for each in (l1.at(0.999), random.at(0.999)) if each is not None]
    told = ", ".join(f"{each.heuristic} {each.accuracy:.1%}" for each in ends)
    held = None if len(ends) < 2 else ends[0].accuracy >= ends[1].accuracy
    yield _verdict("2A", "L1 is as good as Random at 0.1 %, or better", held, told)


def _points(each: Summary) -> str:
    low, high = 100 * each.difference_low, 100 * each.difference_high
    worst = f"; the worst of {each.seeds} seeds {100 * each.worst:+.2f}" if each.seeds > 1 else ""
    return f"{100 * each.difference:+.2f} points ({low:+.2f} to {high:+.2f}{worst})"


def networks(all_of: Chosen) -> Iterator[Verdict]:
    """2B: the same of other networks."""
    others = [name for name in all_of.values("network") if name != LENET]
    for name in others:
        floats = all_of.where(network=name, type="float32", heuristic=tuple(HEURISTICS)).once()
        found = lossless(floats)
        told = f"no loss down to {found.size:.1%} ({found.heuristic}, {_points(found)})" if found else "every network loses"
        held = found is not None and found.size < CLAIMED
        yield _verdict("2B", f"{name}: below {CLAIMED:.0%} before quality drops", held, told)
    if not others:
        yield _verdict("2B", "two further architectures", None, "no such rows")


def quantisation(all_of: Chosen) -> Iterator[Verdict]:
    """2C: quantising after training and while training."""
    drops = {name: _drops(all_of, name) for name in ("int8", "int8_qat")}
    large = {name: [drop for size, drop in each if size >= 0.03] for name, each in drops.items()}
    claim = f"both lose at most {100 * QUANTISED:.0f} point at 3 % of the size and above"
    if not all(large.values()):
        yield _verdict("2C", claim, None, "no such rows")
        return
    told = ", ".join(f"{name} at most {100 * max(each):.2f} points of {len(each)} networks" for name, each in large.items())
    yield _verdict("2C", claim, max(map(max, large.values())) <= QUANTISED, told)
    aware = tuple({each.heuristic for each in _of_lenet(all_of, "int8_qat")})
    drops = {name: _drops(all_of.where(heuristic=aware), name) for name in drops}
    small = {name: [drop for size, drop in each if 0.003 <= size <= 0.02] for name, each in drops.items()}
    claim = "trained so is no worse than afterwards at 0.3 to 2 %"
    if not all(small.values()):
        yield _verdict("2C", claim, None, "no such rows")
        return
    means = {name: 100 * float(np.mean(each)) for name, each in small.items()}
    told = ", ".join(f"{name} {value:+.2f} points lost" for name, value in means.items())
    yield _verdict("2C", claim, means["int8_qat"] <= means["int8"], told)


def _drops(all_of: Chosen, kind: str) -> list[tuple[float, float]]:
    """Size of each float network, and what it loses by being quantised. Whoever trains while quantising trains longer, too."""
    floats = {(each.heuristic, each.sparsity): each for each in _of_lenet(all_of)}
    return [
        (floats[each.heuristic, each.sparsity].size, floats[each.heuristic, each.sparsity].accuracy - each.accuracy)
        for each in _of_lenet(all_of, kind)
        if (each.heuristic, each.sparsity) in floats
    ]


def memory(all_of: Chosen) -> Iterator[Verdict]:
    """2D: what weights take."""
    lenet = all_of.where(network=LENET)
    for kind, each_bytes in (("float32", 4.0), ("int8", 1.0)):
        several = lenet.where(type=kind, heuristic=TYPICAL[STRUCTURED]).known("flash_bytes")
        slope, spread = _slope(several, "parameters")
        held = None if slope is None else abs(slope / each_bytes - 1) <= DOUBT
        told = "no such rows" if slope is None else f"{slope:.2f} bytes a parameter, off a line by {spread:.1%} at most"
        yield _verdict("2D", f"flash of structured {kind} grows with parameters", held, told)
    for kind, paper in FLASH_BYTES_PER_NONZERO.items():
        sparse = lenet.where(type=kind, heuristic=TYPICAL[ELEMENT_WISE]).known("flash_bytes")
        slope, _ = _slope(Chosen([each for each in sparse if each.sparsity >= 0.9]), "nonzeros")
        held = None if slope is None else slope <= paper * (1 + DOUBT)
        told = "no such rows" if slope is None else f"{slope:.2f} bytes"
        beyond = slope is not None and slope < paper * (1 - DOUBT)
        yield _verdict("2D", f"a weight that is not 0 takes {paper:.0f} bytes in {kind}", held, told, beyond)
    sparse = lenet.where(type="int8", heuristic=TYPICAL[ELEMENT_WISE], board=PICO_BOARD).known("ram_bytes")
    rams = [each.ram_bytes for each in sparse]
    told = f"{min(rams) / 1024:.1f} to {max(rams) / 1024:.1f} KiB" if rams else "no such rows"
    yield _verdict("2D", "RAM does not change with single weights", None if not rams else max(rams) <= 1.1 * min(rams), told)


def _slope(several: Chosen, against: str) -> tuple[float | None, float]:
    """Bytes for each of ``against``, by least squares of relative errors, and the largest relative error; one board's rows."""
    boards = several.values("board")
    rows = several.where(board=boards[0]) if boards else several
    if len({getattr(each, against) for each in rows}) < 3:
        return None, 0.0
    x = np.array([[getattr(each, against), 1.0] for each in rows])
    y = np.array([each.flash_bytes for each in rows])
    found = np.linalg.lstsq(x / y[:, None], np.ones(len(y)), rcond=None)[0]
    return float(found[0]), float(np.abs(x @ found / y - 1).max())


def pico(all_of: Chosen) -> Iterator[Verdict]:
    """2E: ratios of latencies on a core without multiply-accumulate or floating point."""
    rows = all_of.where(network=LENET, board=PICO_BOARD, heuristic=tuple(TYPICAL.values())).known("latency_seconds")

    def latency(strategy: str, kind: str, sparsity: float) -> float | None:
        found = rows.where(strategy=strategy, type=kind).at(sparsity)
        return None if found is None else found.latency_seconds

    first, last = latency(STRUCTURED, "float32", 0.834), latency(STRUCTURED, "int8", 0.997)
    ratio = _ratio(first, latency(STRUCTURED, "int8", 0.834))
    yield _verdict(
        "2E", f"float takes {PAPER_RATIO} times as long as 8 bits at 83.4 %",
        None if ratio is None else ratio >= PAPER_RATIO * (1 - RATIO_DOUBT), _times(ratio),
        ratio is not None and ratio > PAPER_RATIO * (1 + RATIO_DOUBT),
    )  # fmt: skip
    ratio = _ratio(first, last)
    held = None if ratio is None else ratio >= WHOLE_RATIO
    end = rows.where(strategy=STRUCTURED, type="int8").at(0.997)
    left = "" if ratio is None or end is None else f", with {end.accuracy:.1%} of accuracy left"
    yield _verdict("2E", "from float at 83.4 % to 8 bits at 99.7 %: 100 times", held, _times(ratio) + left)
    ratio = _ratio(latency(ELEMENT_WISE, "int8", 0.95), latency(ELEMENT_WISE, "int8", 0.98))
    yield _verdict(
        "2E", "single weights bring less than 3 times from 95 to 98 %",
        None if ratio is None else ratio < UNSTRUCTURED_RATIO, _times(ratio),
    )  # fmt: skip
    pairs = [(latency(STRUCTURED, "int8", s), latency(ELEMENT_WISE, "int8", s)) for s in (0.95, 0.98)]
    ratios = [found for one, two in pairs if (found := _ratio(two, one)) is not None]
    yield _verdict(
        "2E", "structured is faster than element-wise at as many weights", None if not ratios else min(ratios) > 1,
        ", ".join(map(_times, ratios)),
    )  # fmt: skip


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other is not None else None


def _times(ratio: float | None) -> str:
    return "no such rows" if ratio is None else f"{ratio:.2f} times"


def energy(all_of: Chosen) -> Iterator[Verdict]:
    """2F: energies of the paper's rows, once the paper's latency takes the place of ours."""
    rows = all_of.where(network=LENET, board=PICO_BOARD, heuristic=tuple(TYPICAL.values())).known("energy_joules")
    errors = []
    for figure in PICO:
        found = rows.where(strategy=figure.strategy, type=figure.type).at(figure.sparsity)
        if found is not None:
            errors.append(found.energy_joules / found.latency_seconds * figure.latency_seconds / figure.energy_joules - 1)
    told = f"{len(errors)} rows, {100 * min(errors):+.1f} to {100 * max(errors):+.1f} %" if errors else "no such rows"
    held = None if not errors else max(map(abs, errors)) <= DOUBT
    yield _verdict("2F", "energies within 10 % once latency is matched", held, told)


CLAIMS: Sequence[Callable[[Chosen], Iterator[Verdict]]] = (pruning, networks, quantisation, memory, pico, energy)


def best_points(all_of: Chosen, count: int = 3) -> dict[tuple[str, str, str], list[Summary]]:
    """The fastest networks that lose nothing worth the name, by network, data and board; of those as fast, the best."""
    found: dict[tuple[str, str, str], dict[float, Summary]] = {}
    for each in sorted(all_of.where(fits=True).known("latency_seconds"), key=lambda one: (one.latency_seconds, loss(one))):
        if loss(each) <= LOSSLESS and each.test_samples >= ENOUGH:
            found.setdefault((each.network, each.data, each.board), {}).setdefault(each.latency_seconds, each)
    return {key: list(several.values())[:count] for key, several in found.items()}
