"""``mcusim retime``: price a saved run for other clocks, wait states, caches and placements."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcusim.cli import supply_options, values
from mcusim.cli.outputs import STDOUT, check_outputs

if TYPE_CHECKING:
    from mcusim.report.retiming import Retiming


HELP = """Price the run saved in PROFILE for another clock, other wait states, caches or placement.

What can be priced exactly is priced without running; otherwise the program runs again, and the answer says why. A clock
takes effect from reset to end, with the fewest legal wait states of the board unless they are given.

\b
Examples:
  mcusim run app.elf --board nucleo-l4r5zi --save-profile app.profile.gz
  mcusim retime app.profile.gz --clock 80e6
  mcusim retime app.profile.gz --sweep clock_hertz=16e6:120e6:27 --plot app.html
  mcusim retime app.profile.gz --sweep wait_states=0:5 --sweep caches=on,off
  mcusim retime app.profile.gz --place flash=sram1 --json - | jq .answers
"""


def retime_command(
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="File that 'mcusim run --save-profile' wrote.")],
    board: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="Another board than that of the run: the program runs again.")
    ] = None,
    clock: Annotated[Any, typer.Option(parser=values.hertz, metavar="HZ", help="Core clock; 80e6 works.")] = None,
    wait_states: Annotated[
        Any, typer.Option(parser=values.wait_states, metavar="N", help="Wait states of the flash, 0 to 15.")
    ] = None,
    caches: Annotated[
        Any, typer.Option(parser=values.switch, metavar="on|off", help="Caches of the core and in front of the flash.")
    ] = None,
    prefetch: Annotated[Any, typer.Option(parser=values.switch, metavar="on|off", help="Prefetch of the flash.")] = None,
    place: Annotated[
        list[Any] | None,
        typer.Option(
            parser=values.placement, metavar="MEMORY=OTHER",
            help="MEMORY answers as fast as the board's memory OTHER: code or data placed elsewhere. Repeatable.",
        ),
    ] = None,
    sweep: Annotated[
        list[Any] | None,
        typer.Option(
            parser=values.sweep, metavar="NAME=VALUES",
            help="One answer for each value. NAME is clock_hertz, wait_states, caches, prefetch or placement; VALUES are "
            "FIRST:LAST[:POINTS] or a list with commas (placement: flash=sram1+sram2=dtcm, - for none). Several make a grid.",
        ),
    ] = None,
    semihosting_root: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder that a program run again may open files in, if the saved run had one."),
    ] = None,
    supply: Annotated[Any, supply_options.SUPPLY] = None,
    pure: Annotated[
        bool, typer.Option("--pure", help="Never run the program: refuse what cannot be priced without.")
    ] = False,
    json: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Write JSON of schema mcusim.retime/1; - is stdout, without the table.")
    ] = None,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Plot into FILE: .html, .png or .svg (needs the extra 'plot').")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No table.")] = False,
) -> None:  # fmt: skip
    sweeps = _sweeps(sweep or [])
    _check_outputs(profile, json, plot)
    import mcusim
    from mcusim.machine.what_if import WhatIf

    variant = WhatIf(clock, wait_states, caches, prefetch, tuple(place or ()))
    retiming = mcusim.retime(
        profile, board=board, variant=variant, sweeps=sweeps, pure=pure, supply_volts=supply, semihosting_root=semihosting_root,
        progress=_progress(quiet),
    )  # fmt: skip
    _deliver(retiming, json, plot, quiet)


def _sweeps(given: list[tuple[str, list[Any]]]) -> dict[str, list[Any]]:
    sweeps: dict[str, list[Any]] = {}
    for name, listed in given:
        if name in sweeps:
            raise typer.BadParameter(f"{name} is swept twice; allowed: once, with all its values")
        sweeps[name] = listed
    return sweeps


def _check_outputs(profile: str, json: str | None, plot: str | None) -> None:
    """Refuse, before anything runs, what could not be written after it, and what would overwrite the profile."""
    check_outputs({"--json": json, "--plot": plot}, {"the profile": [profile]})
    if plot is not None:
        from mcusim.report.plot import check_plot

        check_plot(plot)


def _progress(quiet: bool) -> Any:
    """A line on stderr while answers come, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        return None

    def show(answered: int, whole: int) -> None:
        sys.stderr.write("\r\x1b[K" if answered == whole else f"\r\x1b[K{answered} of {whole} variants")
        sys.stderr.flush()

    return show


def _deliver(retiming: Retiming, json: str | None, plot: str | None, quiet: bool) -> None:
    from mcusim.report import write_atomically
    from mcusim.report.retiming_table import write_retiming

    if not quiet and json != STDOUT:
        write_retiming(retiming, sys.stdout)
        sys.stdout.flush()
    if json == STDOUT:
        sys.stdout.write(retiming.to_json() + "\n")
    elif json is not None:
        write_atomically(json, retiming.to_json() + "\n")
    if plot is not None:
        from mcusim.report.plot import write_plot

        write_plot(retiming, plot)
