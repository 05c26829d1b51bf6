"""From a board to a board file: firmware, link, campaign. ``mcusim calibrate`` without the command line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import mcusim
from calibration.calibrated import Calibrated
from calibration.campaign import Campaign
from calibration.energy_campaign import EnergyFound, as_found, simulated_energy
from calibration.links.dialogue import Answer, Dialogue
from calibration.links.link import LinkError
from calibration.links.via import Wanted, link_of
from calibration.microbenchmarks.board_model import board_model
from calibration.microbenchmarks.firmware import Microbenchmarks, microbenchmarks_of
from calibration.microbenchmarks.memory_model import Memories, changed
from calibration.microbenchmarks.results import ResultError
from calibration.session import Session, Subject
from calibration.simulated_board import hidden_core, hidden_memories
from kernels_c.toolchain import find_compiler
from mcusim import boards
from mcusim import program as programs
from mcusim.run import core_of

LOG = "measurements.jsonl"
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: the board by name or file, the link as ``kind`` and ``place`` (``calibration.links.via``).

    ``work`` is the folder of firmware and log. ``budget``: measurements in all, 0 for as many as it takes. ``energy``: energy
    loops too, which only a simulated board has an instrument for.
    """

    board: str
    kind: str
    place: str
    work: Path
    port: str = ""
    rounds: int = 1
    seed: int = 0
    noise: float = 0.01
    budget: int = 0
    compiler: str = ""
    energy: bool = False


def calibrate(order: Order, tell: Tell, watch: Callable[[Campaign], None]) -> tuple[Calibrated, Subject]:
    """What was found, measuring what the log in ``order.work`` lacks. ``tell`` hears what people should know."""
    made = microbenchmarks_of(boards.load(order.board), energy_seconds=0, commanded=True)
    elf = made.build(order.work / "firmware", find_compiler(order.compiler))
    subject = Subject(
        made.board.name, image_digest(elf), made.build_number, order.kind, order.seed, order.noise, mcusim.__version__
    )
    with closing(Session(order.work / LOG, subject, tell)) as session:
        if session.events:
            tell(f"{session.path}: {len(session.measured)} answers are there; going on")
        campaign = Campaign(
            board_model(made, elf), session, hertz=made.board.rated_hertz or made.board.clock_hertz, noise=order.noise,
            rounds=order.rounds, budget=order.budget, seed=order.seed,
        )  # fmt: skip
        if campaign.wants_more:
            _measure(order, made, elf, campaign, session, tell, watch)
        if not campaign.rows:
            raise LinkError(f"{session.path}: nothing was measured; allowed: a --budget of 1 or more")
        return Calibrated(campaign, _energy(order, campaign, session, elf, tell) if order.energy else None), subject


def _energy(order: Order, campaign: Campaign, session: Session, elf: Path, tell: Tell) -> EnergyFound:
    """That of the simulated board, whose core and memories are hidden as its energies are."""
    board, guess = boards.load(order.board), campaign.recovered.guess
    found = as_found(changed(Memories(board), campaign.model.of_memories, guess.memories).board, guess.core)
    hidden = as_found(hidden_memories(board, elf, order.seed), hidden_core(core_of(board), order.seed))
    compiler = find_compiler(order.compiler)
    return simulated_energy(found, hidden, session, order.seed, order.work / "energy", compiler, tell)


def _measure(
    order: Order, made: Microbenchmarks, elf: Path, campaign: Campaign, session: Session, tell: Tell,
    watch: Callable[[Campaign], None],
) -> None:  # fmt: skip
    link = link_of(Wanted(order.kind, order.place, order.board, order.seed, order.port, len(campaign.rows)))
    with closing(link):
        advice = link.flash(elf)
        if advice:
            tell(advice)
        dialogue = Dialogue(link, tell)
        dialogue.connect()
        _check_firmware(dialogue, made, elf)
        checksums = {each.body: each.checksum for each in session.measured}

        def measure(body: str, rounds: int) -> Answer:
            answer = dialogue.run(body, rounds)
            if checksums.setdefault(body, answer.checksum) != answer.checksum:
                text = f"checksum {answer.checksum:08x}, and {checksums[body]:08x} before: the board computes wrongly"
                raise ResultError(f"{body}: {text}")
            return answer

        campaign.run(measure, watch)


def _check_firmware(dialogue: Dialogue, made: Microbenchmarks, elf: Path) -> None:
    build, bodies = dialogue.identify()
    if (build, bodies) != (made.build_number, len(made.bodies)):
        raise LinkError(
            f"{dialogue.link.name}: the board runs firmware {build:08x} with {bodies} bodies; needed: {made.build_number:08x} "
            f"with {len(made.bodies)}, which is {elf}"
        )


def image_digest(elf: Path) -> str:
    """SHA-256 of what an ELF loads, and where."""
    found = hashlib.sha256()
    for segment in programs.load(elf, None, None, None).segments:
        found.update(segment.address.to_bytes(8, "little") + segment.data)
    return found.hexdigest()
