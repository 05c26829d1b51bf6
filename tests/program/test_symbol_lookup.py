"""Which symbol an address belongs to."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from mcusim.program import Program, Section, Symbol
from mcusim.program.lookup import Span, flatten

TEXT = Section(".text", 0x100, 0x100, 0x100, "code")


def program(*symbols: Symbol, sections: tuple[Section, ...] = (TEXT,)) -> Program:
    return Program("p", "elf", (), sections, symbols, 0x100, None, "")


def names(loaded: Program, *addresses: int) -> list[str]:
    found = (loaded.symbol_at(address) for address in addresses)
    return [f"{each[0].name}+{each[1]}" if each else "-" for each in found]


def test_sized_symbols_end_where_they_end():
    loaded = program(Symbol("f", 0x110, 4, "function"), Symbol("table", 0x118, 2, "object"))
    assert names(loaded, 0x10F, 0x110, 0x113, 0x114, 0x118, 0x11A) == ["-", "f+0", "f+3", "-", "table+0", "-"]


def test_inner_symbol_wins_and_the_outer_one_goes_on_behind_it():
    loaded = program(Symbol("outer", 0x110, 0x20, "function"), Symbol("inner", 0x118, 4, "function"))
    assert names(loaded, 0x117, 0x118, 0x11B, 0x11C, 0x12F) == ["outer+7", "inner+0", "inner+3", "outer+12", "outer+31"]


def test_symbol_without_size_reaches_to_the_next_one_or_the_end_of_its_section():
    loaded = program(
        Symbol("memcpy", 0x110, 0, "function"), Symbol("f", 0x120, 4, "function"), Symbol("end", 0x1F0, 0, "label")
    )
    assert names(loaded, 0x11F, 0x120, 0x124, 0x1FF, 0x200) == ["memcpy+15", "f+0", "-", "end+15", "-"]


def test_label_inside_a_sized_function_does_not_hide_it():
    loaded = program(Symbol("f", 0x110, 0x10, "function"), Symbol("again", 0x118, 0, "label"))
    assert names(loaded, 0x118) == ["f+8"]


def test_label_outside_code_covers_nothing():
    assert names(program(Symbol("_estack", 0x2000_4000, 0, "label")), 0x2000_4000) == ["-"]


def test_one_of_many_aliases_is_shown():
    """The weak handlers of a start-up file all lie on Default_Handler."""
    aliases = [Symbol(f"IRQ{number}_Handler", 0x110, 2, "function", "weak") for number in range(80)]
    loaded = program(
        *aliases, Symbol("Default_Handler", 0x110, 2, "function"), Symbol("IRQ_local", 0x110, 2, "function", "local")
    )
    assert names(loaded, 0x111) == ["Default_Handler+1"]
    assert len(loaded.symbols_named("IRQ7_Handler")) == 1


def test_name_without_leading_underscores_is_shown_first():
    loaded = program(Symbol("__memset", 0x110, 4, "function"), Symbol("memset", 0x110, 4, "function"))
    assert names(loaded, 0x110) == ["memset+0"]


@pytest.mark.parametrize("seed", range(20))
def test_lookup_agrees_with_a_search_through_all_spans(seed):
    source = random.Random(seed)
    spans = [
        Span(start, start + source.randrange(1, 30), index) for index, start in enumerate(source.sample(range(100), 25))
    ]
    flat = flatten(spans)
    assert all(low.end <= high.start for low, high in pairwise(flat))
    for address in range(140):
        covering = [span for span in spans if span.start <= address < span.end]
        expected = max(covering, key=lambda span: span.start).value if covering else None
        found = [span.value for span in flat if span.start <= address < span.end]
        assert found == ([expected] if expected is not None else []), (seed, address)


def test_lookup_of_no_symbols_finds_nothing():
    assert flatten([]) == []
    assert program().symbol_at(0x100) is None
