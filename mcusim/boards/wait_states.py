"""Wait states that a clock needs, from the board file's table ``parameters.wait_states``.

``hertz`` lists the highest clock of the flash for 0, 1, 2, ... wait states, at the supply that the board has; ``source``
says where the list comes from.
"""

from __future__ import annotations

from mcusim.boards.board import Board
from mcusim.errors import BoardError, McusimError

KEYS = ("hertz", "source")


def limits(board: Board) -> tuple[int, ...]:
    """Highest flash clock in hertz by number of wait states; empty where the board has no table. BoardError for a wrong one."""
    table = board.parameters.get("wait_states")
    if table is None:
        return ()
    place = f"board {board.name}: parameters.wait_states"
    if not isinstance(table, dict) or set(table) != set(KEYS):
        raise BoardError(f"{place}: allowed is a table with {' and '.join(KEYS)}")
    hertz = table["hertz"]
    whole = isinstance(hertz, list) and hertz and all(type(each) is int and each > 0 for each in hertz)
    if not whole or sorted(set(hertz)) != hertz:
        raise BoardError(f"{place}.hertz: {hertz!r}; allowed are rising numbers of hertz")
    return tuple(hertz)


def needed(board: Board, core_hertz: int, clock_ratio: int = 1) -> int | None:
    """Fewest wait states at a core clock, ``clock_ratio`` times that of the flash; None where none suffice or nobody knows."""
    return next((number for number, hertz in enumerate(limits(board)) if core_hertz <= hertz * clock_ratio), None)


def check_clock(board: Board, core_hertz: int, clock_ratio: int = 1) -> None:
    """McusimError for a core clock above the rating of the chip or of its flash."""
    if board.rated_hertz and core_hertz > board.rated_hertz:
        raise McusimError(
            f"a core clock of {core_hertz:,} Hz is above what board {board.name} is rated for; allowed: up to "
            f"{board.rated_hertz:,} Hz"
        )
    table = limits(board)
    if table and needed(board, core_hertz, clock_ratio) is None:
        raise McusimError(
            f"at a core clock of {core_hertz:,} Hz the flash of board {board.name} would run above {table[-1]:,} Hz "
            f"({clock_ratio} core cycles a flash cycle, as the firmware programmed); allowed: up to "
            f"{table[-1] * clock_ratio:,} Hz"
        )
