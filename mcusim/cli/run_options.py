"""What a run of firmware takes on the command line, for every command that runs some."""

from __future__ import annotations

import typer

from mcusim.cli import values

CORES = ("m0", "m0plus", "m3", "m4", "m7", "m33")

BOARD = typer.Option(metavar="NAME|PATH", help="Board by name (see 'mcusim boards') or a TOML file.")
CORE = typer.Option(metavar="|".join(CORES), help="Ideal board (no wait states) with this core.")
LOAD_ADDRESS = typer.Option(parser=values.address, metavar="ADDRESS", help="Where a raw image begins, as 0x08000000.")
VECTOR_TABLE = typer.Option(parser=values.address, metavar="ADDRESS", help="Vector table, where it is not found by itself.")
SEND = typer.Option(
    parser=values.exchange,
    metavar="AFTER=>TEXT",
    help="When serial output has shown AFTER anew, type TEXT into the board's UART. Repeatable, used in order, "
    "split at the first '=>'; escapes \\n \\r \\t \\xNN \\\\ in both; an empty AFTER means at once.",
)
UNTIL = typer.Option(
    parser=values.awaited,
    metavar="TEXT",
    help="Stop with success once serial output contains TEXT and its line is finished. Escapes as in --send.",
)
MAX_INSTRUCTIONS = typer.Option(parser=values.count, metavar="N", help="Stop after N instructions; 1e6 works.")
MAX_SECONDS = typer.Option(parser=values.seconds, metavar="S", help="Stop after S seconds of simulated time.")
TIMEOUT = typer.Option(parser=values.seconds, metavar="S", help="Stop after S seconds on this computer.")
SEMIHOSTING_ROOT = typer.Option(
    metavar="DIR", help="Folder that semihosting may open files in; without it, none can be opened."
)
STRICT = typer.Option("--strict", help="End the run at the first access to a register that is not modelled.")

# --- what-if: all along, whatever the firmware programs ---------------------------------------------------------------------
CLOCK = typer.Option(
    parser=values.hertz, metavar="HZ", help="What-if: the core runs at HZ from reset to end, whatever the firmware programs."
)
WAIT_STATES = typer.Option(
    parser=values.wait_states,
    metavar="N",
    help="What-if: flash has N wait states from reset to end, whatever the firmware programs.",
)
CACHES = typer.Option(parser=values.switch, metavar="on|off", help="What-if: caches are on, or off, all along.")
PREFETCH = typer.Option(parser=values.switch, metavar="on|off", help="What-if: flash prefetch is on, or off, all along.")
PLACE = typer.Option(
    parser=values.placement,
    metavar="MEMORY=OTHER",
    help="What-if: MEMORY answers as fast as the board's memory OTHER. Repeatable.",
)
