"""The table of cycles of sparse kernels, and what is fitted to it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchmarks.sparse import Row, Shape, fitted, lines_of, measure, table_of
from mcusim.deploy.sparse_choice import DENSE, cycles_table

SMALL = (Shape("fully_connected", 1, 64, 8), Shape("convolution", 3, 8, 8, 3))


def test_layers_are_measured_in_their_format() -> None:
    dense, sparse = measure("m4", DENSE, 0.0, SMALL), measure("m4", "rows", 75.0, SMALL)
    assert [row.nonzero for row in dense] == [64 * 8, 72 * 8]
    assert [row.nonzero for row in sparse] == [64 * 8 // 4, 72 * 8 // 4]
    assert all(row.entries >= row.nonzero and row.cycles > row.nonzero * row.shape.pixels for row in sparse)
    text = "\n".join(lines_of([*dense, *sparse]))
    assert f"dense {dense[0].cycles:,} cycles" in text
    assert f"{sparse[1].size_bytes:,} bytes" in text


def row_of(entries: int, outputs: int, cycles: int) -> Row:
    return Row("m4", Shape("fully_connected", 1, 100, outputs), "rows", 50.0, entries, entries, cycles, 2 * entries)


def test_cycles_that_follow_the_terms_are_fitted_exactly() -> None:
    terms = ((10, 4), (90, 8), (700, 40))
    rows = [row_of(entries, outputs, 5 * entries + 70 * outputs + 2 * 100) for entries, outputs in terms]
    found, error = fitted(rows)
    assert found == pytest.approx((5, 70, 2), rel=1e-3)
    assert error < 1e-3
    assert table_of([*rows, replace(rows[0], core="m7")])["cycles"]["m4"]["fully_connected"]["rows"] == found  # type: ignore[index]


def test_the_table_of_code_generation_tells_what_a_layer_takes() -> None:
    """Of a layer that the fit did not see."""
    shape = Shape("fully_connected", 1, 600, 32)
    for form, sparsity in ((DENSE, 0.0), ("rows", 85.0), ("fours", 85.0)):
        (row,) = measure("m4", form, sparsity, (shape,))
        of_product, of_output, of_input = cycles_table()["m4"]["fully_connected"][form]
        estimate = of_product * row.entries + of_output * shape.outputs + of_input * shape.depth
        assert estimate == pytest.approx(row.cycles, rel=0.12)
    assert json.dumps(cycles_table())
