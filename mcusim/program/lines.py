"""Source lines of addresses, from the DWARF line table, decoded when first asked for."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

LIMIT_BYTES = 64 << 20
"""Largest ``.debug_line`` that is decoded: about a minute of work; the largest firmware seen stays below 4 MiB."""


class _Row(NamedTuple):
    address: int
    file: str
    line: int


class LineTable:
    """Lines of one ELF file. ``problem`` says why there are none (``""`` when there are)."""

    def __init__(self, image: bytes, problem: str = "") -> None:
        self._image = image
        self._refusal = problem

    @classmethod
    def absent(cls) -> LineTable:
        """The table of a file without line information."""
        return cls(b"", "the file has no line information")

    @property
    def problem(self) -> str:
        """Why there are no lines; decodes the whole table if that has not been done."""
        return self._decoded[1]

    def line_at(self, address: int) -> tuple[str, int] | None:
        """File and line of ``address``, or ``None`` where the table has none.

        Only the compilation unit that .debug_aranges names for the address is decoded, all of them where it names none.
        """
        if self._refusal:
            return None
        return _find(self._unit_rows_at(address), address) or _find(self._decoded[0], address)

    def _unit_rows_at(self, address: int) -> list[_Row]:
        try:
            ranges = self._ranges
            unit = ranges.cu_offset_at_addr(address) if ranges is not None else None
            if unit is None:
                return []
            if unit not in self._units:
                self._units[unit] = _sorted(_unit_rows(self._dwarf, self._dwarf.get_CU_at(unit)))
            return self._units[unit]
        except Exception:  # pyelftools meets damage with about every exception there is; ``problem`` tells
            return []

    @cached_property
    def _units(self) -> dict[int, list[_Row]]:
        return {}

    @cached_property
    def _dwarf(self) -> Any:
        from elftools.elf.elffile import ELFFile

        return ELFFile(io.BytesIO(self._image)).get_dwarf_info(relocate_dwarf_sections=False, follow_links=False)

    @cached_property
    def _ranges(self) -> Any:
        return self._dwarf.get_aranges()

    @cached_property
    def _decoded(self) -> tuple[list[_Row], str]:
        if self._refusal:
            return [], self._refusal
        try:
            rows = _sorted(row for unit in self._dwarf.iter_CUs() for row in _unit_rows(self._dwarf, unit))
        except Exception as error:  # as above
            return [], f"the line information is damaged ({type(error).__name__}: {error})"
        return rows, "" if rows else "the file has no line information"


def _sorted(rows: Iterable[_Row]) -> list[_Row]:
    """Rows by address; the end of a sequence comes before the begin of the next one."""
    return sorted(rows, key=lambda row: (row.address, row.line != 0))


def _find(rows: list[_Row], address: int) -> tuple[str, int] | None:
    index = bisect_right(rows, address, key=lambda row: row.address) - 1
    if index < 0 or rows[index].line == 0:
        return None
    return rows[index].file, rows[index].line


def _unit_rows(dwarf: Any, unit: Any) -> Iterator[_Row]:
    """Rows of one unit; the end of each sequence becomes a row of line 0, so that gaps have no line.

    Sequences that begin at address 0 are functions that the linker dropped: no code lies where the vector table is.
    """
    program = dwarf.line_program_for_CU(unit)
    if program is None:
        return
    names = _file_names(program)
    sequence: list[_Row] = []
    for entry in program.get_entries():
        state = entry.state
        if state is None:
            continue
        if not state.end_sequence:
            sequence.append(_Row(state.address, names.get(state.file, "?"), state.line))
            continue
        if sequence and sequence[0].address:
            yield from sequence
            yield _Row(state.address, "", 0)
        sequence = []


def _file_names(program: Any) -> dict[int, str]:
    """File number to name: numbers begin at 1 up to DWARF 4 and at 0 from DWARF 5 (DWARF 5, 6.2.4)."""
    first = 0 if program["version"] >= 5 else 1
    return {number: _text(entry.name) for number, entry in enumerate(program["file_entry"], first)}


def _text(name: bytes | str) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
