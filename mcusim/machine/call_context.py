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


@dataclass(slots=True)
class Stack:
    """A stack: its name, highest address in use and the lowest that SP reached, with the call that reached it."""

    name: str
    top: int
    low: int
    low_call: int = 0


@dataclass(slots=True)
class Context:
    """A suspended chain of calls and the stack it runs on."""

    frames: np.ndarray
    call: int
    stack: Stack


class CallContexts:
    """Keeps the native call stack right across exceptions and context switches.

    A context is remembered under the address of the exception frame that suspended it; returning through another frame
    resumes another context, and one never seen before is a new task.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.suspended: dict[int, Context] = {}
        self.handlers = 0
        self.stacks: list[Stack] = []

    @property
    def _state(self) -> np.ndarray:
        return self.recorder.state

    def start(self, entry: int, top: int) -> None:
        """The program begins at ``entry`` on the main stack."""
        self.suspended.clear()
        self.handlers = 0
        if not self.stacks:
            self.main = Stack("main", top, top)
            self.stacks.append(self.main)
            self.recorder.calls[0, L.CALL_FUNCTION] = NO_ADDRESS
        self.stack = self.main
        self._state[L.FRAME_TOP] = 0
        switch_call(self.recorder.pointer, find_child(self.recorder.pointer, self.recorder.calls.ctypes.data, entry))
        self._load_low()

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

    def suspend(self, frame: int, thread: bool) -> None:
        """An exception frame was pushed at ``frame`` on the current stack."""
        self.note_low(frame)
        top = int(self._state[L.FRAME_TOP])
        self.suspended[frame] = Context(
            self.recorder.frames[:top].copy(), int(self._state[L.CALL_CURRENT]), self.stack
        )
        self._use(self.main)

    def enter_handler(self, handler: int) -> None:
        """A handler begins: its calls stand below the root."""
        self.handlers += 1
        root = self.recorder.calls.ctypes.data
        self._state[L.FRAME_TOP] = 0
        switch_call(self.recorder.pointer, root)
        enter_function(self.recorder.pointer, handler, HANDLER_MARK, 0)

    def leave_handler(self) -> None:
        """A handler ends."""
        self.handlers -= 1
        leave_function(self.recorder.pointer, HANDLER_MARK)

    def resume(self, frame: int, after: int, pc: int, process: bool, thread: bool) -> None:
        """The frame at ``frame`` was popped; execution goes on at ``pc`` with SP = ``after``."""
        context = self.suspended.pop(frame, None)
        if context is None:
            context = self._new_task(after, pc) if process else Context(np.zeros((0, L.FRAME_WORDS), np.int64), 0, self.main)
        count = len(context.frames)
        self.recorder.frames[:count] = context.frames
        self._state[L.FRAME_TOP] = count
        switch_call(self.recorder.pointer, context.call or self.recorder.calls.ctypes.data)
        self._use(context.stack)

    def _new_task(self, top: int, pc: int) -> Context:
        stack = Stack(f"task {len(self.stacks)}", top, top)
        self.stacks.append(stack)
        root = self.recorder.calls.ctypes.data
        return Context(np.zeros((0, L.FRAME_WORDS), np.int64), find_child(self.recorder.pointer, root, pc), stack)

    def switch_to_process_stack(self, pointer: int) -> None:
        """Thread mode went over to PSP by a write of CONTROL."""
        self._use(next((stack for stack in self.stacks if stack.top == pointer), None) or self._add(pointer))

    def _add(self, pointer: int) -> Stack:
        stack = Stack(f"process {len(self.stacks)}", pointer, pointer)
        self.stacks.append(stack)
        return stack

    def switch_to_main_stack(self) -> None:
        """Thread mode went back to MSP."""
        self._use(self.main)

    def close(self) -> None:
        """End of the run: charge the rest and note the last low-water mark."""
        switch_call(self.recorder.pointer, int(self._state[L.CALL_CURRENT]))
        self._save_low()
