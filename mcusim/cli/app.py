"""The command line as a whole: its commands, and how errors become one message and an exit code."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from mcusim.cli import bench_command, boards_command, deploy_command, doctor_command, plugins, retime_command, run_command
from mcusim.errors import McusimError

OWN_COMMANDS = ("run", "retime", "doctor", "deploy", "bench", "boards")
DEBUG = "--debug"

USAGE_CODE, INTERNAL_CODE, INTERRUPTED_CODE, PIPE_CODE = 2, 70, 130, 141
"""Rows of ``mcusim.report.exit``, not imported here to keep start-up short; a test compares them."""

ISSUES = "please report it with this message, the command and, if you can, the image"

HELP = """Run Cortex-M firmware without the board: cycles, seconds, RAM and flash per function.

\b
Examples:
  mcusim run build/demo.elf --core m7
  mcusim retime demo.profile.gz --sweep clock_hertz=16e6:480e6
  mcusim doctor app.elf --board nucleo-h743zi
  mcusim deploy model.tflite --board nucleo-l4r5zi -o firmware
  mcusim bench model.tflite --board nucleo-l4r5zi
  mcusim boards
  mcusim run --help
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the command; ends the process with the exit code of docs/exit_codes.md."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str], app: typer.Typer | None = None, name: str = "mcusim") -> int:
    """Exit code of ``mcusim`` with these arguments; every error has become a message on stderr.

    ``app`` stands in for the application with all commands (see ``single``), under a ``name`` of its own.
    """
    _accept_any_text()
    try:
        code = _invoke(arguments, build_app(arguments) if app is None else app, name)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        return _leave_pipe()
    except KeyboardInterrupt:
        return _message("interrupted", INTERRUPTED_CODE)
    except Exception as error:
        if DEBUG in arguments:
            traceback.print_exc()
        return _failed(error)


def _invoke(arguments: Sequence[str], app: typer.Typer, name: str) -> int:
    """Run the command without Click's own ``main``, which would turn a broken pipe and Ctrl-C into codes of its own."""
    command = typer.main.get_command(app)
    try:
        with command.make_context(name, list(arguments)) as context:
            command.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    return 0


def build_app(arguments: Sequence[str]) -> typer.Typer:
    """The application with the commands that ``arguments`` may need."""
    app = _bare_app()
    app.callback(help=HELP)(_options)
    app.command("run", help=run_command.HELP)(run_command.run_command)
    app.command("retime", help=retime_command.HELP)(retime_command.retime_command)
    app.command("doctor", help=doctor_command.HELP)(doctor_command.doctor_command)
    app.command("deploy", help=deploy_command.HELP)(deploy_command.deploy_command)
    app.command("bench", help=bench_command.HELP)(bench_command.bench_command)
    app.add_typer(boards_command.app, name="boards")
    plugins.add_plugins(app, OWN_COMMANDS, arguments)
    return app


def single(command: Callable[..., None]) -> typer.Typer:
    """An application of one command, for ``python -m`` of the package that it comes from."""
    app = _bare_app()
    app.command()(command)
    return app


def _bare_app() -> typer.Typer:
    return typer.Typer(
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def _print_version(wanted: bool) -> None:
    if wanted:
        import mcusim

        sys.stdout.write(f"mcusim {mcusim.__version__}\n")
        raise typer.Exit()


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show the Python traceback of an error.")] = False,
) -> None:
    """Options in front of the command."""


def _failed(error: Exception) -> int:
    if isinstance(error, McusimError):
        return _message(str(error), error.exit_code)
    show = getattr(error, "show", None)  # usage errors: their class lies in Click or in Typer, by Typer's version
    if show is not None and hasattr(error, "exit_code"):
        show(file=sys.stderr)
        return USAGE_CODE
    return _message(f"internal error: {type(error).__name__}: {error}\n{ISSUES} ({DEBUG} shows where)", INTERNAL_CODE)


def _message(text: str, code: int) -> int:
    sys.stderr.write(f"mcusim: {text}\n")
    return code


def _accept_any_text() -> None:
    """A terminal that lacks a letter shall show its escape; by default Python would raise."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _leave_pipe() -> int:
    """Nobody reads any more: keep Python from complaining when it flushes stdout at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CODE
