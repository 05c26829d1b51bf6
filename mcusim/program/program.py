"""A program as data: what is loaded where, its names, and where it starts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from mcusim.program.lines import LineTable
from mcusim.program.lookup import Span, flatten


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes that a flash programmer or debugger puts at ``address`` before reset.

    ``virtual_address`` is where the program expects them when it runs; it differs from ``address`` for initialised data
    that the start-up code copies to RAM. ``memory_size`` >= ``len(data)``; the rest is zeroed by the start-up code, and
    where it lies the sections tell (armlink counts RAM in the segment of its load region). Nothing is loaded for a
    segment without ``data``.
    """

    address: int
    virtual_address: int
    data: bytes
    memory_size: int
    writable: bool
    executable: bool

    @property
    def end(self) -> int:
        """Address just behind the last loaded byte."""
        return self.address + len(self.data)


@dataclass(frozen=True, slots=True)
class Section:
    """A named part of the program that occupies memory.

    ``kind`` is ``"code"``, ``"rodata"``, ``"data"``, ``"bss"``, ``"stack"`` or ``"heap"``. ``load_address`` is where
    its bytes lie before reset (equal to ``address`` where nothing is copied).
    """

    name: str
    address: int
    load_address: int
    size: int
    kind: str

    @property
    def end(self) -> int:
        """Address just behind the section."""
        return self.address + self.size


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name in the program. ``kind`` is ``"function"``, ``"object"`` or ``"label"``; the Thumb bit is cleared.

    ``size`` is 0 where the assembler or compiler gave none. ``binding`` is ``"global"``, ``"local"`` or ``"weak"``.
    ``absolute`` tells a number of the linker script that is no place in a section (``_Min_Stack_Size``).
    """

    name: str
    address: int
    size: int
    kind: str
    binding: str = "global"
    absolute: bool = False


@dataclass(frozen=True, slots=True)
class VectorTable:
    """The table that the core reads at reset. ``reset`` keeps its Thumb bit; ``found_by`` says how it was found."""

    address: int
    stack_pointer: int
    reset: int
    found_by: str


@dataclass(frozen=True)
class Program:
    """A loaded image. Addresses are those of the bus; ``entry`` has its Thumb bit cleared.

    ``format`` is ``"elf"``, ``"hex"`` or ``"raw"``. ``stack_pointer`` is the initial MSP from the vector table, or
    ``None`` where there is none (then the program starts at ``entry`` and sets its own). ``mapping`` lists the mapping
    symbols of the Arm ABI as (address, ``"t"`` | ``"d"`` | ``"a"``), sorted. ``content_hash`` is the SHA-256 of the
    file and of what was said about loading it, in hexadecimal.
    """

    path: str
    format: str
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    entry: int
    vector_table: VectorTable | None
    content_hash: str
    mapping: tuple[tuple[int, str], ...] = ()
    lines: LineTable = field(default_factory=LineTable.absent, repr=False, compare=False)

    @property
    def stack_pointer(self) -> int | None:
        """Initial MSP, or ``None`` without a vector table."""
        return self.vector_table.stack_pointer & ~3 if self.vector_table else None

    def symbol_at(self, address: int) -> tuple[Symbol, int] | None:
        """The function, object or code label that covers ``address``, and the offset into it.

        Where they nest, the innermost. A symbol without size reaches to the next symbol or the end of its section.
        """
        starts, ends, symbols = self._spans
        index = bisect_right(starts, address) - 1
        if index < 0 or address >= ends[index]:
            return None
        return symbols[index], address - symbols[index].address

    def symbols_named(self, name: str) -> tuple[Symbol, ...]:
        """All symbols of that name, in order of address; empty where there is none."""
        return self._by_name.get(name, ())

    def section_at(self, address: int) -> Section | None:
        """The section that occupies ``address`` when the program runs."""
        return next((section for section in self.sections if section.address <= address < section.end), None)

    def is_data(self, address: int) -> bool:
        """Whether a mapping symbol ($d) marks ``address`` as data inside code (a literal pool, a jump table)."""
        index = bisect_right(self.mapping, (address, "~")) - 1
        return index >= 0 and self.mapping[index][1] == "d"

    def line_at(self, address: int) -> tuple[str, int] | None:
        """Source file and line of the instruction at ``address``, or ``None`` without usable line information.

        The line table is decoded when it is asked. What kept it from being used stands in ``lines.problem``.
        """
        return self.lines.line_at(address)

    def read(self, address: int, size: int) -> bytes:
        """Up to ``size`` loaded bytes from ``address`` (load addresses); shorter where the image ends."""
        for segment in self.segments:
            if segment.address <= address < segment.end:
                return segment.data[address - segment.address : address - segment.address + size]
        return b""

    def contains(self, address: int) -> bool:
        """Whether a loaded byte lies at ``address``, at its load or its virtual address."""
        return any(
            start <= address < start + len(segment.data)
            for segment in self.segments
            for start in (segment.address, segment.virtual_address)
        )

    @cached_property
    def _by_name(self) -> Mapping[str, tuple[Symbol, ...]]:
        names: dict[str, list[Symbol]] = {}
        for symbol in self.symbols:
            names.setdefault(symbol.name, []).append(symbol)
        return {name: tuple(symbols) for name, symbols in names.items()}

    @cached_property
    def _spans(self) -> tuple[list[int], list[int], list[Symbol]]:
        spans = flatten(_sized_spans(self.symbols))
        spans = flatten([*spans, *_open_spans(self.symbols, self.sections, spans)])
        return [span.start for span in spans], [span.end for span in spans], [span.value for span in spans]


_PREFERENCE = {"function": 0, "object": 1, "label": 2, "global": 0, "local": 1, "weak": 2}
"""Which of several names at one address is shown: ``Default_Handler``, not one of its eighty weak aliases."""


def _rank(symbol: Symbol) -> tuple[int, int, int, str]:
    underscores = len(symbol.name) - len(symbol.name.lstrip("_"))
    return _PREFERENCE[symbol.kind], _PREFERENCE[symbol.binding], underscores, symbol.name


def _sized_spans(symbols: tuple[Symbol, ...]) -> list[Span[Symbol]]:
    best: dict[tuple[int, int], Symbol] = {}
    for symbol in symbols:
        if symbol.size and symbol.kind != "label" and not symbol.absolute:
            key = symbol.address, symbol.size
            if key not in best or _rank(symbol) < _rank(best[key]):
                best[key] = symbol
    return [Span(address, address + size, symbol) for (address, size), symbol in best.items()]


def _open_spans(
    symbols: tuple[Symbol, ...], sections: tuple[Section, ...], taken: list[Span[Symbol]]
) -> list[Span[Symbol]]:
    """Spans of symbols without a size: assembly functions and labels in code, each up to whatever begins next."""
    taken_starts = [span.start for span in taken]
    best: dict[int, Symbol] = {}
    for symbol in symbols:
        if symbol.size or symbol.absolute or symbol.kind == "object":
            continue
        index = bisect_right(taken_starts, symbol.address) - 1
        if index >= 0 and symbol.address < taken[index].end:
            continue
        if symbol.address not in best or _rank(symbol) < _rank(best[symbol.address]):
            best[symbol.address] = symbol
    code = sorted((section.address, section.end) for section in sections if section.kind == "code")
    code_starts = [start for start, _ in code]
    limits = sorted({*best, *taken_starts})
    spans = []
    for address, symbol in best.items():
        index = bisect_right(code_starts, address) - 1
        end = code[index][1] if index >= 0 else 0
        following = bisect_right(limits, address)
        end = min(end, limits[following]) if following < len(limits) else end
        if end > address:
            spans.append(Span(address, end, symbol))
    return spans
