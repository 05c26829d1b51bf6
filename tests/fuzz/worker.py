"""A process that runs cases by name: names come in by line, one line of its output answers each."""

from __future__ import annotations

import faulthandler
import gc
import json
import sys
import traceback

from tests.fuzz.cases import case
from tests.fuzz.check import arena, run

COLLECT_EVERY = 50


def main() -> None:
    """Serve until the input ends."""
    faulthandler.enable()
    output = sys.stdout
    sys.stdout = sys.stderr
    with arena() as place:
        for number, line in enumerate(sys.stdin):
            name = line.strip()
            print(json.dumps({"end": name, **serve(name, place)}), file=output, flush=True)
            if number % COLLECT_EVERY == 0:
                gc.collect()


def serve(name: str, place) -> dict[str, object]:
    """What became of a case, as plain data."""
    try:
        outcome = run(case(name), place)
    except BaseException as error:
        return {"failure": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
    return {"kind": outcome.kind, "instructions": outcome.instructions, "seconds": outcome.seconds}


if __name__ == "__main__":
    main()
