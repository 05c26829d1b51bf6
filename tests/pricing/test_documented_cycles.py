"""Every documented timing row, and the hazards between neighbours."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcusim import cores
from mcusim.isa.legality import illegal_reason
from mcusim.pricing import pipeline
from tests.isa.assembly import ASSEMBLER, assemble, block_of
from tests.pricing.harness import IDEAL, price_row
from tests.pricing.rows import Row
from tests.pricing.rows_m0 import M0, M0PLUS
from tests.pricing.rows_m4 import M3, M4, OTHER_SLAVE, SAME_SLAVE, SHARED, STORE_TO_OTHER_SLAVE
from tests.pricing.rows_m7 import M7
from tests.pricing.rows_m33 import M33

SLAVES = [OTHER_SLAVE, SAME_SLAVE, STORE_TO_OTHER_SLAVE]
TABLES: dict[str, list[Row]] = {
    "m0": M0, "m0plus": M0PLUS, "m3": [*M3, *SLAVES], "m4": [*M4, *SLAVES], "m7": M7, "m33": M33,
}  # fmt: skip
ROWS = [pytest.param(core, row, id=f"{core}: {row}") for core, rows in TABLES.items() for row in rows]


@pytest.mark.parametrize(("core", "row"), ROWS)
def test_a_sequence_takes_the_cycles_that_the_documents_say(core: str, row: Row) -> None:
    assert price_row(core, row) == (row.cycles, row.taken)


@pytest.mark.parametrize(("core", "row"), ROWS)
def test_every_row_is_legal_on_its_core(core: str, row: Row) -> None:
    block = block_of(row.words, row.address)
    assert {illegal_reason(instruction, cores.load(core)) for instruction in block.instructions} == {None}


@pytest.mark.skipif(ASSEMBLER is None, reason="no arm-none-eabi-as")
@pytest.mark.parametrize(
    ("core", "rows"),
    [("m0", M0), ("m3", M3), ("m4", M4[len(SHARED) :]), ("m7", M7), ("m33", M33)],
    ids=["m0", "m3", "m4", "m7", "m33"],
)
def test_the_assembler_agrees_with_the_machine_code_of_the_rows(core: str, rows: list[Row], tmp_path: Path) -> None:
    assert assemble([row.source for row in rows], core, tmp_path) == [row.words for row in rows]


def test_the_slow_multiplier_takes_32_cycles() -> None:
    block = block_of("4348")
    for name in ("m0", "m0plus"):
        engine = pipeline(cores.load(name).with_multiplier(32))
        assert engine.run(block, engine.start(), {}, IDEAL).fall.cycles == 32
