"""The command ``mcusim``. Other packages add commands through the entry points of group ``mcusim.commands``."""

import sys


def main() -> None:
    """Entry point of the command: ``mcusim.cli.app.main``, and a sentence for who stops it while that is imported."""
    try:
        from mcusim.cli import app
    except KeyboardInterrupt:
        sys.stderr.write("mcusim: interrupted\n")
        sys.exit(130)
    app.main()


__all__ = ["main"]
