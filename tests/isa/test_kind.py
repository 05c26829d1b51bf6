"""The timing classes are total and disjoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcusim.isa import thumb16, thumb32
from mcusim.isa.kind import DOUBLES, DSP, LOADS, SINGLE_FLOATS, STORES, Kind
from tests.isa.assembly import ASSEMBLER, assemble, instruction_of
from tests.isa.examples import ASSEMBLED_FOR, EXAMPLES


def test_every_kind_has_an_example() -> None:
    assert set(EXAMPLES) == set(Kind)


@pytest.mark.parametrize("kind", Kind)
def test_the_example_of_a_kind_decodes_to_it(kind: Kind) -> None:
    assert instruction_of(EXAMPLES[kind][1]).kind is kind


@pytest.mark.skipif(ASSEMBLER is None, reason="no arm-none-eabi-as")
@pytest.mark.parametrize("core", ["m33", "m7"])
def test_the_assembler_agrees_with_the_examples(core: str, tmp_path: Path) -> None:
    examples = [EXAMPLES[kind] for kind in EXAMPLES if ASSEMBLED_FOR[kind] == core]
    assert assemble([source for source, _ in examples], core, tmp_path) == [words for _, words in examples]


def test_every_16_bit_word_has_at_most_one_row() -> None:
    assert max(len(thumb16.rows_for(word)) for word in range(0xE800)) == 1


def test_every_first_halfword_of_a_wide_instruction_has_exactly_one_row() -> None:
    assert {len(thumb32.rows_for(word)) for word in range(0xE800, 0x10000)} == {1}


@pytest.mark.parametrize("kind", Kind)
def test_a_kind_is_a_load_or_store_exactly_if_its_example_accesses_memory(kind: Kind) -> None:
    memory = instruction_of(EXAMPLES[kind][1]).memory
    accesses = (False, False) if memory is None else (not memory.write, memory.write)
    assert accesses == (kind in LOADS, kind in STORES)


def test_the_groups_are_disjoint() -> None:
    assert not LOADS & STORES
    assert not SINGLE_FLOATS & DOUBLES
    assert not DSP & (SINGLE_FLOATS | DOUBLES | LOADS | STORES)
