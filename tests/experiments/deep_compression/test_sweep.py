"""The whole study in small: trained, pruned, quantised, tested, kept, and gone on with."""

from __future__ import annotations

import csv
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the study takes PyTorch (mcusim[study])")
pytest.importorskip("torch_pruning", reason="the study takes torch-pruning (mcusim[study])")

from cost_models.workers import Processes, Workers  # noqa: E402
from experiments.deep_compression import command, devices, points, sweep  # noqa: E402
from experiments.deep_compression.data import Source  # noqa: E402
from experiments.deep_compression.errors import StudyError  # noqa: E402
from experiments.deep_compression.heuristics import HEURISTICS, Batch  # noqa: E402
from experiments.deep_compression.networks import Architecture  # noqa: E402
from experiments.deep_compression.plan import REGIMES, SPARSITIES, Plan, Point, Regime, key_of, usual_sparsities  # noqa: E402
from experiments.deep_compression.plan import points as points_of  # noqa: E402
from experiments.deep_compression.points import asked  # noqa: E402
from experiments.deep_compression.store import Store, opened  # noqa: E402
from experiments.deep_compression.synthetic import Samples  # noqa: E402
from experiments.deep_compression.training import Lessons, Training  # noqa: E402
from mcusim.cli import app  # noqa: E402
from mcusim.network import Network  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"),
]

PLAN = Plan(
    Architecture("lenet", 10, 0.06), Regime(Training(30, 5e-3, patience=4), Training(6, patience=4), Training(6), Training(6)),
    Source(train=300, test=200, prototypes=1), ("l1", "level"), (0.5, 0.8), (0,), aware=Training(4, 2e-4, patience=4),
    looked_at=50, small=(0.8,),
)  # fmt: skip

POINTS = 6
ROWS = 3 + 2 + 2 * 3 + 2 * 2
"""Of the dense network, the small one, both of L1 with all types, and both of level."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which all points are."""
    path = tmp_path_factory.mktemp("study") / "made.sqlite"
    with opened(path) as store:
        assert sweep.run(PLAN, store).done == POINTS
    return path


def steady(rows: list[points.Row]) -> list[points.Row]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def test_every_point_has_a_row_for_each_type(made: Path) -> None:
    with opened(made) as store:
        rows = sweep.table(PLAN, store)
    assert len(rows) == ROWS
    for row in rows:
        assert row["test_samples"] == 200
        assert row["data"] == "synthetic images (1 prototypes a class)"
        assert row["difference_low"] <= row["difference"] <= row["difference_high"]
        assert row["difference"] == pytest.approx(row["accuracy"] - row["dense_accuracy"])
        assert row["size"] == row["nonzeros"] / Architecture("lenet", 10, 0.06).size()
    dense = rows[0]
    assert (dense["heuristic"], dense["type"], dense["difference"], dense["size"]) == ("dense", "float32", 0, 1)
    assert dense["accuracy"] > 0.3


def test_structures_are_gone_and_weights_are_zero(made: Path) -> None:
    with opened(made) as store:
        rows = {(row["heuristic"], row["sparsity"], row["type"]): row for row in sweep.table(PLAN, store)}
    whole = rows["dense", 0.0, "float32"]
    removed, zeroed = rows["l1", 0.8, "float32"], rows["level", 0.8, "float32"]
    assert removed["parameters"] == removed["nonzeros"] <= 0.2 * whole["parameters"]
    assert removed["macs"] < whole["macs"]
    assert zeroed["parameters"] == whole["parameters"]
    assert zeroed["macs"] == whole["macs"]
    assert zeroed["nonzeros"] == round(0.2 * whole["parameters"])
    assert rows["small", 0.8, "float32"]["parameters"] == removed["parameters"]


def test_networks_that_cost_the_same_have_one_key(made: Path) -> None:
    with opened(made) as store:
        rows = {(row["heuristic"], row["sparsity"], row["type"]): row["device_key"] for row in sweep.table(PLAN, store)}
    assert rows["l1", 0.8, "int8"] == rows["l1", 0.8, "int8_qat"] == rows["small", 0.8, "int8"]
    assert rows["l1", 0.8, "int8"] != rows["l1", 0.8, "float32"]
    assert len({rows["level", 0.5, "int8"], rows["level", 0.8, "int8"], rows["dense", 0.0, "int8"]}) == 3


def test_the_papers_uint8_is_tested_and_not_measured(made: Path) -> None:
    plan = replace(PLAN, heuristics=("l1",), sparsities=(0.5,), types=("float32", "uint8", "uint8_qat"), small=())
    with opened(made) as store:
        sweep.run(plan, store)
        rows = [row for row in sweep.table(plan, store) if row["type"] != "float32"]
    assert [(row["heuristic"], row["type"], row["device_key"]) for row in rows] == [
        ("dense", "uint8", ""), ("dense", "uint8_qat", ""), ("l1", "uint8", ""), ("l1", "uint8_qat", ""),
    ]  # fmt: skip
    assert all(abs(row["difference"]) < 0.3 for row in rows)


def test_a_dense_network_teaches_its_pruned_ones_and_is_not_trained_again(made: Path) -> None:
    plan = replace(PLAN, heuristics=("l1",), sparsities=(0.5,), regime=PLAN.regime.changed(distilled=0.9), small=())
    with opened(made) as store:
        assert sweep.run(plan, store).found == 1
        taught, plain = (sweep.table(each, store)[3] for each in (plan, PLAN))
        states = {each: store.state(key_of(each, Point(0, "l1", (0.5,)))) for each in (plan, PLAN)}
    assert (taught["distilled"], plain["distilled"]) == (0.9, 0.0)
    assert states[plan] != states[PLAN]


def test_of_a_plainly_worse_network_the_first_test_samples_alone_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = np.arange(5 * points.FIRST)
    monkeypatch.setattr(points, "right", lambda network, x, y: network[x])
    test, truth = Samples(everything, everything), np.ones(len(everything), bool)
    plainly, little = everything % 10 != 0, everything % 50 != 0
    assert points.tested(plainly, test, truth).tolist() == plainly[: points.FIRST].tolist()
    assert points.tested(little, test, truth).tolist() == little.tolist()
    few = Samples(everything[:30], everything[:30])
    assert points.tested(little, few, truth[:30]).tolist() == little[:30].tolist()


def test_a_hurried_regime_has_no_patience_with_what_goes_on_from_a_spoilt_network(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = Point(0, "l1", (0.5, 0.8))
    with opened(made) as store:
        task = points.Task(PLAN, point, store.state(key_of(PLAN, point.parent)), store.reference(key_of(PLAN, Point(0))))
    hurried = replace(task, plan=replace(PLAN, regime=replace(PLAN.regime, hurried=True)))
    rows = {}
    for told in (False, True):
        monkeypatch.setattr(points, "spoilt", lambda module, lessons, told=told: told)
        rows[told] = steady(list(points.answered(hurried).rows))
        assert steady(list(points.answered(task).rows)) == rows[False]
    fine = replace(PLAN.regime.fine, patience=1.0)
    hasty = replace(PLAN, regime=replace(PLAN.regime, fine=fine), aware=replace(PLAN.aware, patience=1.0))
    assert rows[True] == steady(list(points.answered(replace(task, plan=hasty)).rows)) != rows[False]


def test_small_networks_are_trained_longer_within_patience() -> None:
    how = Training(100, patience=4)
    assert [how.longer(sparsity).steps for sparsity in (0.0, 0.5, 0.75, 0.9)] == [100, 200, 400, 400]
    assert Training(100).longer(0.9).steps == 100


def test_a_network_is_spoilt_that_knows_plainly_less_of_its_lessons_than_its_teacher() -> None:
    module = Architecture("lenet", 10, 0.06).built(0)
    x = torch.randn(400, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    said = points.logits_of(module, x)
    y = said.argmax(1)
    wrong = y.copy()
    wrong[:60] = (wrong[:60] + 1) % 10
    assert not points.spoilt(module, Lessons.of(x.numpy(), y, said))
    assert not points.spoilt(module, Lessons.of(x.numpy(), wrong, said))  # the teacher knows no more
    assert points.spoilt(module, Lessons.of(x.numpy(), wrong, np.eye(10, dtype=np.float32)[wrong]))


def test_how_a_network_is_trained_does_not_depend_on_test_samples(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point = Point(0, "random", (0.8,))
    with opened(made) as store:
        task = points.Task(PLAN, point, store.state(key_of(PLAN, Point(0))), store.reference(key_of(PLAN, Point(0))))
    as_ever = points.answered(task)
    data, reference = points.data_of("lenet", PLAN.source), points.unpacked(task.reference)
    other = replace(data, test=replace(data.test, y=(data.test.y + 1) % 10))
    monkeypatch.setattr(points, "data_of", lambda network, source: other)
    digest = np.frombuffer(other.digest(), np.uint8)
    told = points.packed({**reference, points.RIGHT: ~reference[points.RIGHT], points.DATA: digest})
    assert points.answered(replace(task, reference=told)).state == as_ever.state


def test_data_that_have_changed_are_refused(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point = Point(0, "l1", (0.5,))
    with opened(made) as store:
        task = points.Task(PLAN, point, store.state(key_of(PLAN, Point(0))), store.reference(key_of(PLAN, Point(0))))
    data = points.data_of("lenet", PLAN.source)
    changed = replace(data, train=replace(data.train, y=(data.train.y + 1) % 10))
    monkeypatch.setattr(points, "data_of", lambda network, source: changed)
    with pytest.raises(StudyError, match="other data than those that the dense network was trained on"):
        points.answered(task)


def test_random_worths_are_not_those_of_the_first_weights(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    met = []
    prune = points.pruned

    def watched(module: torch.nn.Module, name: str, architecture: Architecture, sparsity: float, batch: Batch) -> None:
        met.append(HEURISTICS[name].scores(architecture.built(0), batch)["conv1"].flatten())
        prune(module, name, architecture, sparsity, batch)

    monkeypatch.setattr(points, "pruned", watched)
    plan = replace(PLAN, architecture=Architecture("lenet", 10, 0.5), regime=PLAN.regime.changed(1, 1))
    dense = points.answered(points.Task(plan, Point(0)))
    points.answered(points.Task(plan, Point(0, "random_weights", (0.5,)), dense.state, dense.reference))
    first = plan.architecture.built(0).get_submodule("conv1").weight.detach().flatten()
    assert len(met) == plan.prunings
    assert all(abs(np.corrcoef(first.numpy(), each.numpy())[0, 1]) < 0.4 for each in met)
    assert not torch.equal(met[0], met[1])


def test_all_types_of_a_network_are_asked_about_the_same_samples(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "FIRST", 60)
    monkeypatch.setattr(points, "PLAINLY", -1.0)  # every network is plainly worse
    with opened(made) as store:
        task = points.Task(
            PLAN, Point(0, "l1", (0.5,)), store.state(key_of(PLAN, Point(0))), store.reference(key_of(PLAN, Point(0)))
        )
    assert [row["test_samples"] for row in points.answered(task).rows] == [60, 60, 60]


def test_pruning_at_once_gives_another_network_than_pruning_step_by_step(made: Path) -> None:
    point = Point(0, "l1", (0.8,))
    with opened(made) as store:
        dense = store.state(key_of(PLAN, Point(0))), store.reference(key_of(PLAN, Point(0)))
    states = [points.answered(points.Task(replace(PLAN, schedule=each), point, *dense)).state for each in ("agp", "one_shot")]
    assert states[0] != states[1]


def test_training_with_fake_quantisation_gives_other_weights(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[Network] = []
    quantize = points.quantized

    def watched(network: Network, *rest: object) -> Network:
        met.append(network)
        return quantize(network, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(points, "quantized", watched)
    with opened(made) as store:
        dense = store.state(key_of(PLAN, Point(0))), store.reference(key_of(PLAN, Point(0)))
    points.answered(points.Task(PLAN, Point(0, "l1", (0.5,)), *dense))
    afterwards, trained = ([t.data for t in each.tensors.values() if t.data is not None] for each in met)
    assert len(afterwards) == len(trained)
    assert not any(np.array_equal(one, other) for one, other in zip(afterwards, trained, strict=True))


def test_normalisations_of_a_pruned_network_are_those_of_its_data() -> None:
    plan = replace(
        PLAN, architecture=Architecture("ds_cnn", 12, 0.2), types=("float32",), source=Source(train=300, test=60, prototypes=1)
    )
    dense = points.answered(points.Task(plan, Point(0)))
    pruned = points.answered(points.Task(plan, Point(0, "l1", (0.5,)), dense.state, dense.reference))
    module = points.restored(plan.architecture, points.unpacked(pruned.state))
    before = {name: each.clone() for name, each in module.named_buffers() if "running" in name}
    data = points.data_of("ds_cnn", plan.source)
    points.recalibrate(module, Lessons.of(data.train.x, data.train.y))
    after = dict(module.named_buffers())
    assert before
    assert all(torch.allclose(each, after[name], rtol=1e-4, atol=1e-5) for name, each in before.items())


def test_pruned_at_once_each_network_comes_from_the_dense_one() -> None:
    plan = replace(PLAN, schedule="one_shot", heuristics=("l1",), small=())
    assert [point.path for point in points_of(plan)] == [(), (0.5,), (0.8,)]
    assert all(point.parent == Point(0) for point in points_of(plan) if point.path)


def test_the_usual_training_is_that_of_the_network() -> None:
    longer = REGIMES["ds_cnn"].changed(dense_steps=7, steps=5, distilled=0.1)
    assert longer.dense == replace(REGIMES["ds_cnn"].dense, steps=7)
    assert all((how.steps, how.distilled) == (5, 0.1) for how in longer.pruned())
    assert REGIMES["ds_cnn"].changed() == REGIMES["ds_cnn"]


def test_what_is_there_is_not_done_again(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "asked", lambda code, task: pytest.fail(f"{task.point} again"))
    with opened(made) as store:
        assert sweep.run(PLAN, store) == sweep.Progress(POINTS, POINTS, POINTS)
        assert sweep.run(replace(PLAN, sparsities=(0.5,)), store).total == 4


def test_an_interrupted_sweep_goes_on_to_the_same_results(made: Path, tmp_path: Path) -> None:
    def interrupt(progress: sweep.Progress) -> None:
        if progress.done == 3:
            raise KeyboardInterrupt

    with opened(tmp_path / "again.sqlite") as store:
        with pytest.raises(KeyboardInterrupt):
            sweep.run(PLAN, store, told=interrupt)
        assert len(store.keys()) == 3
        assert sweep.run(PLAN, store).found == 3
        with opened(made) as expected:
            assert steady(sweep.table(PLAN, store)) == steady(sweep.table(PLAN, expected))


def test_processes_give_what_one_does(made: Path, tmp_path: Path) -> None:
    with opened(tmp_path / "there.sqlite") as store, Processes(2) as workers:
        assert sweep.run(PLAN, store, workers).done == POINTS
        with opened(made) as expected:
            assert steady(sweep.table(PLAN, store)) == steady(sweep.table(PLAN, expected))


def test_workers_of_dask_give_what_this_process_does(made: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="sweeps over Dask take the package dask[distributed]")
    from cost_models.cluster import Cluster

    plan = replace(PLAN, heuristics=("l1",), sparsities=(0.5,), small=())
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs="CRITICAL") as cluster,
        Cluster(cluster.scheduler_address) as workers,
        opened(tmp_path / "there.sqlite") as store,
    ):
        assert sweep.run(plan, store, workers).done == 2
        with opened(made) as expected:
            assert steady(sweep.table(plan, store)) == steady(sweep.table(plan, expected))


def test_a_worker_with_other_sources_is_refused() -> None:
    with pytest.raises(StudyError, match=r"a worker has sources [0-9a-f]{16} of the study, this process has 0123"):
        asked("0123", points.Task(PLAN, Point(0)))


def test_keys_change_with_what_results_depend_on() -> None:
    point = Point(0, "l1", (0.5,))
    keys = {
        key_of(PLAN, point), key_of(PLAN, Point(0, "l1", (0.4, 0.5))), key_of(PLAN, Point(1, "l1", (0.5,))),
        key_of(replace(PLAN, regime=PLAN.regime.changed(steps=7)), point),
        key_of(replace(PLAN, source=Source(train=299)), point),
    }  # fmt: skip
    assert len(keys) == 5
    assert key_of(replace(PLAN, seeds=(0, 1), heuristics=("l2",)), point) in keys


def test_small_networks_have_fewer_usual_sparsities() -> None:
    assert usual_sparsities(Architecture("lenet", 10), HEURISTICS) == SPARSITIES
    assert usual_sparsities(Architecture("ds_cnn", 12), HEURISTICS) == SPARSITIES[:5]
    assert usual_sparsities(Architecture("lenet", 10), ["luck"]) == ()


def test_every_point_comes_behind_its_parent() -> None:
    met: set[Point] = set()
    for point in points_of(PLAN):
        assert point.parent is None or point.parent in met
        met.add(point)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sparsities": (0.8, 0.5)}, "sparsities have to ascend"),
        ({"seeds": ()}, "seeds without any; allowed: one at least, each once"),
        ({"seeds": (0, 0)}, "seeds 0, 0; allowed"),
        ({"seeds": (-1,)}, "seed -1; allowed: 0 and above"),
        ({"types": ()}, "types without any"),
        ({"heuristics": ("l1", "l1")}, "heuristics l1, l1; allowed"),
        ({"regime": PLAN.regime.changed(steps=-3)}, "-3 steps of training"),
        ({"sparsities": (0.99999,)}, "which is more than"),
        ({"heuristics": ("l3",)}, "no heuristic 'l3'"),
        ({"types": ("int4",)}, "no type 'int4'; allowed: float32, int8, int8_qat"),
        ({"schedule": "linear"}, "no schedule 'linear'"),
        ({"regime": PLAN.regime.changed(distilled=2)}, "2 of the loss is the teacher's"),
    ],
)
def test_plans_that_cannot_be_are_refused_before_anything_is_done(change: dict, told: str, made: Path) -> None:
    with opened(made) as store, pytest.raises(StudyError, match=told):
        sweep.run(replace(PLAN, **change), store)


def test_figures_of_another_simulator_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path / "costs.sqlite") as store:
        store.add_cost("key", "board", {"fits": False})
        assert store.costs() == {("key", "board"): {"fits": False}}
        monkeypatch.setattr("experiments.deep_compression.store.simulator_digest", lambda: "another")
        assert store.costs() == {}


def test_another_file_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "text.sqlite"
    path.write_text("nothing of this kind, but longer than the head of such a file would be" * 20)
    with pytest.raises(StudyError, match="no results of the study"), opened(path):
        pass
    with sqlite3.connect(tmp_path / "old.sqlite") as connection:
        connection.execute("create table about (schema text not null)")
        connection.execute("insert into about values ('other/1')")
    connection.close()
    with pytest.raises(StudyError, match="other/1"), opened(tmp_path / "old.sqlite"):
        pass


SMALL = (
    "--width", "0.06", "--train", "300", "--test", "200", "--prototypes", "1", "--heuristics", "l1,level",
    "--sparsities", "50,80", "--seeds", "0", "--dense-steps", "30", "--steps", "6", "--jobs", "1", "--quiet",
)  # fmt: skip


def run(*arguments: str) -> int:
    return app.run(arguments, command.app)


def test_the_command_writes_a_table_with_figures_of_boards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"fits": True, "latency_seconds": 0.5, "energy_joules": None, "ram_bytes": 10, "flash_bytes": 20}

    def measured(code: str, costing: devices.Costing) -> devices.Cost:
        network = devices.network_of(costing.architecture, costing.state, costing.ranges)
        if network.tensors[network.inputs[0]].quantization is None:
            return devices.Cost(costing.key, costing.board, {}, "no kernels for float32")
        return devices.Cost(costing.key, costing.board, told)

    monkeypatch.setattr(devices, "asked", measured)
    out = tmp_path / "results.csv"
    assert run("sweep", "--out", str(out), *SMALL, "--boards", "nano-33-ble,raspberry-pi-pico") == 0
    captured = capsys.readouterr()
    assert captured.out == f"{out}: {2 * ROWS} rows\n"
    assert "x no figures: nano-33-ble: no kernels for float32\n" in captured.err
    rows = list(csv.DictReader(out.open()))
    for row in rows:
        expected = ("", "", "") if row["type"] == "float32" else ("true", "0.5", "20")
        assert (row["fits"], row["latency_seconds"], row["flash_bytes"]) == expected
    assert run("sweep", "--out", str(out), *SMALL, "--boards", "nano-33-ble") == 0
    assert len(list(csv.DictReader(out.open()))) == ROWS


def test_after_ctrl_c_the_table_has_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sweep.run

    def interrupted(plan: Plan, store: Store, workers: Workers, told: sweep.Told) -> None:
        def interrupt(progress: sweep.Progress) -> None:
            if progress.done == 2:
                raise KeyboardInterrupt

        whole(plan, store, workers, interrupt)

    monkeypatch.setattr(sweep, "run", interrupted)
    out = tmp_path / "results.csv"
    assert run("sweep", "--out", str(out), *SMALL) == 130
    rows = list(csv.DictReader(out.open()))
    assert {(row["heuristic"], row["sparsity"]) for row in rows} == {("dense", "0"), ("level", "0.5")}


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ("sweep", "--out", str(tmp_path / "x.csv"))
    assert run(*out, "--network", "vgg") == 2
    assert "no network 'vgg'; allowed: lenet, resnet8, ds_cnn" in capsys.readouterr().err
    assert run(*out, "--data", str(tmp_path / "nowhere"), "--jobs", "1", "--quiet") == 2
    assert "no file train-images-idx3-ubyte" in capsys.readouterr().err
    assert run(*out, "--sparsities", "much") == 2
    assert "numbers with commas" in capsys.readouterr().err
    assert run(*out, "--seeds", "1.5") == 2
    assert "--seeds '1.5'; allowed: whole numbers with commas" in capsys.readouterr().err
    assert run(*out, "--boards", "abacus") == 4
