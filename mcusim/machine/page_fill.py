"""Which pages may hold code, answered whenever Unicorn looks at a page anew: what keeps stores to data fast.

Unicorn sends each store to a page that may be executed through a slow path, which drops translations of code that it changes.
The M profile may execute all RAM, so all stores would go there, at up to eight times the time of the whole program. Here a
page of RAM may be executed from the moment something is fetched from it, and not before: until then nothing was translated
that a store could change.
"""

from __future__ import annotations

import numpy as np
from numba import types
from unicorn import unicorn_const as U

from mcusim.machine.compiled import native_callback
from mcusim.machine.memory_access import load_u8, load_word, store_u32, store_word

PAGE_SHIFT = 10
"""Pages of 1 KiB, as Unicorn's M profile has them."""
PAGES = 1 << 32 - PAGE_SHIFT
EXECUTE = U.UC_PROT_EXEC
"""What the table says of a page that may be executed; 0 of others."""
TABLE, FETCHED, IT_STATE = 0, 1, 2
"""Words of the record: address of the table, one byte a page; the page that a fetch was refused from; where the engine keeps
EPSR.IT."""
NO_PAGE = -1
FETCH, DATA = U.UC_MEM_FETCH, U.UC_PROT_READ | U.UC_PROT_WRITE


@native_callback(types.int64(types.int64, types.int64, types.int32, types.int64, types.int64))
def on_fill(engine, address, kind, entry, record):
    """UC_HOOK_TLB_FILL: physical address and permissions of a page. A fetch from a page without code is refused and noted.

    Before it asks, Unicorn restores EPSR.IT as it was at the access, as if the block were left there, and then goes on in the
    block, which has dealt with its IT instructions when it was translated: the state would fall on the block behind. Within
    a block it is zero.
    """
    execute = load_u8(load_word(record + TABLE * 8) + (address >> PAGE_SHIFT))
    if kind == FETCH and execute == 0:
        store_word(record + FETCHED * 8, address)
        return 0
    if kind != FETCH:
        store_u32(load_word(record + IT_STATE * 8), 0)
    store_word(entry, address)
    store_word(entry + 8, DATA | execute)
    return 1


class Pages:
    """Which pages may hold code: all but those of RAM that nothing was fetched from. ``record`` is what ``on_fill`` reads.

    ``it_state``: address of the engine's EPSR.IT, 32 bits.
    """

    def __init__(self, it_state: int) -> None:
        self.table = np.full(PAGES, EXECUTE, np.uint8)
        self.record = np.array([self.table.ctypes.data, NO_PAGE, it_state], np.int64)

    def hold_data(self, start: int, end: int) -> None:
        """Whole pages of RAM."""
        self.table[start >> PAGE_SHIFT : end >> PAGE_SHIFT] = 0

    def may_hold_code(self, start: int, end: int) -> bool:
        """Whether something may have been fetched from ``start`` .. ``end``."""
        return bool(self.table[start >> PAGE_SHIFT : -(-end >> PAGE_SHIFT)].any())

    def forget_fetch(self) -> None:
        """Before a run."""
        self.record[FETCHED] = NO_PAGE

    def allow_fetch(self) -> bool:
        """Make the page that a fetch was refused from one with code; False where none was."""
        page = int(self.record[FETCHED])
        if page != NO_PAGE:
            self.table[page >> PAGE_SHIFT] = EXECUTE
        return page != NO_PAGE
