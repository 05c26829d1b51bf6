"""The report: claims held against results that are made up, so that what becomes of each claim is known."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the study needs PyTorch (mcusim[study])")

from experiments.deep_compression.paper import LENET_PARAMETERS
from experiments.deep_compression.report import page, report_of, text
from experiments.deep_compression.summary import Chosen
from experiments.deep_compression.verdicts import NOT, REPRODUCED, SURPASSED, UNKNOWN, best_points, knee, lossless, verdicts
from experiments.pareto.results import ResultsError, read
from tests.support.firmware import REPOSITORY

RESULTS = REPOSITORY / "experiments" / "deep_compression" / "results"

SPARSITIES = (0.5, 0.834, 0.9, 0.95, 0.96, 0.98, 0.9918, 0.995, 0.997, 0.999)
STRATEGIES = {"l1": "structured", "random": "structured", "level": "element-wise"}
PER_WEIGHT = {
    ("float32", "structured"): 4, ("int8", "structured"): 1, ("float32", "element-wise"): 5, ("int8", "element-wise"): 2,
}  # fmt: skip
POWER_WATTS = 0.084

Change = Callable[[dict[str, Any]], Mapping[str, Any]]


def made_up(path: Path, change: Change = lambda row: {}, network: str = "lenet") -> Path:
    """Results of networks that lose nothing down to 4 % (element-wise) or 0.4 %, and whose costs follow the paper's laws."""
    rows = []
    for heuristic, strategy in STRATEGIES.items():
        for sparsity in SPARSITIES:
            for kind in ("float32", "int8", "int8_qat"):
                if kind == "int8_qat" and heuristic != "l1":
                    continue
                for seed in (0, 1):
                    row = _row(network, heuristic, strategy, sparsity, kind, seed)
                    rows.append({**row, **change(row)})
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def _row(network: str, heuristic: str, strategy: str, sparsity: float, kind: str, seed: int) -> dict[str, Any]:
    left = 1 - sparsity
    kept = 0.0039 if strategy == "structured" else 0.0399
    accuracy = 0.98 - (0.2 if left < kept else 0.0) - (0.002 if kind == "int8" else 0.0)
    stored = kind.removesuffix("_qat")
    seconds = left * (17.0 if stored == "float32" else 2.0) if strategy == "structured" else 0.3 + left * 2
    weights = round(LENET_PARAMETERS * left)
    return {
        "network": network, "data": "made up", "test_samples": 10000, "seed": seed, "heuristic": heuristic,
        "strategy": strategy, "sparsity": sparsity, "type": kind, "accuracy": accuracy, "dense_accuracy": 0.98,
        "difference": accuracy - 0.98,
        "difference_low": accuracy - 0.982, "difference_high": accuracy - 0.978, "size": left,
        "parameters": weights if strategy == "structured" else LENET_PARAMETERS, "nonzeros": weights, "macs": weights,
        "board": "raspberry-pi-pico", "fits": "true", "latency_seconds": seconds, "energy_joules": seconds * POWER_WATTS,
        "ram_bytes": 60_000, "flash_bytes": 20_000 + weights * PER_WEIGHT[stored, strategy],
    }  # fmt: skip


def told(path: Path) -> dict[str, str]:
    return {f"{each.row} {each.claim}": each.verdict for each in verdicts(report_of([path]).found)}


def starting(found: Mapping[str, str], start: str) -> list[str]:
    return [verdict for claim, verdict in found.items() if claim.startswith(start)]


def test_results_that_follow_the_paper_reproduce_it(tmp_path: Path) -> None:
    found = told(made_up(tmp_path / "results.csv"))
    assert found.pop("2B two further architectures") == UNKNOWN
    assert set(found.values()) == {REPRODUCED, SURPASSED}
    assert found["2A no loss at 10% of the parameters, L1 and Level"] == SURPASSED
    assert found["2D a weight that is not 0 takes 3 bytes in int8"] == SURPASSED


@pytest.mark.parametrize(
    ("claim", "change"),
    [
        ("2A no loss", lambda row: {"difference": -0.006} if row["sparsity"] == 0.9 else {}),
        ("2A knee, structured", lambda row: {"accuracy": 0.9} if row["sparsity"] == 0.98 else {}),
        ("2A L1 is", lambda row: {"accuracy": 0.5} if (row["sparsity"], row["heuristic"]) == (0.999, "l1") else {}),
        ("2C both", lambda row: {"accuracy": 0.96} if (row["sparsity"], row["type"]) == (0.5, "int8") else {}),
        ("2C trained", lambda row: {"accuracy": 0.9} if row["type"] == "int8_qat" and row["sparsity"] > 0.98 else {}),
        ("2D flash of structured int8", lambda row: {"flash_bytes": 3 * row["flash_bytes"]}),
        ("2D a weight that is not 0 takes 6", lambda row: {"flash_bytes": 2 * row["flash_bytes"]}),
        ("2D RAM", lambda row: {"ram_bytes": row["nonzeros"]}),
        ("2E float", lambda row: {"latency_seconds": 2.0}),
        ("2E from float", lambda row: {"latency_seconds": 2.0}),
        ("2E single", lambda row: {"latency_seconds": (1 - row["sparsity"]) ** 2} if row["heuristic"] == "level" else {}),
        ("2E structured", lambda row: {"latency_seconds": 0.01} if row["heuristic"] == "level" else {}),
        ("2F", lambda row: {"energy_joules": row["energy_joules"] * 1.2}),
    ],
)
def test_results_that_do_not_are_told_so(claim: str, change: Change, tmp_path: Path) -> None:
    assert starting(told(made_up(tmp_path / "results.csv", change)), claim) == [NOT]


def test_rows_that_are_missing_leave_a_claim_open(tmp_path: Path) -> None:
    path = made_up(tmp_path / "results.csv", lambda row: {"network": "other", "latency_seconds": "", "flash_bytes": ""})
    found = told(path)
    assert set(starting(found, "2A")) == set(starting(found, "2E")) == {UNKNOWN}
    assert found["2B other: below 10% before quality drops"] == REPRODUCED


def test_a_knee_ends_where_a_larger_network_already_lost(tmp_path: Path) -> None:
    def dip(row: dict[str, Any]) -> Mapping[str, Any]:
        return {"accuracy": 0.9, "difference": -0.08} if row["sparsity"] == 0.95 else {}

    found = report_of([made_up(tmp_path / "results.csv", dip)]).found.where(heuristic="l1", type="float32")
    (last, least) = knee(found), lossless(found)
    assert last is not None and last.sparsity == 0.9
    assert least is not None and least.sparsity == 0.995


def test_the_best_points_are_the_fastest_without_loss(tmp_path: Path) -> None:
    points = best_points(report_of([made_up(tmp_path / "results.csv")]).found)
    best = points["lenet", "made up", "raspberry-pi-pico"]
    assert [each.sparsity for each in best] == [0.995, 0.9918, 0.98]
    assert {each.type for each in best} == {"int8_qat"}  # as fast as int8, and better


def test_seeds_are_told_as_one(tmp_path: Path) -> None:
    def apart(row: dict[str, Any]) -> Mapping[str, Any]:
        return {"accuracy": 0.9 + 0.02 * row["seed"]}

    found = report_of([made_up(tmp_path / "results.csv", apart)]).found
    assert {(each.seeds, round(each.accuracy, 6), round(each.spread, 6)) for each in found} == {(2, 0.91, 0.014142)}


def test_an_interval_of_several_seeds_is_students_and_the_worst_is_told(tmp_path: Path) -> None:
    """0.001 and 0.003 lost: a mean of 0.002, a standard error of 0.001, and 12.706 of them to each side."""

    def apart(row: dict[str, Any]) -> Mapping[str, Any]:
        return {"difference": -0.001 - 0.002 * row["seed"]}

    each = next(iter(report_of([made_up(tmp_path / "results.csv", apart)]).found))
    assert each.difference_low == pytest.approx(-0.002 - 12.7062 * 0.001, rel=1e-4)
    assert each.difference_high == pytest.approx(-0.002 + 12.7062 * 0.001, rel=1e-4)
    assert each.worst == -0.003
    single = [row for row in read(tmp_path / "results.csv").rows if row["seed"] == "0"]
    with (tmp_path / "single.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, single[0])
        writer.writeheader()
        writer.writerows(single)
    alone = next(iter(report_of([tmp_path / "single.csv"]).found))
    assert alone.difference_low == float(single[0]["difference_low"])
    assert alone.difference_high == float(single[0]["difference_high"])


@pytest.mark.parametrize(
    ("cells", "fits"), [(("true", ""), True), (("false", ""), False), (("true", "false"), False), (("", ""), False)]
)
def test_a_network_fits_where_all_that_were_measured_do(cells: tuple[str, str], fits: bool, tmp_path: Path) -> None:
    found = report_of([made_up(tmp_path / "results.csv", lambda row: {"fits": cells[row["seed"]]})]).found
    assert {each.fits for each in found} == {fits}


def test_few_samples_are_not_enough_to_claim_that_nothing_is_lost(tmp_path: Path) -> None:
    path = made_up(tmp_path / "results.csv", lambda row: {"test_samples": 9999})
    assert starting(told(path), "2A no loss") == [UNKNOWN]
    assert lossless(report_of([path]).found) is None
    assert best_points(report_of([path]).found) == {}


def test_random_weights_do_not_stand_for_networks_with_single_weights_pruned(tmp_path: Path) -> None:
    def odd(row: dict[str, Any]) -> Mapping[str, Any]:
        return {"heuristic": "random_weights", "latency_seconds": 1e-6} if row["heuristic"] == "level" and row["seed"] else {}

    assert starting(told(made_up(tmp_path / "results.csv", odd)), "2E structured") == [REPRODUCED]


def test_the_text_has_claims_points_and_the_paper_beside_ours(tmp_path: Path) -> None:
    from mcusim.report.table import print_parts

    class Screen(list[str]):
        def write(self, some: str) -> None:
            self.append(some)

        def isatty(self) -> bool:
            return False

    screen = Screen()
    print_parts(screen, text(report_of([made_up(tmp_path / "results.csv")])))  # type: ignore[arg-type]
    shown = "".join(screen)
    assert "lenet: made up, 2 seeds" in shown
    assert "lenet (made up) on raspberry-pi-pico: the fastest that lose at most half a point" in shown
    assert "/ 2.93 s" in shown


def test_the_page_draws_ours_and_the_papers(tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    shown = page(report_of([made_up(tmp_path / "results.csv")]))
    for part in ("paper, element-wise", "LeNet: flash", "what quantisation changes", "paper, int8, 99.70%", "surpassed"):
        assert part in shown
    assert "ResNet-8: accuracy" not in shown


def test_claims_are_told_for_each_set_of_data(tmp_path: Path) -> None:
    one = made_up(tmp_path / "one.csv")
    other = made_up(tmp_path / "other.csv", lambda row: {"data": "harder", "difference": -0.02})
    found = [(title, rows) for title, _, rows in report_of([one, other]).tables if title.startswith("claims")]
    assert [title for title, _ in found] == ["claims, LeNet on made up", "claims, LeNet on harder"]
    assert [rows[0][2] for _, rows in found] == [SURPASSED, NOT]


def test_sweeps_of_other_plans_with_the_same_data_are_told_apart(tmp_path: Path) -> None:
    one, other = made_up(tmp_path / "one.csv"), made_up(tmp_path / "longer.csv", lambda row: {"difference": -0.001})
    titles = [title for title, _, _ in report_of([one, other]).tables if title.startswith("claims")]
    assert titles == ["claims, LeNet on made up, one", "claims, LeNet on made up, longer"]


def test_the_tables_that_are_kept_say_what_the_guide_says() -> None:
    tables = ("lenet", "lenet_longer", "lenet_mnist", "resnet8_cifar10", "ds_cnn")
    found = report_of([RESULTS / f"{name}.csv" for name in tables])
    of = {title.rpartition(", ")[2]: rows for title, _, rows in found.tables if title.startswith("claims")}
    assert list(of) == ["lenet", "lenet_longer", "LeNet on mnist of a folder"]
    for table, row, verdict in (
        ("lenet", 0, SURPASSED), ("lenet", 1, NOT), ("lenet", 2, REPRODUCED), ("lenet_longer", 0, SURPASSED),
        ("LeNet on mnist of a folder", 1, REPRODUCED), ("LeNet on mnist of a folder", 2, SURPASSED),
    ):  # fmt: skip
        assert of[table][row][2] == verdict, (table, row)


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ResultsError, match="no column 'network'; there are: a, b"):
        report_of([path])


def test_some_are_chosen_by_their_fields(tmp_path: Path) -> None:
    found = report_of([made_up(tmp_path / "results.csv")]).found
    assert {each.type for each in found.where(heuristic="level", type=("int8", "float32"))} == {"int8", "float32"}
    assert len(Chosen([*found, *found]).once()) == len(found)
    assert found.at(0.123) is None
