"""``mcusim predict``: what networks take on boards, from models, without simulating."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcusim.cli.values import hertz

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cost_models.answers import Answers
    from cost_models.model import CostModel
    from mcusim.deploy.placement import Placement

ALL = "all"
FLASH = "flash"


def predict_command(
    networks: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Network files (.tflite, .onnx).")],
    boards: Annotated[
        list[str] | None,
        typer.Option(
            "--board", "--boards", metavar="all|NAME,NAME",
            help="Boards by name (see 'mcusim models'); all that there are models of otherwise. Repeatable.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON on stdout, and no table; takes no file: '--json > FILE' makes one.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show which layers, and which terms of them, the time goes into; for one board.")
    ] = False,
    model: Annotated[str, typer.Option(metavar="linear|analytic|simulate", help="What answers.")] = "linear",
    share: Annotated[float, typer.Option(metavar="SHARE", help="How much an interval holds: 0.5, 0.8, 0.9, 0.95, 0.99.")] = 0.9,
    clock: Annotated[
        Any, typer.Option(parser=hertz, metavar="HZ", help="Core clock, with the wait states that it needs; 80e6 works.")
    ] = None,
    weights: Annotated[
        str, typer.Option(metavar="MEMORY", help="Where weights lie: flash, or copied at start: ram, a memory of the board.")
    ] = FLASH,
    kernels: Annotated[
        str, typer.Option(metavar="MEMORY", help="Where kernels run: flash, or copied at start: ram, a memory of the board.")
    ] = FLASH,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress.")] = False,
) -> None:
    """Tell what networks take on boards, without simulating: latency, energy, RAM and flash, each with an interval.

    Answers come from models that have learnt from simulated networks, in milliseconds; 'mcusim bench' simulates. For weights or
    kernels in RAM 30 random networks are simulated first, the first time for most of a minute a board.

    \b
    Examples:
      mcusim predict model.tflite
      mcusim predict *.tflite --boards nucleo-f746zg,nucleo-l4r5zi --share 0.99
      mcusim predict model.tflite --board nucleo-f746zg --explain
      mcusim predict model.tflite --board nucleo-f746zg --clock 100e6 --json > answers.json
      mcusim predict model.tflite --board nucleo-h743zi --weights dtcm --kernels itcm
    """
    from cost_models.answers import Question, answered, checked_share
    from mcusim.deploy.placement import Placement

    checked_share(share)
    placement = Placement(weights, kernels)
    _check_change(model, clock, placement)
    models = _models(_names(boards, model), model, clock, placement, quiet)
    if explain and len(models) != 1:
        raise typer.BadParameter(f"--explain for {len(models)} boards; allowed: one, as --board NAME")
    answers = answered(Question(networks, models, share, explain, clock, placement), quiet)
    _deliver(answers, as_json)
    for failure in answers.failures:
        sys.stderr.write(f"mcusim: {failure.what}: {failure.error}\n")
    if answers.failures:
        raise typer.Exit(answers.failures[0].exit_code)


def _check_change(model: str, clock: int | None, placement: Placement) -> None:
    """BadParameter for a clock or a placement that the model cannot be asked about."""
    if clock is not None and placement.moves:
        raise typer.BadParameter("--clock with --weights or --kernels; allowed: one question at a time")
    changed = "--clock" if clock is not None else "--weights and --kernels" if placement.moves else ""
    if changed and model != "linear":
        raise typer.BadParameter(f"{changed} with --model {model}; allowed: the linear one")


def _names(boards: Sequence[str] | None, model: str) -> Sequence[str]:
    """Boards that are asked for, each once. CostModelError for all of a model that there is of none."""
    asked = {name.strip(): None for each in boards or (ALL,) for name in each.split(",") if name.strip()}
    if not asked:
        raise typer.BadParameter(f"--board {', '.join(boards or ())!r} names no board; allowed: {ALL}, NAME, NAME,NAME")
    return tuple(asked) if ALL not in asked else _all(model)


def _all(model: str) -> Sequence[str]:
    from cost_models.errors import CostModelError
    from cost_models.shipped import LEARNING, SIMULATE, models_there, with_model
    from mcusim.boards import names

    found = names() if model == SIMULATE else with_model(model)
    if not found:
        made = "; 'mcusim models train' makes them" if model in LEARNING else ""
        raise CostModelError(f"no {model} models are there{made}; there are: {', '.join(models_there())}")
    return found


def _models(
    names: Sequence[str], model: str, clock: int | None, placement: Placement, quiet: bool
) -> Sequence[CostModel]:
    """A model of each board. CostModelError where there is none."""
    from cost_models.shipped import load

    if placement.moves:
        return _placed(names, placement, quiet)
    if clock is None:
        return [load(name, model) for name in names]
    from cost_models.what_if import at_clock

    return [at_clock(name, clock) for name in names]


def _placed(names: Sequence[str], placement: Placement, quiet: bool) -> Sequence[CostModel]:
    """Models of boards with weights or kernels in RAM."""
    from cost_models.progress import Progress
    from cost_models.what_if import PLACED_NETWORKS, placed

    progress = Progress(PLACED_NETWORKS * len(names), "networks simulated", quiet)
    try:
        return [placed(name, placement.weights, placement.kernels, told=progress.step) for name in names]
    finally:
        progress.end()


def _deliver(answers: Answers, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(answers.to_json() + "\n")
        return
    from cost_models.answers_text import parts
    from mcusim.report.table import print_parts

    print_parts(sys.stdout, parts(answers))


if __name__ == "__main__":
    from mcusim.cli import app

    sys.exit(app.run(sys.argv[1:], app.single(predict_command)))
