"""The nested vectored interrupt controller: which exception runs next (Armv7-M ARM B1.5, B3.4; Armv6-M ARM B1.5)."""

from __future__ import annotations

from collections.abc import Callable

RESET, NMI, HARD_FAULT, MEMORY_FAULT, BUS_FAULT, USAGE_FAULT = 1, 2, 3, 4, 5, 6
SVCALL, DEBUG_MONITOR, PENDSV, SYSTICK = 11, 12, 14, 15
FIRST_INTERRUPT = 16
THREAD_PRIORITY = 256
FIXED_PRIORITIES = {RESET: -3, NMI: -2, HARD_FAULT: -1}
NAMES = {
    RESET: "Reset", NMI: "NMI", HARD_FAULT: "HardFault", MEMORY_FAULT: "MemManage", BUS_FAULT: "BusFault",
    USAGE_FAULT: "UsageFault", SVCALL: "SVCall", DEBUG_MONITOR: "DebugMonitor", PENDSV: "PendSV", SYSTICK: "SysTick",
}  # fmt: skip


def exception_name(number: int) -> str:
    """``"SysTick"``, ``"IRQ17"`` ..."""
    return NAMES.get(number) or f"IRQ{number - FIRST_INTERRUPT}"


class Nvic:
    """Pending, active and enabled exceptions and their priorities. Exception numbers; interrupt n is 16 + n."""

    def __init__(self, interrupts: int, priority_bits: int, has_groups: bool) -> None:
        self.count = FIRST_INTERRUPT + interrupts
        self.priority_mask = 0xFF & ~((1 << (8 - priority_bits)) - 1)
        self.has_groups = has_groups
        self.newly_pending: Callable[[], None] = lambda: None
        self.no_longer_pending: Callable[[int], None] = lambda number: None
        self.reset()

    def reset(self) -> None:
        """State after a system reset."""
        self.priorities = [0] * self.count
        self.pending: set[int] = set()
        self.active: list[int] = []
        self.levels: set[int] = set()
        self.enabled = set(range(1, FIRST_INTERRUPT)) - {MEMORY_FAULT, BUS_FAULT, USAGE_FAULT}
        self.group_point = 0

    def set_priority(self, number: int, value: int) -> None:
        """Write an 8-bit priority; unimplemented bits stay 0."""
        if number < self.count:
            self.priorities[number] = value & self.priority_mask

    def priority(self, number: int) -> int:
        """Full priority; lower is more urgent."""
        return FIXED_PRIORITIES.get(number, self.priorities[number])

    def group(self, priority: int) -> int:
        """The part of a priority that decides preemption."""
        if priority < 0 or not self.has_groups:
            return priority
        return priority >> (self.group_point + 1) << (self.group_point + 1)

    def execution_priority(self, primask: int, basepri: int, faultmask: int) -> int:
        """Priority of what runs now, masks included."""
        lowest = min((self.group(self.priority(number)) for number in self.active), default=THREAD_PRIORITY)
        if basepri & self.priority_mask:
            lowest = min(lowest, self.group(basepri & self.priority_mask))
        if primask & 1:
            lowest = min(lowest, 0)
        return min(lowest, -1) if faultmask & 1 else lowest

    def highest_pending(self) -> int | None:
        """The pending, enabled exception that would be taken first."""
        ready = [number for number in self.pending if number in self.enabled]
        return min(ready, key=lambda number: (self.priority(number), number), default=None)

    def next_exception(self, execution_priority: int) -> int | None:
        """The exception that preempts ``execution_priority`` now, if any."""
        number = self.highest_pending()
        if number is not None and self.group(self.priority(number)) < execution_priority:
            return number
        return None

    def pend(self, number: int) -> None:
        """Make ``number`` pending; ``newly_pending`` is told when it was not."""
        if number < self.count and number not in self.pending:
            self.pending.add(number)
            self.newly_pending()

    def unpend(self, number: int) -> None:
        """Make ``number`` pending no longer; ``no_longer_pending`` is told when it was."""
        if number in self.pending:
            self.pending.remove(number)
            self.no_longer_pending(number)

    def set_level(self, interrupt: int, active: bool) -> None:
        """Drive an interrupt line: a rising level pends it, while its handler runs too; so does one high at the return."""
        number = FIRST_INTERRUPT + interrupt
        if active and number not in self.levels:
            self.levels.add(number)
            self.pend(number)
        elif not active:
            self.levels.discard(number)

    def activate(self, number: int) -> None:
        """The handler of ``number`` starts."""
        self.unpend(number)
        self.active.append(number)

    def deactivate(self, number: int) -> None:
        """The handler of ``number`` returns."""
        if number in self.active:
            self.active.remove(number)
        if number in self.levels:
            self.pend(number)

    # --- register views: 32 interrupts a word ---------------------------------------------------------------------------
    def bits(self, numbers: set[int] | list[int], word: int) -> int:
        """Bit mask of interrupts ``32 * word`` .. among ``numbers``."""
        first = FIRST_INTERRUPT + 32 * word
        return sum(1 << (number - first) for number in set(numbers) if first <= number < first + 32)

    def numbers(self, word: int, mask: int) -> list[int]:
        """Exception numbers of the bits set in ``mask`` of register ``word``."""
        first = FIRST_INTERRUPT + 32 * word
        return [first + bit for bit in range(32) if mask >> bit & 1 and first + bit < self.count]
