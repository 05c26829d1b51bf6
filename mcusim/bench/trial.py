"""A trial: firmware of a network, built and run once on a board."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from mcusim.bench.bench_report import Accuracy, ArenaPart, Check, FlashBytes, LayerUse, Placed, RamBytes, Result, Room
from mcusim.bench.question import Question
from mcusim.bench.references import checked
from mcusim.bench.samples import Sample, labelled_set, random_samples
from mcusim.boards import Board
from mcusim.boards.energy_table import EnergyTable
from mcusim.deploy.build import build_sources, sources_of, support_for
from mcusim.deploy.explain import Explanation
from mcusim.deploy.firmware import Firmware, Sizes, TooLarge, fed
from mcusim.deploy.generate import Sources, constants_of
from mcusim.deploy.sparse_layers import kept_weights
from mcusim.energy import Supply, prices_at, scheduled
from mcusim.errors import McusimError
from mcusim.network import Network
from mcusim.network.macs import layer_macs, network_macs
from mcusim.network.table import operator_name
from mcusim.report import Report, ScheduleUse
from mcusim.run import run

Events = Mapping[str, Mapping[str, int]]
"""Counts by kind and by what they happened to."""


class TrialError(McusimError):
    """Firmware that was generated here did not run to its end."""

    exit_code = 70


@dataclass(frozen=True, slots=True)
class Run:
    """What a run gave: cycles of each mark and of the whole, for one inference."""

    report: Report
    inferences: int

    @property
    def marks(self) -> Mapping[str, int]:
        """Cycles of one inference by mark; the mean of several, rounded."""
        return {mark.name: round(mark.cycles / mark.count) for mark in self.report.marks if mark.count}

    @property
    def events(self) -> Mapping[str, Events]:
        """Events of one inference by mark; the mean of several, rounded."""
        return {
            mark.name: {
                kind: {what: round(count / mark.count) for what, count in row.items()} for kind, row in mark.events.items()
            }
            for mark in self.report.marks
            if mark.count
        }

    def joules(self, table: EnergyTable, supply: Supply) -> Mapping[str, float]:
        """Energy of one inference by mark, at the clock that the firmware has set."""
        hertz = self.report.clock_hertz
        return {
            mark.name: prices_at(table, supply.volts_on(table), [(hertz, mark.cycles)]).total(mark.events) / mark.count
            for mark in self.report.marks
            if mark.count
        }


def answer(question: Question) -> Result:
    """What a network takes on a board. A board that is too small is an answer: ``fits`` is false, and nothing ran."""
    network, board = question.load_network(), question.load_board()
    question.wishes.supply.check(board.name, board.energy)
    sources = sources_of(network, board, question.options)
    with tempfile.TemporaryDirectory(prefix="mcusim") as name:
        folder = Path(name)
        try:
            firmware = build_sources(sources, board, folder / "network.elf", question.options)
        except TooLarge as error:
            return result_of(question, network, board, sources, error.sizes, None, None, None)
        check, accuracy, run_ = _run(question, network, board, firmware, folder)
        return result_of(question, network, board, sources, firmware.sizes, run_, check, accuracy, firmware)


def _explained(sources: Sources) -> Explanation:
    return Explanation(sources.plan, sources.arrangement.lifetimes.buffers, [layer.name for layer in sources.network.layers])


def _run(
    question: Question, network: Network, board: Board, firmware: Firmware, folder: Path
) -> tuple[Check | None, Accuracy | None, Run]:
    wishes = question.wishes
    samples = random_samples(network, wishes.check, wishes.seed)
    labelled = labelled_set(wishes.data, network) if wishes.data else None
    everything = [*samples, *(labelled.samples if labelled else ())] or random_samples(network, 1, wishes.seed)
    ran = _run_samples(network, board, firmware, everything, folder)
    outputs = outputs_in(network, (folder / "outputs.bin").read_bytes(), len(everything))
    check = checked(question, network, samples, outputs[: len(samples)]) if samples else None
    accuracy = _accuracy(network, outputs[len(samples) :], labelled.labels) if labelled else None
    return check, accuracy, ran


def _run_samples(network: Network, board: Board, firmware: Firmware, samples: Sequence[Sample], folder: Path) -> Run:
    elf = fed(firmware.elf, folder / "fed.elf")
    (folder / "inputs.bin").write_bytes(b"".join(each[name].tobytes() for each in samples for name in network.inputs))
    return Run(_finished(run(elf, board=board, semihosting_root=folder, report_interrupted=False), network), len(samples))


def _finished(report: Report, network: Network) -> Report:
    if report.exit.reason != "exit" or report.exit.code != 0:
        last = report.serial.strip().splitlines()[-1:] or ["nothing was printed"]
        raise TrialError(
            f"{network.name} on {report.board}: the firmware ended with {report.exit.reason} {report.exit.code}"
            f" {report.exit.detail}: {last[0]}"
        )
    return report


def outputs_in(network: Network, data: bytes, count: int) -> Sequence[Sample]:
    """The outputs that a program wrote, sample by sample."""
    tensors = [network.tensors[name] for name in network.outputs]
    if len(data) != count * sum(tensor.size_bytes for tensor in tensors):
        raise TrialError(f"{network.name}: the firmware wrote {len(data)} bytes for {count} samples")
    found, place = [], 0
    for _ in range(count):
        sample = {}
        for tensor in tensors:
            values = np.frombuffer(data, tensor.type.value, tensor.elements, place)
            sample[tensor.name] = values.reshape(tensor.shape)
            place += tensor.size_bytes
        found.append(sample)
    return found


def _accuracy(network: Network, outputs: Sequence[Sample], labels: Sequence[int]) -> Accuracy:
    """The greatest value of the first output is the class; where there is one value, whether it is above one half."""
    name = network.outputs[0]
    found = [_class(network, each[name]) for each in outputs]
    return Accuracy(len(labels), sum(one == other for one, other in zip(found, labels, strict=True)))


def _class(network: Network, values: np.ndarray) -> int:
    if values.size > 1:
        return int(values.reshape(-1).argmax())
    coding = network.tensors[network.outputs[0]].quantization
    stored = float(values.reshape(-1)[0])
    return int((coding.scale * (stored - coding.zero_point) if coding else stored) > 0.5)


def result_of(
    question: Question, network: Network, board: Board, sources: Sources, sizes: Sizes, ran: Run | None,
    check: Check | None, accuracy: Accuracy | None, firmware: Firmware | None = None,
) -> Result:  # fmt: skip
    """All figures together; ``ran`` is None where the firmware does not fit."""
    table, supply = board.energy, question.wishes.supply
    layers = layer_uses(sources, ran, ran.joules(table, supply) if ran and table else None)
    layout = support_for(board, question.options).layout
    cycles = None if ran is None else sum(layer.cycles or 0 for layer in layers)
    hertz = None if ran is None else ran.report.clock_hertz
    stack = sizes.stack_reserve if ran is None else ran.report.memory.stack_peak_bytes
    static = sizes.static + sizes.weights_in_ram
    seconds = None if cycles is None or hertz is None else cycles / hertz
    joules = sum(layer.energy_joules or 0.0 for layer in layers) if ran and table else None
    plan = None if joules is None or seconds is None or table is None else scheduled(supply, table, joules, seconds)
    return Result(
        model=network.name,
        board=board.name,
        compiler=firmware.compiler if firmware else _compiler(question),
        latency_seconds=seconds,
        energy_joules=joules,
        ram_bytes=RamBytes(sizes.arena, stack, static, sizes.arena + stack + static),
        flash_bytes=FlashBytes(sizes.code, sizes.weights, sizes.flash),
        fits=ran is not None,
        bit_exact=None if check is None else check.differing == 0,
        layers=layers,
        core=board.core,
        flags=firmware.flags if firmware else (),
        kernels=str(question.options.kernels(board.core)),
        latency_cycles=cycles,
        clock_hertz=hertz,
        macs=sources.arrangement.macs,
        arena_lower_bound_bytes=sources.plan.lower_bound_bytes,
        arena_proven=sources.plan.proven,
        room=Room(
            layout.room_bytes, layout.ram_bytes,
            *((0, 0) if ran else (max(sizes.flash - layout.room_bytes, 0), max(sizes.main - layout.ram_bytes, 0))),
        ),
        check=check,
        accuracy=accuracy,
        model_file=question.model_file,
        arenas=tuple(ArenaPart(name, peak) for name, peak in sources.plan.peak_bytes.items() if peak),
        changes=sources.arrangement.changes,
        sparse=tuple(map(str, kept_weights(sources.network, sources.steps))),
        added_macs=sources.arrangement.macs - network_macs(network),
        arena_reason=sources.plan.reason,
        tensors=tuple(_placed(_explained(sources))),
        supply_volts=None if table is None else supply.volts_on(table),
        schedule=None if plan is None else ScheduleUse(*astuple(plan)),
    )  # fmt: skip


def _placed(explanation: Explanation) -> Iterator[Placed]:
    for memory in explanation.memories():
        for buffer, place in explanation.placed(memory):
            yield Placed(buffer.name, memory, place.offset_bytes, buffer.size_bytes, buffer.first, buffer.last)


def _compiler(question: Question) -> str:
    from kernels_c.toolchain import find_compiler

    compiler = find_compiler(question.options.compiler)
    return f"{compiler.name} {compiler.version}"


def layer_uses(sources: Sources, ran: Run | None, joules: Mapping[str, float] | None = None) -> tuple[LayerUse, ...]:
    """A row for each layer of the network as it was written, in order; ``joules`` by mark."""
    network, explanation = sources.network, _explained(sources)
    live = [sum(explanation.taken(m, step) for m in explanation.memories()) for step in range(len(network.layers))]
    constants = constant_bytes(sources)
    marks, events = ({}, {}) if ran is None else (ran.marks, ran.events)
    cycles = [None if ran is None else marks.get(sources.marks.get(layer.name, ""), 0) for layer in network.layers]
    total = sum(each or 0 for each in cycles)
    rows = []
    for layer, used, taken, flash in zip(network.layers, cycles, live, constants, strict=True):
        macs = layer_macs(network, layer)
        rows.append(LayerUse(
            name=layer.name,
            operator=operator_name(layer),
            shape=network.outputs_of(layer)[0].shape,
            macs=macs,
            cycles=used,
            cycles_per_mac=used / macs if macs and used is not None else None,
            seconds=used / ran.report.clock_hertz if ran is not None and used is not None else None,
            share=used / total if total and used is not None else None,
            ram_live_bytes=taken,
            flash_bytes=flash,
            energy_joules=None if joules is None else joules.get(sources.marks.get(layer.name, ""), 0.0),
            events=events.get(sources.marks.get(layer.name, ""), {}),
        ))  # fmt: skip
    return tuple(rows)


def constant_bytes(sources: Sources) -> list[int]:
    """Bytes of the constants of each step; those that several use count at the first."""
    seen: set[tuple[str, tuple[int, ...], bytes]] = set()
    rows = []
    for step in sources.steps:
        found = {(str(c.data.dtype), c.data.shape, c.data.tobytes()): c.data.nbytes for c in constants_of(step)}
        rows.append(sum(size for key, size in found.items() if key not in seen))
        seen |= found.keys()
    return rows
