"""``mcusim pareto``: the rows of a table of results that no other row beats."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mcusim.cli.outputs import check_outputs

USUAL = "board"
"""The column by which fronts are told apart where the table has it and nothing else is asked for."""


def pareto_command(
    results: Annotated[str, typer.Argument(metavar="CSV", help="Table with names of columns in its first line.")],
    x: Annotated[str, typer.Option(metavar="COLUMN", help="Less is better; COLUMN:max where more is.")] = "latency_seconds",
    y: Annotated[str, typer.Option(metavar="COLUMN", help="More is better; COLUMN:min where less is.")] = "accuracy",
    constraint: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help="COLUMN<=NUMBER[UNIT] (or <, >=, >), COLUMN=VALUE, COLUMN!=VALUE. Repeatable."),
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="A front for each value; 'board' if there is such a column. '': one.")
    ] = None,
    group: Annotated[
        str, typer.Option(metavar="NAME,NAME", help="Rows that are alike in these columns are one, with the means of numbers.")
    ] = "",
    columns: Annotated[str, typer.Option(metavar="NAME,NAME", help="Columns to print beside x and y.")] = "",
    html: Annotated[str, typer.Option(metavar="FILE", help="Write an interactive page.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the rows of a table of results that no other row beats in two columns.

    Rows without figures are left out; so are those that break a condition.

    \b
    Examples:
      mcusim pareto results.csv
      mcusim pareto results.csv --x flash_bytes --y accuracy --constraint "type=int8, latency_seconds<=50ms"
      mcusim pareto results.csv --x latency_seconds --y energy_joules:min --by type --html front.html
      mcusim pareto results.csv --group network,heuristic,sparsity,type,board    (the mean of all seeds)
    """
    from experiments.pareto.conditions import parsed
    from experiments.pareto.front import Axis, Question, answered
    from experiments.pareto.page import check_page, page
    from experiments.pareto.results import read
    from experiments.pareto.text import parts, to_json
    from mcusim.report.files import write_atomically
    from mcusim.report.table import print_parts

    axes, conditions = (Axis.read(x, "min"), Axis.read(y, "max")), parsed(constraint or [])
    check_outputs({"--html": html or None}, {"the table": [results]})
    if html:
        check_page(html)
    table = read(results)
    if group:
        table = table.grouped(_names(group))
    usual = USUAL if USUAL in table.columns else ""
    answer = answered(Question(*axes, conditions, usual if by is None else by), table)
    shown = list(parts(answer, _names(columns)))
    if html:
        write_atomically(html, page(answer))
    if as_json:
        sys.stdout.write(to_json(answer) + "\n")
    else:
        print_parts(sys.stdout, shown)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


if __name__ == "__main__":
    from mcusim.cli import app

    sys.exit(app.run(sys.argv[1:], app.single(pareto_command)))
