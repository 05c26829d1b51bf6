"""Networks of a sweep on a simulated board."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the study takes PyTorch (mcusim[study])")
pytest.importorskip("torch_pruning", reason="the study takes torch-pruning (mcusim[study])")

from experiments.deep_compression import devices, sweep  # noqa: E402
from experiments.deep_compression.store import opened  # noqa: E402
from tests.experiments.deep_compression.test_sweep import PLAN, made  # noqa: E402, F401

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"),
]


def test_every_network_of_a_type_that_kernels_know_has_figures(made: Path) -> None:  # noqa: F811
    with opened(made) as store:
        found = devices.run(PLAN, store, ["nano-33-ble"])
        rows = {(row["heuristic"], row["sparsity"], row["type"]): row for row in sweep.table(PLAN, store, ["nano-33-ble"])}
        again = devices.run(PLAN, store, ["nano-33-ble"])
    assert found.done == found.total > 0
    assert again.total == len(again.errors) == len(found.errors)
    assert {row["fits"] for row in rows.values() if row["type"] == "int8"} == {True}
    dense, half, fifth = (rows[key] for key in (("dense", 0.0, "int8"), ("l1", 0.5, "int8"), ("l1", 0.8, "int8")))
    assert fifth["latency_seconds"] > 0  # not less than that of dense: one or two channels take other ways through the kernels
    assert dense["flash_bytes"] > half["flash_bytes"] > fifth["flash_bytes"]
    assert fifth["energy_joules"] > 0


def test_networks_with_zeros_are_measured_of_the_first_seeds_only(made: Path) -> None:  # noqa: F811
    with opened(made) as store:
        keys = {row["device_key"] for row in sweep.table(PLAN, store) if row["strategy"] == "element-wise"}
        asked = [each.key for each in devices.missing(PLAN, store, ["m4"])]
        others = [each.key for each in devices.missing(replace(PLAN, costed=0), store, ["m4"])]
    assert keys < set(asked)
    assert set(asked) - set(others) == keys
