"""``mcusim models``: which models there are, how good they are, and how they are made."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from cost_models.training import Trainer

app = typer.Typer(rich_markup_mode=None, no_args_is_help=False)

HELP = """List the models that 'mcusim predict' answers from, and how far off each is on networks that it had not seen.

\b
Examples:
  mcusim models
  mcusim models --json
  mcusim models card nucleo-f746zg --html card.html
  mcusim models train costs.sqlite --output models
  mcusim models evaluate costs.sqlite
"""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Datasets = Annotated[list[Path], typer.Argument(metavar="DATASET...", help="SQLite files of 'mcusim dataset'.")]
Boards = Annotated[
    list[str] | None, typer.Option("--board", metavar="NAME", help="This board only, of those in the datasets. Repeatable.")
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", metavar="NAME", help="linear, analytic, lookup, trees, neural; the first two otherwise."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress.")]


@app.callback(invoke_without_command=True, help=HELP)
def models(context: typer.Context, as_json: AsJson = False) -> None:
    if context.invoked_subcommand is None:
        list_models(as_json)


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the models, as 'mcusim models' does; latency and energy: median errors of networks that were left out."""
    from cost_models.catalogue import LISTED, cells_of, entries, plain_of

    found, unread = entries()
    if as_json:
        _print_json([plain_of(entry) for entry in found])
    else:
        _print_table("", LISTED, map(cells_of, found), right=8)
    for error in unread:
        sys.stderr.write(f"mcusim: {error}\n")
    if unread:
        raise typer.Exit(unread[0].exit_code)


@app.command("train")
def train_models(
    datasets: Datasets,
    board: Boards = None,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write models here, and not to where 'mcusim predict' looks for them.")
    ] = None,
    model: Models = None,
    quiet: Quiet = False,
) -> None:
    """Fit the models of all boards in the datasets, and keep them with their errors on networks that were left out.

    A linear model of a board builds on that of its ideal core, where networks of that are in one of the datasets.

    \b
    Examples:
      mcusim models train m4.sqlite nucleo-l4r5zi.sqlite --output models
      mcusim models train costs.sqlite --board nucleo-f746zg
    """
    from cost_models import shipped
    from cost_models.files import write
    from cost_models.progress import Progress
    from mcusim.report.files import check_writable

    trainer, names = _trainer(datasets, board)
    folder = output or shipped.DATA
    folder.mkdir(parents=True, exist_ok=True)
    questions = [(name, kind) for name in names for kind in _known(model)]
    paths = [folder / shipped.file_of(*question).name for question in questions]
    for path in paths:
        check_writable(path)
    progress = Progress(len(questions), "models", quiet)
    for (name, kind), path in zip(questions, paths, strict=True):
        progress.step(f"{name}, {kind}")
        write(path, *trainer.trained(name, kind))
    progress.end()
    sys.stdout.write(f"{len(paths)} models of {len(names)} boards are in {folder}\n")


@app.command("evaluate")
def evaluate_models(
    datasets: Datasets, board: Boards = None, model: Models = None, as_json: AsJson = False, quiet: Quiet = False
) -> None:
    """Tell how far models are off networks, families and boards that they have not learnt from.

    Models are fitted anew for that, each to a part of the datasets: four networks in five; all families but one; all other
    boards of the core, and ten measurements.

    \b
    Examples:
      mcusim models evaluate costs.sqlite
      mcusim models evaluate m4.sqlite nucleo-l4r5zi.sqlite nucleo-f446re.sqlite --json
    """
    from cost_models.catalogue import Evaluation, plain_evaluation, tables_of
    from cost_models.progress import Progress
    from mcusim import boards

    trainer, names = _trainer(datasets, board)
    questions = [(name, kind) for name in names for kind in _known(model)]
    real = [name for name in names if not boards.load(name).ideal]
    progress = Progress(len(questions) + len(real), "evaluations", quiet)

    def stepped(asked: Iterable[Any]) -> Iterator[Any]:
        for each in asked:
            progress.step(str(each))
            yield each

    trainings = {each: trainer.trained(*each)[1] for each in stepped(questions)}
    found = Evaluation(trainings, {name: trainer.without_board(name) for name in stepped(real)})
    progress.end()
    if as_json:
        _print_json(plain_evaluation(found))
        return
    from mcusim.report.table import make_table, print_parts

    print_parts(sys.stdout, [make_table(*table, right=8) for table in tables_of(found)])


def _known(asked: list[str] | None) -> list[str]:
    from cost_models.catalogue import check_model

    for name in asked or ():
        check_model(name)
    return asked or ["analytic", "linear"]


@app.command("card")
def show_card(
    board: Annotated[str, typer.Argument(metavar="BOARD", help="Board, by its name in 'mcusim models'.")],
    model: Annotated[str, typer.Option(metavar="NAME", help="Which of its models.")] = "linear",
    html: Annotated[str | None, typer.Option(metavar="FILE", help="Write the card as a page, with plots.")] = None,
) -> None:
    """Show what a model is: what it has learnt from, what it knows, how far off it is, and what it does not do.

    \b
    Examples:
      mcusim models card nucleo-f746zg
      mcusim models card nucleo-f746zg --html card.html
    """
    from cost_models.card import card_of, check_page, page, text
    from mcusim.report.files import write_atomically
    from mcusim.report.table import print_parts

    if html is not None:
        check_page(html)
    card = card_of(board, model)
    print_parts(sys.stdout, text(card))
    if html is not None:
        write_atomically(html, page(card))


def _trainer(datasets: Sequence[Path], asked: Sequence[str] | None) -> tuple[Trainer, Sequence[str]]:
    """What fits models to the datasets, and the boards that are asked for. CostModelError for a board that is not there."""
    from cost_models.errors import CostModelError
    from cost_models.training import Trainer, gathered

    data = gathered(datasets)
    for name in asked or ():
        if name not in data:
            places = ", ".join(map(str, datasets))
            raise CostModelError(f"no networks of {name} in {places}; there are those of: {', '.join(data)}")
    return Trainer(data), [name for name in data if not asked or name in asked]


def _print_json(plain: Any) -> None:
    from json import dumps

    sys.stdout.write(dumps(plain, indent=2) + "\n")


def _print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], right: int) -> None:
    from mcusim.report.table import print_table

    print_table(sys.stdout, title, columns, rows, right=right)


if __name__ == "__main__":
    from mcusim.cli import app as command_line

    sys.exit(command_line.run(sys.argv[1:], app))
