"""The block hook in LLVM IR: what ``native.on_block`` says, without the wrapper that numba puts around a callback.

The hook runs at every block of the firmware, a few nanoseconds of work behind a call; numba's wrapper alone costs a third of
that. ``native.on_block`` is the readable twin, and a test holds both to the same counts.
"""

from __future__ import annotations

from functools import cache

import llvmlite.binding as llvm

from mcusim.machine import layout as L

_TEMPLATE = """
define void @on_block(i64 %engine, i64 %address, i32 %size, ptr %state) nounwind {{
entry:
  %current = getelementptr i64, ptr %state, i64 {CURRENT}
  %node = load ptr, ptr %current
  %slot_a = getelementptr i64, ptr %node, i64 {SLOT_A}
  %address_a = load i64, ptr %slot_a
  %takes_a = icmp eq i64 %address_a, %address
  br i1 %takes_a, label %found, label %try_b

try_b:
  %slot_b = getelementptr i64, ptr %node, i64 {SLOT_B}
  %address_b = load i64, ptr %slot_b
  %takes_b = icmp eq i64 %address_b, %address
  br i1 %takes_b, label %found, label %search, !prof !0

found:
  %slot = phi ptr [ %slot_a, %entry ], [ %slot_b, %try_b ]
  %node_place = getelementptr i64, ptr %slot, i64 {SLOT_NODE}
  %following = load ptr, ptr %node_place
  %checks_place = getelementptr i64, ptr %following, i64 {NODE_CHECKS}
  %checks = load i64, ptr %checks_place
  %first_check = getelementptr i64, ptr %following, i64 {CHECK}
  %none = icmp eq i64 %checks, 0
  br i1 %none, label %agreed, label %any

any:
  %program = icmp slt i64 %checks, 0
  br i1 %program, label %evaluate, label %check

evaluate:
  %evaluate_place = getelementptr i64, ptr %state, i64 {SLOW_EVALUATE}
  %evaluator = load ptr, ptr %evaluate_place
  %program_place = getelementptr i64, ptr %following, i64 {NODE_PROGRAM}
  %rows = load ptr, ptr %program_place
  %key_now = call i64 %evaluator(ptr %state, ptr %rows)
  %key_place = getelementptr i64, ptr %following, i64 {NODE_KEY}
  %key = load i64, ptr %key_place
  %same = icmp eq i64 %key, %key_now
  br i1 %same, label %agreed, label %search, !prof !0

check:
  %remaining = phi i64 [ %checks, %any ], [ %fewer, %in_range ]
  %place = phi ptr [ %first_check, %any ], [ %next_place, %in_range ]
  %register_place = load ptr, ptr %place
  %register = load i32, ptr %register_place
  %bounds_place = getelementptr i64, ptr %place, i64 1
  %bounds = load i64, ptr %bounds_place
  %lowest = trunc i64 %bounds to i32
  %span_word = lshr i64 %bounds, 32
  %span = trunc i64 %span_word to i32
  %offset = sub i32 %register, %lowest
  %mask_place = getelementptr i64, ptr %place, i64 2
  %mask = load i32, ptr %mask_place
  %low_bits = and i32 %offset, %mask
  %outside = icmp ugt i32 %offset, %span
  %unaligned = icmp ne i32 %low_bits, 0
  %fails = or i1 %outside, %unaligned
  br i1 %fails, label %search, label %in_range, !prof !1

in_range:
  %fewer = sub i64 %remaining, 1
  %next_place = getelementptr i64, ptr %place, i64 {CHECK_WORDS}
  %done = icmp eq i64 %fewer, 0
  br i1 %done, label %agreed, label %check

agreed:
  %cost_place = getelementptr i64, ptr %slot, i64 {SLOT_COST}
  %word = load i64, ptr %cost_place
  %plain = icmp ult i64 %word, 4294967296
  %before = load i64, ptr %state
  %cycles = add i64 %before, %word
  %longest_place = getelementptr i64, ptr %following, i64 {NODE_LONGEST}
  %longest = load i64, ptr %longest_place
  %latest = add i64 %cycles, %longest
  %deadline_place = getelementptr i64, ptr %state, i64 {DEADLINE}
  %deadline = load i64, ptr %deadline_place
  %early = icmp slt i64 %latest, %deadline
  %simple = and i1 %plain, %early
  br i1 %simple, label %count, label %more, !prof !0

count:
  %count_place = getelementptr i64, ptr %slot, i64 {SLOT_COUNT}
  %times = load i64, ptr %count_place
  %again = add i64 %times, 1
  store i64 %again, ptr %count_place
  store i64 %cycles, ptr %state
  store ptr %following, ptr %current
  ret void

more:
  %enter_place = getelementptr i64, ptr %state, i64 {SLOW_ENTER}
  %enter = load ptr, ptr %enter_place
  tail call void %enter(ptr %state, ptr %node, ptr %slot, i64 %address)
  ret void

search:
  %find_place = getelementptr i64, ptr %state, i64 {SLOW_FIND}
  %find = load ptr, ptr %find_place
  %bytes = zext i32 %size to i64
  tail call void %find(ptr %state, ptr %node, i64 %address, i64 %bytes)
  ret void
}}

!0 = !{{!"branch_weights", i32 2000, i32 1}}
!1 = !{{!"branch_weights", i32 1, i32 2000}}
"""


@cache
def _engine() -> llvm.ExecutionEngine:
    """The compiled module; kept for the life of the process because Unicorn holds its address."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    names = {name: value for name, value in vars(L).items() if isinstance(value, int)}
    module = llvm.parse_assembly(_TEMPLATE.format(**names))
    module.verify()
    machine = llvm.Target.from_default_triple().create_target_machine(opt=2)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine


def block_hook_address() -> int:
    """Address of ``void on_block(uc_engine *, uint64_t address, uint32_t size, void *state)``."""
    return int(_engine().get_function_address("on_block"))
