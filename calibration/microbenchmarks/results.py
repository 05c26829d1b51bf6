"""What the microbenchmark firmware prints, read back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mcusim.errors import McusimError

_MARK = re.compile(r"#mark (\S+):([12])n (\d+) (\d+)\s*")
_ENERGY = re.compile(r"#mark energy\.(\S+) (\d+) (\d+)\s*")
_CHECKSUM = re.compile(r"#checksum (?:0x)?([0-9a-fA-F]{1,8}) (\d+) (\d+)\s*")


class ResultError(McusimError):
    """Output that is not that of a whole and sound run of the microbenchmarks."""


@dataclass(frozen=True, slots=True)
class Results:
    """Cycles by body that n more copies took, of each round; turns and cycles of each energy loop; checksum of the results."""

    rounds: tuple[Mapping[str, int], ...]
    energy: Mapping[str, tuple[int, int]]
    checksum: int


def read(text: str, checksum: int | None = None) -> Results:
    """Results printed by a run, other lines between them ignored.

    Raises ResultError, with the line, for marks that do not come in pairs, output that ends early, a board whose self-check
    failed, or another checksum than the one given (that of the same ELF in the simulator).
    """
    rounds: list[dict[str, int]] = []
    energy: dict[str, tuple[int, int]] = {}
    single: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if found := _MARK.fullmatch(line):
            _note(rounds, single, number, found)
        elif found := _ENERGY.fullmatch(line):
            energy[found[1]] = int(found[2]), int(found[3])
        elif found := _CHECKSUM.fullmatch(line):
            return Results(tuple(rounds), energy, _checked(number, found, rounds, single, checksum))
        elif line.startswith(("#mark", "#checksum")):
            raise ResultError(f"line {number}: {line[:80]!r} is damaged")
    raise ResultError("the output ends without its line #checksum: the run was cut off")


Cycles = dict[str, int]


def _note(rounds: list[Cycles], single: Cycles, number: int, found: re.Match[str]) -> None:
    name, copies, times, cycles = found[1], found[2], int(found[3]), int(found[4])
    if (copies == "1") == (name in single) or times != 1:
        raise ResultError(f"line {number}: mark {name}:{copies}n out of turn: a line is missing or doubled")
    if copies == "1":
        single[name] = cycles
        return
    if not rounds or name in rounds[-1]:
        rounds.append({})
    rounds[-1][name] = cycles - single.pop(name)


def _checked(number: int, found: re.Match[str], rounds: list[Cycles], single: Cycles, wanted: int | None) -> int:
    value, functions, wrong = int(found[1], 16), int(found[2]), int(found[3])
    bodies = len({name for one in rounds for name in one})
    if single or 2 * bodies != functions:
        raise ResultError(f"line {number}: {functions} functions were run, but marks of {2 * bodies} are here")
    if wrong:
        raise ResultError(f"line {number}: {wrong} results differed from round to round: the board computes wrongly")
    if wanted is not None and value != wanted:
        raise ResultError(f"line {number}: checksum {value:08x} instead of {wanted:08x}: another firmware, or wrong results")
    return value
