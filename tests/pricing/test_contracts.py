"""What every engine promises, on every core: sums, order, and that a state carries all that later instructions can
feel."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import pytest

from mcusim import cores
from mcusim.errors import UnsupportedError
from mcusim.isa.instruction import Block
from mcusim.isa.kind import LOADS, STORES, Kind
from mcusim.isa.legality import illegal_reason
from mcusim.pricing import pipeline
from mcusim.pricing.causes import CAUSES
from mcusim.pricing.memory import Cache, Device, Path, Paths
from mcusim.pricing.passage import Exit, Fact, MemoryTiming, Passage, Pipeline, RegionTiming, State
from tests.isa.assembly import block_of, code_of, instruction_of, words_of
from tests.isa.examples import EXAMPLES
from tests.pricing.test_documented_cycles import TABLES

TIMINGS = {
    "ideal": MemoryTiming((RegionTiming("flash"), RegionTiming("ram", slave=1))),
    "slow": MemoryTiming((RegionTiming("flash"), RegionTiming("ram", slave=1, opening_cycles=1))),
    "port": MemoryTiming((RegionTiming("flash"), RegionTiming("port", single_cycle_io=True))),
    "cached": MemoryTiming((
        RegionTiming("flash", paths=Paths(Path("flash", "instruction"), Path("flash", "data"))),
        RegionTiming("ram", slave=1, paths=Paths(None, Path("ram"), Path("ram"))),
    ), (Cache("instruction", 32, 2, 2), Cache("data", 32, 2, 2)), (Device("flash", 8, 9), Device("ram", 4, 1))),
}  # fmt: skip


@lru_cache
def engine_of(core: str) -> Pipeline:
    return pipeline(cores.load(core))


@lru_cache
def pool(core: str) -> tuple[str, ...]:
    """Machine code of straight-line instructions that the core has: all that its rows and the examples hold."""
    words = {words_of(code) for row in TABLES[core] for code in pieces(row.words)}
    words |= {code for _, code in EXAMPLES.values()}
    return tuple(sorted(one for one in words if suits(core, one)))


def pieces(words: str) -> list[bytes]:
    code, block = code_of(words), block_of(words)
    return [code[one.address - block.address : one.end - block.address] for one in block.instructions]


def suits(core: str, words: str) -> bool:
    instruction = instruction_of(words)
    straight = instruction.branch is None and instruction.kind is not Kind.IT
    return straight and illegal_reason(instruction, cores.load(core)) is None


def sequence(core: str, seed: str) -> tuple[Block, dict[int, Fact]]:
    """Random straight-line code, half of it with a conditional branch at its end, and random facts."""
    choice = random.Random(seed)
    code = [choice.choice(pool(core)) for _ in range(choice.randrange(1, 14))]
    if choice.random() < 0.5:
        code.append("d0fe")
    block = block_of(" ".join(code), 0x8000 + 2 * choice.randrange(8))
    return block, {index: fact(choice) for index in range(len(block.instructions)) if choice.random() < 0.6}


def fact(choice: random.Random) -> Fact:
    return Fact(region=choice.randrange(2), misalignment=choice.randrange(8), operand_cycles=choice.randrange(3, 6))


def cases(count: int = 60) -> list[object]:
    return [
        pytest.param(core, timing, seed, id=f"{core}-{timing}-{seed}")
        for core in cores.NAMES
        for timing in TIMINGS
        for seed in range(count)
    ]


def check_exit(exit: Exit) -> None:
    assert sum(exit.causes.values()) == exit.cycles
    assert set(exit.causes) <= set(CAUSES)
    assert min(exit.causes.values(), default=1) > 0
    assert hash(exit.state) == hash(exit.state)


def check_passage(block: Block, passage: Passage) -> None:
    assert len(passage.boundaries) == len(block.instructions)
    assert list(passage.boundaries) == sorted(passage.boundaries)
    assert passage.boundaries[0] >= 0
    assert passage.boundaries[-1] == passage.fall.cycles
    assert passage.taken.cycles >= passage.fall.cycles or passage.predicted
    for exit in (passage.fall, passage.taken):
        check_exit(exit)
    # The Armv7-M profiling equation without exceptions and sleep (DDI 0403E, C1.8.4).
    counted = len(block.instructions) + passage.extra_cycles + passage.load_store_cycles - passage.folded
    assert counted == passage.fall.cycles


@pytest.mark.parametrize(("core", "timing", "seed"), cases(20))
def test_the_parts_of_a_passage_add_up(core: str, timing: str, seed: int) -> None:
    block, facts = sequence(core, f"sums {core} {timing} {seed}")
    engine = engine_of(core)
    passage = engine.run(block, engine.start(), facts, TIMINGS[timing])
    check_passage(block, passage)
    assert passage == engine.run(block, engine.start(), facts, TIMINGS[timing])


def parts(block: Block, facts: Mapping[int, Fact], at: int) -> list[tuple[Block, dict[int, Fact]]]:
    """The block cut before instruction ``at``."""
    first, second = block.instructions[:at], block.instructions[at:]
    return [
        (Block(first[0].address, first), {index: one for index, one in facts.items() if index < at}),
        (Block(second[0].address, second), {index - at: one for index, one in facts.items() if index >= at}),
    ]


@pytest.mark.parametrize(("core", "timing", "seed"), cases(40))
def test_a_block_cut_in_two_costs_what_the_whole_costs(core: str, timing: str, seed: int) -> None:
    block, facts = sequence(core, f"cut {core} {timing} {seed}")
    engine, memory = engine_of(core), TIMINGS[timing]
    whole = engine.run(block, engine.start(), facts, memory)
    for at in range(1, len(block.instructions)):
        (first, first_facts), (second, second_facts) = parts(block, facts, at)
        head = engine.run(first, engine.start(), first_facts, memory)
        tail = engine.run(second, head.fall.state, second_facts, memory)
        assert head.boundaries + tuple(head.fall.cycles + one for one in tail.boundaries) == whole.boundaries
        assert tail.fall.state == whole.fall.state
        assert tail.taken.state == whole.taken.state
        assert head.fall.cycles + tail.taken.cycles == whole.taken.cycles
        assert tail.mispredict_cycles == whole.mispredict_cycles


@pytest.mark.parametrize("core", ["m3", "m4", "m7", "m33"])
@pytest.mark.parametrize("seed", range(40))
def test_conditional_instructions_can_be_cut_apart_too(core: str, seed: int) -> None:
    choice = random.Random(f"conditional {core} {seed}")
    block, facts = sequence(core, f"conditional {core} {seed}")
    code = tuple(
        replace(one, in_it=True, condition=choice.randrange(14)) if one.branch is None and choice.random() < 0.5 else one
        for one in block.instructions
    )
    engine, block = engine_of(core), Block(block.address, code)
    whole = engine.run(block, engine.start(), facts, TIMINGS["ideal"])
    for at in range(1, len(code)):
        (first, first_facts), (second, second_facts) = parts(block, facts, at)
        head = engine.run(first, engine.start(), first_facts, TIMINGS["ideal"])
        tail = engine.run(second, head.fall.state, second_facts, TIMINGS["ideal"])
        assert head.fall.cycles + tail.fall.cycles == whole.fall.cycles


def legal(core: str) -> list[Kind]:
    """Kinds whose example the core executes."""
    return [kind for kind in Kind if illegal_reason(instruction_of(EXAMPLES[kind][1]), cores.load(core)) is None]


@pytest.mark.parametrize(("core", "kind"), [(core, kind) for core in cores.NAMES for kind in legal(core)])
def test_every_kind_that_a_core_has_is_priced(core: str, kind: Kind) -> None:
    engine, instruction = engine_of(core), instruction_of(EXAMPLES[kind][1])
    passage = engine.run(Block(0x8000, (instruction,)), engine.start(), {}, TIMINGS["ideal"])
    assert 1 <= passage.fall.cycles <= 32


@pytest.mark.parametrize("core", cores.NAMES)
def test_pricing_what_the_core_lacks_stops_with_the_instruction_named(core: str) -> None:
    divide, single, double, test_target = "fbb1 f0f2", "ee30 0a81", "ee31 0b02", "e840 f100"
    missing = {"m0": divide, "m0plus": divide, "m3": single, "m4": double, "m7": test_target, "m33": double}
    engine = engine_of(core)
    with pytest.raises(UnsupportedError, match=r"0x00008000.*core " + core):
        engine.run(block_of(missing[core]), engine.start(), {}, TIMINGS["ideal"])


@pytest.mark.parametrize("core", cores.NAMES)
@pytest.mark.parametrize("timing", TIMINGS)
def test_states_are_few(core: str, timing: str) -> None:
    """A long random walk over blocks meets a number of states that does not grow with its length."""
    choice, engine = random.Random(f"states {core} {timing}"), engine_of(core)
    blocks = [sequence(core, f"state {core} {number}") for number in range(40)]
    state: State = engine.start()
    seen: list[int] = []
    states: set[State] = set()
    for step in range(3000):
        block, facts = blocks[choice.randrange(len(blocks))]
        passage = engine.run(block, state, facts, TIMINGS[timing])
        state = (passage.taken if choice.random() < 0.5 else passage.fall).state
        states.add(state)
        if step in (1499, 2999):
            seen.append(len(states))
    assert seen[1] <= 10 * len(blocks)
    assert seen[1] <= seen[0] * 1.5 + 5


def cycles(engine: Pipeline, block: Block, facts: Mapping[int, Fact], timing: str) -> int:
    return engine.run(block, engine.start(), facts, TIMINGS[timing]).fall.cycles


@pytest.mark.parametrize("core", cores.NAMES)
def test_paths_of_a_region_cost_nothing_here(core: str) -> None:
    """The machine adds their stalls, access by access."""
    engine = engine_of(core)
    for seed in range(30):
        block, facts = sequence(core, f"cached {core} {seed}")
        assert cycles(engine, block, facts, "cached") == cycles(engine, block, facts, "ideal")


@pytest.mark.parametrize("core", ["m3", "m4", "m33"])
def test_a_skipped_access_costs_one_cycle_and_no_wait(core: str) -> None:
    """Armv6-M has no IT; M7 goes through a skipped instruction as if it executed."""
    engine = engine_of(core)
    for kind in sorted(LOADS | STORES):
        instruction = instruction_of(EXAMPLES[kind][1], 0x8000)
        if illegal_reason(instruction, cores.load(core)) is None:
            block = Block(0x8000, (instruction,))
            passage = engine.run(block, engine.start(), {0: Fact(executed=False, region=1)}, TIMINGS["ideal"])
            assert passage.fall.cycles == 1
