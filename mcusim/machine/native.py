"""The native block hook: counts edges, adds their price to the live counter, follows calls. No Python runs per block.

Its slow twin is ``mcusim.machine.reference``.
"""

from __future__ import annotations

from numba import njit, types

from mcusim.machine.compiled import native, native_callback
from mcusim.machine.facts_native import evaluate
from mcusim.machine.layout import (
    BYPASS,
    CALL,
    CALL_CHILD,
    CALL_COUNT,
    CALL_CURRENT,
    CALL_FUNCTION,
    CALL_LIMIT,
    CALL_PARENT,
    CALL_SELF,
    CALL_SIBLING,
    CALL_SINCE,
    CALL_TIMES,
    CALL_WORDS,
    CALLS,
    CHECK,
    CHECK_WORDS,
    CURRENT,
    CYCLES,
    DEADLINE,
    DISCOVER,
    EDGE_ADDRESS,
    EDGE_FROM,
    EDGE_MASK,
    EDGE_NEXT,
    EDGE_NODE,
    EDGE_TABLE,
    EMU_STOP,
    ENGINE,
    EVENT_ENTER,
    EVENT_LEAVE,
    EVENT_WORDS,
    FRAME_CALL,
    FRAME_LIMIT,
    FRAME_RETURN,
    FRAME_TAIL,
    FRAME_TOP,
    FRAME_WORDS,
    FRAMES,
    HOLD,
    MET_NODE,
    MISPREDICTS,
    NODE_CHECKS,
    NODE_COUNTER,
    NODE_DIP,
    NODE_END,
    NODE_KEY,
    NODE_LONGEST,
    NODE_MISSES,
    NODE_PENALTY,
    NODE_PROGRAM,
    NODE_RETURN,
    NODE_SIZE,
    PREDICT,
    REGISTERS,
    RETURN,
    SLOT_A,
    SLOT_B,
    SLOW_ENTER,
    SLOW_FIND,
    STACK,
    STACK_LOW,
    STACK_LOW_CALL,
    STOP_DEADLINE,
    STOP_NONE,
    STOP_ON_UNMASK,
    STOP_UNMASK,
    STOP_WATCH,
    STOPPED,
    TAIL,
    TIMELINE,
    TIMELINE_COUNT,
    TIMELINE_LIMIT,
    TOUCH,
    TOUCHED,
    UNMASK,
    WATCH,
    WATCHED_NODE,
)
from mcusim.machine.memory_access import (
    call_discover,
    call_slow,
    call_stop,
    load_u32,
    load_word,
    store_word,
)
from mcusim.machine.memory_native import meet_touches, settle_touches

W = 8
MASK = 0xFFFFFFFF
WHOLE = 1 << 30
"""More instructions than a block has."""


@njit(inline="always")
def in_range(check):
    """True when the register of a check lies in its range, at its alignment."""
    bounds = load_word(check + 8)
    offset = (load_u32(load_word(check)) - bounds) & MASK
    return offset <= (bounds >> 32) & MASK and offset & load_word(check + 16) == 0


@native
def agrees(state, node):
    """True when the facts of ``node`` hold for the registers as they are now."""
    checks = load_word(node + NODE_CHECKS * W)
    if checks < 0:
        return evaluate(state, load_word(node + NODE_PROGRAM * W)) == load_word(node + NODE_KEY * W)
    for number in range(checks):  # noqa: SIM110  numba compiles no generator
        if not in_range(node + (CHECK + CHECK_WORDS * number) * W):
            return False
    return True


@native
def record_event(state, kind, name):
    """Append to the timeline while it has room."""
    count = load_word(state + TIMELINE_COUNT * W)
    if count < load_word(state + TIMELINE_LIMIT * W):
        entry = load_word(state + TIMELINE * W) + count * EVENT_WORDS * W
        store_word(entry, kind)
        store_word(entry + W, name)
        store_word(entry + 2 * W, load_word(state + CYCLES * W))
    store_word(state + TIMELINE_COUNT * W, count + 1)


@native
def switch_call(state, call):
    """Charge the time since the last switch to the current call-tree entry and go to ``call``."""
    now = load_word(state + CYCLES * W)
    current = load_word(state + CALL_CURRENT * W)
    store_word(current + CALL_SELF * W, load_word(current + CALL_SELF * W) + now - load_word(state + CALL_SINCE * W))
    store_word(state + CALL_SINCE * W, now)
    store_word(state + CALL_CURRENT * W, call)


@native
def find_child(state, parent, function):
    """The call-tree entry of ``function`` called from ``parent``, made when new; ``parent`` itself when the tree is full."""
    before, child = parent + CALL_CHILD * W, load_word(parent + CALL_CHILD * W)
    first = before
    while child:
        if load_word(child + CALL_FUNCTION * W) == function:
            store_word(before, load_word(child + CALL_SIBLING * W))
            break
        before = child + CALL_SIBLING * W
        child = load_word(before)
    if child == 0:
        count = load_word(state + CALL_COUNT * W)
        if count >= load_word(state + CALL_LIMIT * W):
            return parent
        store_word(state + CALL_COUNT * W, count + 1)
        child = load_word(state + CALLS * W) + count * CALL_WORDS * W
        store_word(child + CALL_FUNCTION * W, function)
        store_word(child + CALL_PARENT * W, parent)
    store_word(child + CALL_SIBLING * W, load_word(first))
    store_word(first, child)
    return child


@native
def enter_function(state, function, return_address, tail):
    """Push a frame and descend in the call tree; direct recursion stays in one entry."""
    top = load_word(state + FRAME_TOP * W)
    if top >= load_word(state + FRAME_LIMIT * W):
        return
    current = load_word(state + CALL_CURRENT * W)
    if tail and load_word(current + CALL_FUNCTION * W) == function:
        return
    frame = load_word(state + FRAMES * W) + top * FRAME_WORDS * W
    store_word(frame + FRAME_RETURN * W, return_address)
    store_word(frame + FRAME_CALL * W, current)
    store_word(frame + FRAME_TAIL * W, tail)
    store_word(state + FRAME_TOP * W, top + 1)
    child = current
    if load_word(current + CALL_FUNCTION * W) != function:
        child = find_child(state, current, function)
    store_word(child + CALL_TIMES * W, load_word(child + CALL_TIMES * W) + 1)
    switch_call(state, child)
    record_event(state, EVENT_ENTER, function)


@native
def leave_function(state, address):
    """Pop the frames that a return to ``address`` ends; a return that matches no frame is a plain jump."""
    frames = load_word(state + FRAMES * W)
    top = load_word(state + FRAME_TOP * W)
    level = top - 1
    while level >= 0:
        frame = frames + level * FRAME_WORDS * W
        if load_word(frame + FRAME_RETURN * W) == address and load_word(frame + FRAME_TAIL * W) == 0:
            break
        level -= 1
    if level < 0:
        return
    for number in range(top - 1, level - 1, -1):
        record_event(state, EVENT_LEAVE, load_word(load_word(state + CALL_CURRENT * W) + CALL_FUNCTION * W))
        switch_call(state, load_word(frames + number * FRAME_WORDS * W + FRAME_CALL * W))
    store_word(state + FRAME_TOP * W, level)


@native
def predict(state, node, taken):
    """Two-bit counter of the branch that ends ``node``, shared by all nodes that end in it; a miss costs its penalty."""
    place = load_word(node + NODE_COUNTER * W)
    counter = load_word(place)
    if (counter >= 2) != taken:
        store_word(node + NODE_MISSES * W, load_word(node + NODE_MISSES * W) + 1)
        store_word(state + MISPREDICTS * W, load_word(state + MISPREDICTS * W) + 1)
        store_word(state + CYCLES * W, load_word(state + CYCLES * W) + load_word(node + NODE_PENALTY * W))
    store_word(place, min(counter + 1, 3) if taken else max(counter - 1, 0))


@native
def stop(state, reason):
    """Ask Unicorn to stop before the block that is about to run."""
    store_word(state + STOPPED * W, reason)
    call_stop(load_word(state + EMU_STOP * W), load_word(state + ENGINE * W))


@native
def reach_deadline(state, node):
    """Stop, unless Python has just decided that ``node`` shall run as a whole; True when stopped."""
    held = load_word(state + HOLD * W) == node
    if not held:
        stop(state, STOP_DEADLINE)
    store_word(state + HOLD * W, 0)
    return not held


@native
def leave(state, node, address, flags):
    """What leaving ``node`` for ``address`` needs beyond counting."""
    taken = address != load_word(node + NODE_END * W)
    if flags & STACK:
        pointer = load_u32(load_word(state + REGISTERS * W) + 13 * 4) - load_word(node + NODE_DIP * W)
        if pointer < load_word(state + STACK_LOW * W):
            store_word(state + STACK_LOW * W, pointer)
            store_word(state + STACK_LOW_CALL * W, load_word(state + CALL_CURRENT * W))
    if flags & PREDICT:
        predict(state, node, taken)
    if taken:
        if flags & CALL:
            enter_function(state, address, load_word(node + NODE_RETURN * W), flags & TAIL)
        elif flags & RETURN:
            leave_function(state, address)


@native
def enter(state, node, following, slot, address):
    """Take the edge in ``slot`` from ``node`` to ``following``, with all that may hang on it."""
    word = load_word(slot + 16)
    flags = word >> 32
    store_word(slot + 24, load_word(slot + 24) + 1)
    if flags & TOUCHED:
        settle_touches(state, node, WHOLE)
        store_word(state + MET_NODE * W, 0)
    store_word(state + CYCLES * W, load_word(state + CYCLES * W) + (word & MASK))
    if flags & ~(TOUCH | TOUCHED):
        leave(state, node, address, flags)
    store_word(state + CURRENT * W, following)
    stopped = False
    if load_word(state + CYCLES * W) + load_word(following + NODE_LONGEST * W) >= load_word(state + DEADLINE * W):
        stopped = reach_deadline(state, following)
    elif flags & (UNMASK | WATCH):
        if flags & WATCH:
            store_word(state + WATCHED_NODE * W, node)
            stop(state, STOP_WATCH)
            stopped = True
        elif load_word(state + STOP_ON_UNMASK * W):
            stop(state, STOP_UNMASK)
            stopped = True
    if flags & TOUCH and not stopped:
        meet_touches(state, following)


@native
def edge_bucket(state, node, address):
    """Address of the hash-table word for edges from ``node`` to ``address``."""
    mixed = (node >> 6) * 0x9E3779B1 + (address >> 1) * 0x85EBCA77
    return load_word(state + EDGE_TABLE * W) + ((mixed ^ (mixed >> 15)) & load_word(state + EDGE_MASK * W)) * W


@native
def search(state, node, address, size):
    """Take a known edge from ``node`` to ``address`` whose facts hold; True when there was one."""
    for slot in (node + SLOT_A * W, node + SLOT_B * W):
        if load_word(slot) == address:
            following = load_word(slot + W)
            if load_word(following + NODE_SIZE * W) == size and agrees(state, following):
                enter(state, node, following, slot, address)
                return True
    edge = load_word(edge_bucket(state, node, address))
    while edge:
        if load_word(edge + EDGE_FROM * W) == node and load_word(edge + EDGE_ADDRESS * W) == address:
            following = load_word(edge + EDGE_NODE * W)
            if load_word(following + NODE_SIZE * W) == size and agrees(state, following):
                enter(state, node, following, edge + EDGE_ADDRESS * W, address)
                return True
        edge = load_word(edge + EDGE_NEXT * W)
    return False


SLOW = types.void(types.int64, types.int64, types.int64, types.int64)


@native_callback(SLOW)
def slow_find(state, node, address, size):
    """The slow way: search all edges, else let Python discover the block."""
    if load_word(state + BYPASS * W) or load_word(state + STOPPED * W) != STOP_NONE:
        return
    if search(state, node, address, size):
        return
    call_discover(load_word(state + DISCOVER * W), address, size)
    if load_word(state + STOPPED * W) == STOP_NONE:
        search(state, load_word(state + CURRENT * W), address, size)


@native_callback(SLOW)
def slow_enter(state, node, slot, address):
    """An edge that needs more than counting."""
    enter(state, node, load_word(slot + W), slot, address)


@native_callback(types.int64(types.int64, types.int64))
def evaluate_program(state, program):
    """Key of a fact program, for the hook."""
    return evaluate(state, program)


@native_callback(types.void(types.int64, types.int64, types.uint32, types.int64))
def on_block(engine, address, size, state):
    """UC_HOOK_BLOCK: one transition of the node graph. Everything rare is behind the two calls."""
    node = load_word(state + CURRENT * W)
    slot = node + SLOT_A * W
    if load_word(slot) != address:
        slot = node + SLOT_B * W
        if load_word(slot) != address:
            call_slow(load_word(state + SLOW_FIND * W), state, node, address, size)
            return
    following = load_word(slot + W)
    checks = load_word(following + NODE_CHECKS * W)
    check = following + CHECK * W
    while checks > 0 and in_range(check):
        checks -= 1
        check += CHECK_WORDS * W
    if checks != 0:
        call_slow(load_word(state + SLOW_FIND * W), state, node, address, size)
        return
    word = load_word(slot + 16)
    cycles = load_word(state + CYCLES * W) + (word & MASK)
    late = cycles + load_word(following + NODE_LONGEST * W) >= load_word(state + DEADLINE * W)
    if late or word > MASK:
        call_slow(load_word(state + SLOW_ENTER * W), state, node, slot, address)
        return
    store_word(slot + 24, load_word(slot + 24) + 1)
    store_word(state + CYCLES * W, cycles)
    store_word(state + CURRENT * W, following)
