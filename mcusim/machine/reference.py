"""The slow, obvious twin of the native profile: Python looks at every instruction and every access as it happens.

It runs the same machine, but instead of the block hook with its fact programs it installs Unicorn's per-instruction and memory
hooks, notes which instructions of a block really executed and which addresses they really touched, and prices each block when
it is over. About a thousand times slower; for tests only. Exceptions and register accesses are those of ``Machine``; programs
that are interrupted at a cycle are not comparable, because the twin has no live counter.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from unicorn import UC_HOOK_BLOCK, UC_HOOK_CODE, UC_HOOK_MEM_READ, UC_HOOK_MEM_WRITE, UC_MEM_WRITE, Uc
from unicorn import arm_const as A

from mcusim.energy.instruction_class import CLASS_OF
from mcusim.isa.decode import decode_block
from mcusim.isa.instruction import Block, Instruction
from mcusim.machine.blocks import first_prediction
from mcusim.machine.facts import address_mask
from mcusim.machine.machine import Machine
from mcusim.machine.memory_twin import TwinMemory
from mcusim.pricing.memory import FETCH, READ, WRITE
from mcusim.pricing.passage import Fact, Passage, State

DIVIDES = ("udiv", "sdiv")
LONG_MULTIPLIES = ("umull", "smull", "umlal", "smlal")


@dataclass(slots=True)
class Seen:
    """What happened in the running block: executed addresses, first accessed address and operands by instruction."""

    block: Block
    executed: set[int] = field(default_factory=set)
    accesses: dict[int, int] = field(default_factory=dict)
    operands: dict[int, tuple[int, int]] = field(default_factory=dict)


class ReferenceProfile:
    """Cycles and traffic of a program, instruction by instruction. Attach to a bare machine, run it, then ``close``."""

    def __init__(self, machine: Machine) -> None:
        self.machine, self.recorder = machine, machine.recorder
        self.state: State = self.recorder.pipeline.start()
        self.seen: Seen | None = None
        self.cycles = self.instructions = 0
        self.read_bytes: dict[str, int] = {}
        self.written_bytes: dict[str, int] = {}
        self.counters: dict[int, int] = {}
        self.events: Counter[tuple[str, str]] = Counter()
        self.now = -1
        self.memory = TwinMemory(self.recorder.timing)
        uc = machine.engine.uc
        uc.hook_add(UC_HOOK_BLOCK, self._on_block)
        uc.hook_add(UC_HOOK_CODE, self._on_instruction)
        uc.hook_add(UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, self._on_access)

    def _on_block(self, uc: Uc, address: int, size: int, _data: object) -> None:
        self._price(address)
        self.seen = Seen(decode_block(self.recorder.blocks.read_code, address, size))

    def _on_instruction(self, uc: Uc, address: int, size: int, _data: object) -> None:
        assert self.seen is not None
        self.now = address
        self.seen.executed.add(address)
        instruction = next(i for i in self.seen.block.instructions if i.address == address)
        if instruction.mnemonic in DIVIDES + LONG_MULTIPLIES:
            first, second = (int(self.machine.engine.registers[o.value]) for o in instruction.operands[-2:])
            self.seen.operands[address] = first, second

    def _on_access(self, uc: Uc, access: int, address: int, size: int, value: int, _data: object) -> None:
        assert self.seen is not None
        if not any(i.address == self.now and i.memory is not None for i in self.seen.block.instructions):
            return
        self.seen.accesses.setdefault(self.now, address)
        name = self.machine.space.names[self.recorder.regions.at(address)]
        table = self.written_bytes if access == UC_MEM_WRITE else self.read_bytes
        table[name] = table.get(name, 0) + size
        self._clear_it_state(uc)

    def _clear_it_state(self, uc: Uc) -> None:
        """A memory hook inside an IT block leaks IT state into the next block (Unicorn issue 2309): write it back as zero."""
        uc.reg_write(A.UC_ARM_REG_XPSR, uc.reg_read(A.UC_ARM_REG_XPSR) & ~0x0600FC00)

    def _price(self, following: int) -> None:
        seen, self.seen = self.seen, None
        if seen is None:
            return
        facts = {number: self._fact(seen, number) for number in range(len(seen.block.instructions))}
        region = self.recorder.regions.at(seen.block.address)
        self._count(seen)
        passage = self.recorder.pipeline.run(seen.block, self.state, facts, self.recorder.timing)
        exit = passage.fall if following == seen.block.end else passage.taken
        stalls = self._stalls(seen, facts, region, passage)
        self.events["cycles", "stall"] += stalls
        self.cycles += stalls + exit.cycles
        if passage.predicted:
            self._predict(seen.block.instructions[-1], following != seen.block.end, passage.mispredict_cycles)
        self.state = exit.state
        self.instructions += len(seen.block.instructions)

    def _count(self, seen: Seen) -> None:
        """Count what each instruction did."""
        names, region_at = self.machine.space.names, self.recorder.regions.at
        for instruction in seen.block.instructions:
            self.events["instructions", CLASS_OF[instruction.kind]] += 1
            self.events["fetch", names[region_at(instruction.address)]] += instruction.size // 2
            self._search(region_at(instruction.address), FETCH, instruction.size // 2)
            address, memory = seen.accesses.get(instruction.address), instruction.memory
            if address is not None and memory is not None:
                words = memory.count * (2 if memory.size == 8 else 1)
                self.events["write" if memory.write else "read", names[region_at(address)]] += words
                self._search(region_at(address), WRITE if memory.write else READ, 2 * words)

    def _search(self, region: int, kind: int, halfwords: int) -> None:
        """Count the ways that a cache searches for an access."""
        timing = self.recorder.timing
        path = timing.regions[region].paths.of(kind)
        for cache in timing.caches:
            if path is not None and cache.name == path.cache:
                self.events["ways", cache.name] += cache.ways * halfwords

    def _stalls(self, seen: Seen, facts: dict[int, Fact], code: int, passage: Passage) -> int:
        """Stall cycles of the block's fetches and accesses, one after the other."""
        total, unit, last = 0, self.memory.fetch_unit(code), -1
        for number, instruction in enumerate(seen.block.instructions):
            begin = self.cycles + (passage.boundaries[number - 1] if number else 0)
            if unit:
                for fetched in range(instruction.address // unit, (instruction.end - 1) // unit + 1):
                    if fetched != last:
                        total += self.memory.access(code, FETCH, fetched * unit, 1, begin + total)
                    last = fetched
            memory, address = instruction.memory, seen.accesses.get(instruction.address)
            if memory is not None and address is not None:
                kind, size = WRITE if memory.write else READ, memory.size * memory.count
                total += self.memory.access(facts[number].region, kind, address, size, begin + total)
        return total

    def _predict(self, branch: Instruction, taken: bool, penalty: int) -> None:
        counter = self.counters.setdefault(branch.address, first_prediction(branch))
        if (counter >= 2) != taken:
            self.cycles += penalty
        self.counters[branch.address] = min(counter + 1, 3) if taken else max(counter - 1, 0)

    def _fact(self, seen: Seen, number: int) -> Fact:
        instruction = seen.block.instructions[number]
        executed = instruction.address in seen.executed
        if not instruction.in_it:
            executed = True
        address = seen.accesses.get(instruction.address)
        operands = seen.operands.get(instruction.address)
        if address is not None:
            return Fact(region=self.recorder.regions.at(address), misalignment=address & address_mask(instruction))
        if operands is not None and instruction.mnemonic in DIVIDES + LONG_MULTIPLIES:
            return Fact(executed, operand_cycles=self._operand_cycles(instruction.mnemonic, *operands) if executed else 0)
        return Fact(executed=executed or instruction.branch is not None)

    def _operand_cycles(self, mnemonic: str, first: int, second: int) -> int:
        core = self.recorder.core
        table = core.divide_cycles if mnemonic in DIVIDES else core.multiply_long_cycles
        if not table:
            return 0
        if mnemonic.startswith("s"):
            first, second = (value if value < 1 << 31 else (1 << 32) - value for value in (first, second))
        return table[first.bit_length()][second.bit_length()]

    def close(self) -> None:
        """Price the last block, and add up what memories saw."""
        if self.seen is not None:
            self._price(self.seen.block.end)
        self.events["cycles", "active"] = self.cycles - self.events["cycles", "stall"]
        for name, cache in self.memory.caches.items():
            self.events.update({("hit", name): cache.hits, ("miss", name): cache.misses, ("writeback", name): cache.writebacks})
        for name, device in self.memory.devices.items():
            self.events.update({("device_read", name): device.reads, ("device_write", name): device.writes})
            self.events["device_ahead", name] += device.hits_ahead
