"""A core as data: what it can execute, what each kind of instruction costs, how it takes exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mcusim.errors import UnsupportedError
from mcusim.isa.kind import Kind

Table = tuple[tuple[int, ...], ...]
"""Square table of cycles, indexed by two counts of significant bits, 0..33."""

TABLE_SIZE = 34
"""Significant bits run from 0 (value 0) to 32; 33 is room for a magnitude that does not fit."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Price of one kind of instruction, in core cycles at zero wait states.

    ``cycles``: issue cycles, without the registers that ``each`` counts. ``each``: further cycles per word transferred
    (LDM and its like). ``refill``: cycles to restart fetching when the instruction leaves the straight line.
    ``latency``: cycles from issue until a result can be used by an ordinary consumer; 0 where the engine has no such
    notion. ``float_busy``: cycles for which the FPU takes nothing else. Engines with a scoreboard read ``result``, the
    row of the latency table that describes how the result is forwarded, and ``unit``, the pairing class.
    """

    cycles: int
    each: int = 0
    refill: int = 0
    latency: int = 0
    float_busy: int = 0
    result: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class ExceptionTiming:
    """Cycles of exception handling at zero wait states.

    ``entry``: from the boundary at which an exception is taken to its handler's first instruction. ``exit``: from the
    end of the return instruction to the first instruction returned to. ``tail_chain``: from handler to handler.
    ``late_arrival``: extra cycles when a more urgent exception takes over during stacking. ``float_save``: extra
    cycles for the FP part of the frame, at entry without lazy stacking or at the handler's first FP instruction with
    it. ``float_restore``: the same at exit.
    """

    entry: int
    exit: int
    tail_chain: int
    late_arrival: int = 0
    float_save: int = 0
    float_restore: int = 0


@dataclass(frozen=True, slots=True)
class Core:
    """A processor core. A variant is ``dataclasses.replace`` or one of the ``with_`` methods.

    ``architecture`` is ``"armv6-m"``, ``"armv7-m"`` or ``"armv8-m.main"``; ``fpu`` is ``""``, ``"fpv4-sp"``,
    ``"fpv5-sp"`` or ``"fpv5-dp"``. ``emulator_model`` names the CPU model that executes its instructions best.
    ``pipeline`` names the engine of ``mcusim.pricing`` that reads ``timing`` and ``rules`` (see
    ``mcusim.cores.rules``). ``divide_cycles`` and ``multiply_long_cycles`` give the operand-dependent cycles by
    significant bits of the operands' magnitudes ([dividend][divisor], [Rn][Rm]; empty where the core has none).
    ``counters`` are the DWT counters it implements. ``feature_registers`` maps the names of the Arm manual
    (``"MVFR0"`` ...) to their values.
    """

    name: str
    description: str
    architecture: str
    emulator_model: str
    cpuid: int
    pipeline: str
    timing: Mapping[Kind, Timing]
    exceptions: ExceptionTiming
    dsp: bool = False
    fpu: str = ""
    priority_bits: int = 8
    interrupts_max: int = 240
    rules: Any = None
    multiplier_options: tuple[int, ...] = ()
    divide_cycles: Table = ()
    multiply_long_cycles: Table = ()
    mispredict_cycles: int = 0
    counters: frozenset[str] = frozenset()
    mpu_regions: int = 0
    feature_registers: Mapping[str, int] = field(default_factory=dict)
    fpu_options: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    skips_change_timing: bool = False
    """Whether an instruction in a failed IT slot times differently from an executed one even where both take one
    slot."""
    unaligned_access: bool = True
    """Whether unaligned word and halfword accesses work (False: they fault)."""

    @property
    def has_fpu(self) -> bool:
        return bool(self.fpu)

    @property
    def has_double(self) -> bool:
        return self.fpu.endswith("-dp")

    @property
    def has_dsp(self) -> bool:
        return self.dsp

    def with_multiplier(self, cycles: int) -> Core:
        """The same core synthesised with a multiplier of ``cycles`` cycles (M0, M0+: 1 or 32)."""
        if cycles not in self.multiplier_options:
            allowed = ", ".join(map(str, self.multiplier_options)) or "none"
            raise UnsupportedError(f"core {self.name}: no multiplier of {cycles} cycles; allowed: {allowed}")
        return replace(self, timing={**self.timing, Kind.MULTIPLY: Timing(cycles)})

    def with_fpu(self, fpu: str) -> Core:
        """The same core with another of the FPUs it is licensed with; ``"none"`` is no FPU."""
        fpu = "" if fpu == "none" else fpu
        if fpu not in self.fpu_options:
            allowed = ", ".join(option or "none" for option in self.fpu_options)
            raise UnsupportedError(f"core {self.name}: no FPU {fpu or 'none'!r}; allowed: {allowed or 'none'}")
        return replace(self, fpu=fpu, feature_registers={**self.feature_registers, **self.fpu_options[fpu]})
