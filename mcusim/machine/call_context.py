"""Which stack and which chain of calls runs now: the main program, handlers, and the tasks of an operating system."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcusim.machine import layout as L
from mcusim.machine.native import (
    enter_function,
    find_child,
    leave_function,
    switch_call,
)
from mcusim.machine.recorder import Recorder

HANDLER_MARK = 1 << 40
NO_ADDRESS = 0xFFFFFFFF
UNSEEN_BYTES = 128
"""What the block that moves MSP away can have pushed before: all registers and S16 to S31 take 120 bytes."""


@dataclass(slots=True)
class Stack:
    """A stack: its name, highest address in use and the lowest that SP reached, with the call that reached it.

    ``process`` tells one that PSP pointed to.
    """

    name: str
    top: int
    low: int
    low_call: int = 0
    process: bool = False


@dataclass(slots=True)
class Context:
    """A suspended chain of calls and the stack it runs on."""

    frames: np.ndarray
    call: int
    stack: Stack


class CallContexts:
    """Keeps the native call stack right across exceptions and context switches.

    A context is remembered under the address of the exception frame that suspended it; returning through another frame
    resumes another context, and one never seen before is a new task. A write of a stack pointer to a place that no stack
    is known to reach begins a new stack. The cycles of exception entry and exit stand in the root of the call tree.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.suspended: dict[int, Context] = {}
        self.stacks: list[Stack] = []

    @property
    def _state(self) -> np.ndarray:
        return self.recorder.state

    def start(self, entry: int, top: int) -> None:
        """The program begins at ``entry`` on a main stack, after power-up or a reset."""
        self.suspended.clear()
        if not self.stacks:
            self.recorder.calls[0, L.CALL_FUNCTION] = NO_ADDRESS
            self.stack = self.main = self._add(top, process=False)
            self._load_low()
        self._use(self._stack_at(top, process=False))
        self._state[L.FRAME_TOP] = 0
        switch_call(self.recorder.pointer, find_child(self.recorder.pointer, self.root, entry))

    @property
    def root(self) -> int:
        """Pointer of the call tree's first entry."""
        return self.recorder.calls.ctypes.data

    def _save_low(self) -> None:
        low = int(self._state[L.STACK_LOW])
        if low < self.stack.low:
            self.stack.low, self.stack.low_call = low, int(self._state[L.STACK_LOW_CALL])

    def _load_low(self) -> None:
        self._state[L.STACK_LOW], self._state[L.STACK_LOW_CALL] = self.stack.low, self.stack.low_call

    def _use(self, stack: Stack) -> None:
        self._save_low()
        self.stack = stack
        self._load_low()

    def note_low(self, pointer: int) -> None:
        """The current stack has reached down to ``pointer``."""
        if pointer < int(self._state[L.STACK_LOW]):
            self._state[L.STACK_LOW] = pointer
            self._state[L.STACK_LOW_CALL] = self._state[L.CALL_CURRENT]

    def suspend(self, frame: int, main_pointer: int) -> None:
        """An exception frame was pushed at ``frame`` on the current stack; the handler runs at MSP = ``main_pointer``."""
        self.note_low(frame)
        call = int(self._state[L.CALL_CURRENT])
        self.suspended[frame] = Context(self.recorder.frames[: int(self._state[L.FRAME_TOP])].copy(), call, self.stack)
        switch_call(self.recorder.pointer, self.root)
        if frame != main_pointer:  # otherwise the frame lies on the main stack that is in use
            self._use(self._stack_at(main_pointer, process=False))

    def enter_handler(self, handler: int) -> None:
        """A handler begins: its calls stand below the root."""
        self._state[L.FRAME_TOP] = 0
        switch_call(self.recorder.pointer, self.root)
        enter_function(self.recorder.pointer, handler, HANDLER_MARK, 0)

    def leave_handler(self) -> None:
        """A handler ends."""
        leave_function(self.recorder.pointer, HANDLER_MARK)

    def resume(self, frame: int, after: int, pc: int, process: bool, thread: bool) -> None:
        """The frame at ``frame`` was popped; execution goes on at ``pc`` with SP = ``after``."""
        context = self.suspended.pop(frame, None)
        if context is None:
            context = self._new_context(after, pc, process)
        count = len(context.frames)
        self.recorder.frames[:count] = context.frames
        self._state[L.FRAME_TOP] = count
        switch_call(self.recorder.pointer, context.call)
        self._use(context.stack)

    def _new_context(self, top: int, pc: int, process: bool) -> Context:
        """What runs behind a frame that no exception has pushed: the first turn of a task."""
        call = find_child(self.recorder.pointer, self.root, pc)
        return Context(np.zeros((0, L.FRAME_WORDS), np.int64), call, self._stack_at(top, process, "task"))

    def switch_stack(self, pointer: int, process: bool) -> None:
        """MSR wrote a stack pointer or CONTROL: SP is ``pointer`` now, on PSP (``process``) or MSP."""
        self._use(self._stack_at(pointer, process))

    def _stack_at(self, pointer: int, process: bool, kind: str = "process") -> Stack:
        """The stack that begins at ``pointer``, else the one that reaches it, else a new one."""
        self._save_low()
        stacks = [stack for stack in self.stacks if stack.process == process]
        same = next((stack for stack in stacks if stack.top == pointer), None)
        slack = 0 if process else UNSEEN_BYTES
        around = next((stack for stack in stacks if stack.low - slack <= pointer <= stack.top), None)
        return same or around or self._add(pointer, process, kind)

    def _add(self, pointer: int, process: bool, kind: str = "") -> Stack:
        number = len(self.stacks)
        name = f"{kind} {number}" if process else f"main {number}" if number else "main"
        stack = Stack(name, pointer, pointer, int(self._state[L.CALL_CURRENT]), process)
        self.stacks.append(stack)
        return stack

    def close(self) -> None:
        """End of the run: charge the rest and note the last low-water mark."""
        switch_call(self.recorder.pointer, int(self._state[L.CALL_CURRENT]))
        self._save_low()
