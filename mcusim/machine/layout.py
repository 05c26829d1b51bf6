"""Layout of the records that native code and Python share: word indices into int64 arrays.

State is one record; a node is a block seen with one entry state and one set of facts; an edge is a way from node to node that
found no room in the node's two successor slots. Pointers are plain addresses of NumPy arrays that the recorder keeps alive.
"""

from mcusim.boards.energy_table import MEMORY_EVENTS

WORD = 8

# --- state -----------------------------------------------------------------------------------------------------------
CYCLES, DEADLINE, CURRENT, REGISTERS = 0, 1, 2, 3
DISCOVER, ENGINE, EMU_STOP, REG_READ = 4, 5, 6, 7
EDGES, EDGE_TABLE, EDGE_MASK = 8, 9, 10
FRAMES, FRAME_TOP, FRAME_LIMIT = 11, 12, 13
CALLS, CALL_CURRENT, CALL_COUNT, CALL_LIMIT, CALL_SINCE = 14, 15, 16, 17, 18
STACK_LOW, STACK_LOW_CALL = 19, 20
TIMELINE, TIMELINE_COUNT, TIMELINE_LIMIT = 21, 22, 23
REGIONS, REGION_COUNT = 24, 25
SCRATCH, FACTS, PROGRAM_KEY = 26, 27, 28
DIVIDE_TABLE, MULTIPLY_TABLE = 29, 30
MISPREDICTS = 31
STOPPED, STOPPED_ADDRESS, STOPPED_SIZE = 33, 34, 35
HOLD = 36
STOP_ON_UNMASK = 37
BYPASS = 38
UNKNOWN_FACTS = 39
WATCHED_NODE = 40
SLOW_FIND, SLOW_ENTER, SLOW_EVALUATE = 41, 42, 43
ADDRESSES, MET_NODE, MET_DONE, MET_STALLS = 44, 45, 46, 47
"""Touches of the running block: their addresses, the node they belong to, how many of them were walked, the stalls they had."""
LANE_CLOCK = 48
"""0, or where the lanes keep their time (below)."""
STATE_WORDS = 64

# Values of STOPPED.
STOP_NONE, STOP_DEADLINE, STOP_UNMASK, STOP_ERROR, STOP_WATCH, STOP_ARM_STATE = 0, 1, 2, 3, 4, 5

# --- node ------------------------------------------------------------------------------------------------------------
NODE_ADDRESS = 0
SLOT_A, SLOT_B = 1, 5  # each: address, node, cost | flags << 32, count
SLOT_ADDRESS, SLOT_NODE, SLOT_COST, SLOT_COUNT = 0, 1, 2, 3
NODE_FLAGS, NODE_LONGEST, NODE_CHECKS = 9, 10, 11  # NODE_CHECKS is -1 where a fact program must run
CHECK = 12  # each check: address of the register, lowest value | span << 32, mask of low bits that must be zero
CHECK_WORDS = 3
CHECKS_MAX = 4
NODE_PROGRAM, NODE_KEY, NODE_END, NODE_BLOCK = 24, 25, 26, 27
NODE_COUNTER, NODE_INDEX, NODE_SIZE, NODE_RETURN = 28, 29, 30, 31
NODE_DIP, NODE_MISSES, NODE_PENALTY = 32, 33, 34
NODE_TOUCHES, NODE_TOUCH_COUNT = 35, 36
NODE_STALLS = 37
"""Three words: stall cycles of fetches, reads and writes (mcusim.pricing.memory)."""
NODE_LANES = 40
"""0, or the address of as many words for each lane: LANES of fetches, of reads, of writes."""
NODE_WORDS = 41

# Bits of NODE_FLAGS: what leaving the node needs beyond counting.
CALL, RETURN, STACK, UNMASK, PREDICT, TAIL, WATCH = 1, 2, 4, 8, 16, 32, 64
TOUCHED, TOUCH = 128, 256
"""TOUCHED: the node accesses memories that have paths; TOUCH, of an edge only: the node it leads to does."""

# --- edge ------------------------------------------------------------------------------------------------------------
EDGE_FROM, EDGE_ADDRESS, EDGE_NODE, EDGE_COST, EDGE_COUNT, EDGE_NEXT = 0, 1, 2, 3, 4, 5
EDGE_WORDS = 6

# --- call frame, call-tree entry, timeline entry -----------------------------------------------------------------------
FRAME_RETURN, FRAME_CALL, FRAME_TAIL = 0, 1, 2
FRAME_WORDS = 3
CALL_FUNCTION, CALL_PARENT, CALL_CHILD, CALL_SIBLING, CALL_TIMES, CALL_SELF = 0, 1, 2, 3, 4, 5
CALL_WORDS = 6
EVENT_KIND, EVENT_NAME, EVENT_CYCLE = 0, 1, 2
EVENT_WORDS = 3
EVENT_ENTER, EVENT_LEAVE, EVENT_EXCEPTION_ENTER, EVENT_EXCEPTION_LEAVE = 0, 1, 2, 3

# --- memory region -----------------------------------------------------------------------------------------------------
REGION_START, REGION_END, REGION_HOST, REGION_INDEX = 0, 1, 2, 3
REGION_WORDS = 4

# --- memories: touches of a node, paths, caches, devices (mcusim.pricing.memory) ---------------------------------------------
TOUCH_PATH, TOUCH_INSTRUCTION, TOUCH_OFFSET, TOUCH_POINTER, TOUCH_ADDEND, TOUCH_LENGTH = 0, 1, 2, 3, 4, 5
"""TOUCH_OFFSET: cycles from block entry to the instruction. Address: TOUCH_ADDEND + the 32 bits at TOUCH_POINTER (0: none)."""
TOUCH_UNIT, TOUCH_EPOCH, TOUCH_STAMP = 6, 7, 8
"""What the touch hit last in its cache: the unit, the cache's epoch then, and where its stamp is."""
TOUCH_AGAIN, TOUCH_COUNTS = 9, 10
"""TOUCH_AGAIN: hits booked without a look-up, which caches and paths do not count. TOUCH_COUNTS: what all other touches were
to cache and device, in the order of COUNTED."""
TOUCH_GIVEN, TOUCH_WORDS = 6, 16
TOUCHES_MAX = 4096
"""More than one block can have."""
PATH_CACHE, PATH_DEVICE, PATH_KIND, PATH_SHIFT, PATH_BUFFERED, PATH_LEAD, PATH_LAST = 0, 1, 2, 3, 4, 5, 6
"""PATH_SHIFT: of the unit that is looked up at once. PATH_LAST: address of the word that holds the unit touched last."""
PATH_OWN_LAST, PATH_UNITS, PATH_STALLS, PATH_FREE, PATH_STORES = 7, 8, 9, 10, 11
"""PATH_UNITS counts units touched that were not the one touched last. PATH_FREE: accesses are counted, but never wait."""
PATH_WORDS = 12
CACHE_SHIFT, CACHE_SECTOR_SHIFT, CACHE_SET_MASK, CACHE_WAYS, CACHE_ROTATE, CACHE_ALLOCATE = 0, 1, 2, 3, 4, 5
CACHE_TAGS, CACHE_STAMPS, CACHE_VALID, CACHE_DIRTY, CACHE_MEMO = 6, 7, 8, 9, 10
CACHE_CLOCK, CACHE_LAST, CACHE_HITS, CACHE_MISSES, CACHE_WRITEBACKS = 11, 12, 13, 16, 19
"""CACHE_HITS and CACHE_MISSES: three words each, by kind of access."""
CACHE_EPOCH, CACHE_UNUSED, CACHE_PLACE = 20, 21, 22
"""CACHE_EPOCH counts changes of what is held. CACHE_UNUSED takes the stamps of caches that replace in turn. CACHE_PLACE: of
the line looked up last, -1 where it was not kept."""
CACHE_WORDS = 23
MEMO_MASK = 1023
"""Lines find their place through a table of that size first."""
DEVICE_SHIFT, DEVICE_FIRST, DEVICE_NEXT, DEVICE_CRITICAL, DEVICE_RECOVERY, DEVICE_PREFETCH = 0, 1, 2, 3, 4, 5
DEVICE_WRITE, DEVICE_BACKLOG = 6, 7
DEVICE_BUSY, DEVICE_AHEAD, DEVICE_READY = 8, 9, 10
"""Until when the device is busy; the word read ahead, and when it is there."""
DEVICE_READS, DEVICE_HITS_AHEAD, DEVICE_WRITES = 11, 12, 13
DEVICE_LANES, DEVICE_LANE_CLOCK = 14, 15
"""DEVICE_LANES: 0, or the address of its lanes."""
DEVICE_CHAINS, DEVICE_CHAIN, DEVICE_LEAST, DEVICE_WINDOW = 16, 17, 18, 19
DEVICE_PAGE_SHIFT, DEVICE_ANYWHERE, DEVICE_BREAK, DEVICE_BEHIND = 20, 21, 22, 23
"""DEVICE_CHAINS: reads may go on where the last one ended, in front of the word DEVICE_BEHIND."""
DEVICE_WORDS = 24

COUNTED = MEMORY_EVENTS
"""Events of memories that are told apart by touch."""

# --- lanes: the same accesses in memories with other wait states, followed as the run goes ----------------------------------
LANES = 16
"""Numbers of wait states followed: 0 to 15."""
LANE_FIRST, LANE_NEXT, LANE_RECOVERY, LANE_WRITE, LANE_BACKLOG, LANE_FREE, LANE_BUSY, LANE_READY = range(8)
LANE_CHAIN, LANE_LEAST = 8, 9
LANE_WORDS = 10
CLOCK_BEHIND, CLOCK_STALL, CLOCK_ASKED = 0, LANES, 2 * LANES
"""By lane: cycles by which it is later than the run, and its stall in the access at hand; whether a device was asked."""
CLOCK_WORDS = 2 * LANES + 1

# --- fact program: rows of op, destination, a, b, immediate ------------------------------------------------------------
ROW_WORDS = 5
(
    OP_END, OP_REGISTER, OP_IMMEDIATE, OP_ADD, OP_SUBTRACT, OP_AND, OP_OR, OP_XOR, OP_CLEAR, OP_NOT,
    OP_SHIFT_LEFT, OP_SHIFT_RIGHT, OP_SHIFT_ARITHMETIC, OP_ROTATE, OP_MULTIPLY, OP_FIELD, OP_SIGNED_FIELD,
    OP_DIVIDE, OP_DIVIDE_SIGNED, OP_LEADING_ZEROS, OP_LOAD, OP_STORE, OP_FLAGS, OP_FLAGS_ADD, OP_FLAGS_SUBTRACT,
    OP_FLAGS_LOGIC, OP_CONDITION, OP_SELECT, OP_ACCESS, OP_EXECUTED, OP_DIVIDE_CLASS, OP_MULTIPLY_CLASS, OP_CARRY_SHIFT,
    OP_CODE, OP_SPECIAL,
    OP_MULTIPLY_HIGH, OP_MULTIPLY_HIGH_SIGNED, OP_REVERSE,
) = range(38)
FACT_OPS = frozenset({OP_ACCESS, OP_EXECUTED, OP_DIVIDE_CLASS, OP_MULTIPLY_CLASS})
"""Rows that yield one fact each, in the order of the program's slots."""
DIVIDE_TRAP = 255
"""Class of a division by zero while CCR.DIV_0_TRP is set."""
VALUES_MAX = 1 << 15
"""Most values one fact program can have: the longest block holds 512 narrow or 256 wide instructions, of which the worst, an
LDM of 14 registers in an IT block, needs 60."""
OVERLAY_MAX = 512
SCRATCH_WORDS = VALUES_MAX + 3 * OVERLAY_MAX
FACTS_MAX = 512
"""Most fact classes one block can have: a translation block never has more instructions than that."""
