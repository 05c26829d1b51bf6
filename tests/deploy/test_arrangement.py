"""Where memory is short: other memories of the board first, then rewritings; outputs stay what they are, bit for bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mcusim
from mcusim import boards
from mcusim.bench.table import total_lines
from mcusim.boards import Board
from mcusim.deploy.buffers import PlanError
from mcusim.deploy.build import BuildOptions, arranged, build
from mcusim.deploy.layout import arena_memories, joined_banks, layout_of
from mcusim.deploy.placement import Placement
from mcusim.network import Network
from mcusim.network import operators as ops
from mcusim.network.reference import run
from tests.deploy.target import CHECKED, answers, assert_same, constant, network_of, quantized, samples

L4R5, M4 = boards.load("nucleo-l4r5zi"), boards.load("m4")
STACK_BYTES = 2048


def mobile(height: int = 24, width: int = 20, channels: int = 8) -> Network:
    """The first layers of a MobileNet: few channels and many pixels, then fewer pixels and more channels."""
    random = np.random.default_rng(height * width)

    def weights(name: str, shape: tuple[int, ...], axis: int) -> list:
        count = shape[axis]
        data = random.integers(-127, 128, shape, np.int8)
        return [
            constant(f"{name}_w", data, random.uniform(0.001, 0.004, count), axis),
            constant(f"{name}_b", random.integers(-900, 900, count, np.int32), [1.0]),
        ]

    down = (-(-height // 2), -(-width // 2))
    half = (-(-down[0] // 2), -(-down[1] // 2))
    tensors = [
        quantized("in", (1, height, width, 3), 0.02, -7),
        *weights("a", (channels, 3, 3, 3), 0), quantized("t1", (1, *down, channels), 0.03, -20),
        *weights("b", (1, 3, 3, channels), 3), quantized("t2", (1, *down, channels), 0.04, -128),
        *weights("c", (2 * channels, 1, 1, channels), 0), quantized("t3", (1, *down, 2 * channels), 0.03, -11),
        *weights("d", (1, 3, 3, 2 * channels), 3), quantized("t4", (1, *half, 2 * channels), 0.05, 4),
        *weights("e", (channels, 1, 1, 2 * channels), 0), quantized("out", (1, *half, channels), 0.05, -3),
    ]  # fmt: skip
    two, around = (2, 2), ops.Padding(1, 1, 1, 1)
    after = ops.Padding(height % 2, 1, width % 2, 1)
    behind = ops.Padding(down[0] % 2, 1, down[1] % 2, 1)
    return network_of(
        "mobile", tensors,
        (ops.Conv2D(two, padding=after), "in a_w a_b", "t1"),
        (ops.DepthwiseConv2D(padding=around, activation=ops.Activation.RELU), "t1 b_w b_b", "t2"),
        (ops.Conv2D(), "t2 c_w c_b", "t3"),
        (ops.DepthwiseConv2D(two, padding=behind), "t3 d_w d_b", "t4"),
        (ops.Conv2D(), "t4 e_w e_b", "out"),
    )  # fmt: skip


def with_sizes(board: Board, **sizes: int) -> Board:
    """A board that leaves firmware less of its memories."""
    assert board.firmware is not None
    return replace(board, firmware=replace(board.firmware, sizes={**board.firmware.sizes, **sizes}))


def bench(network: Network, board: Board, **options):
    chosen = BuildOptions(stack_bytes=STACK_BYTES, **options)
    (found,) = mcusim.bench(network, board, check=2, cache=False, options=chosen).results
    return found


def test_a_network_that_fits_is_built_as_it_is() -> None:
    network = mobile()
    found = arranged(network, L4R5)
    assert found.network is network
    assert (found.changes, list(found.plan.peak_bytes)) == ((), ["ram"])


@pytest.mark.parametrize("core", ["m0plus", "m4"])
@pytest.mark.parametrize("shape", [(24, 20, 8), (23, 17, 14)], ids=["even", "odd"])
def test_layers_in_bands_give_what_the_twin_gives(core: str, shape: tuple[int, int, int], tmp_path: Path) -> None:
    network, options = mobile(*shape), replace(CHECKED, smallest=True)
    plain, found = arranged(network, boards.load(core)), arranged(network, boards.load(core), options)
    assert found.plan.total_bytes < plain.plan.total_bytes
    assert any("bands of rows" in change for change in found.changes)
    inputs = samples(network, 2)
    assert_same(answers(network, core, inputs, tmp_path, options), [run(network, each) for each in inputs])


def test_an_arena_keeps_to_its_limit_with_as_few_macs_more_as_found() -> None:
    network = mobile()
    plain, least = arranged(network, M4), arranged(network, M4, BuildOptions(smallest=True))
    limit = (plain.plan.total_bytes + least.plan.total_bytes) // 2
    found = arranged(network, M4, BuildOptions(arena_limit_bytes=limit))
    assert found.plan.total_bytes <= limit
    assert plain.macs <= found.macs <= least.macs


def test_a_limit_that_the_network_keeps_anyway_changes_nothing() -> None:
    total = arranged(mobile(), M4).plan.total_bytes
    assert arranged(mobile(), M4, BuildOptions(arena_limit_bytes=total)).changes == ()


def test_a_limit_below_the_smallest_arena_is_refused_with_its_size() -> None:
    least = arranged(mobile(), M4, BuildOptions(smallest=True)).plan.total_bytes
    with pytest.raises(PlanError, match=f"mobile: the smallest arena found has {least:,} bytes; allowed are 100"):
        arranged(mobile(), M4, BuildOptions(arena_limit_bytes=100))


def test_what_the_main_ram_cannot_hold_goes_to_the_next_memory_that_holds_it_as_a_whole() -> None:
    total = arranged(mobile(), L4R5).plan.total_bytes
    found = bench(mobile(), with_sizes(L4R5, sram1=total, sram2=1024))
    assert (found.fits, found.bit_exact, found.changes) == (True, True, ())
    assert [(part.memory, part.bytes) for part in found.arenas] == [("sram3", total)]
    assert f"arena    {total:,} bytes in sram3" in list(total_lines(found))


def test_what_no_memory_holds_alone_is_spread_over_several() -> None:
    largest = max(tensor.size_bytes for tensor in mobile().tensors.values())
    found = bench(mobile(), with_sizes(L4R5, sram1=STACK_BYTES + 2048, sram2=largest + 64, sram3=largest + 64))
    assert (found.fits, found.bit_exact, found.changes) == (True, True, ())
    assert len(found.arenas) > 1
    assert sum(part.bytes for part in found.arenas) == found.ram_bytes.arena


def test_memories_that_touch_hold_what_neither_holds_alone() -> None:
    network = mobile(96, 96, 16)
    assert arranged(network, L4R5).plan.total_bytes > 64 << 10
    found = bench(network, with_sizes(L4R5, sram1=STACK_BYTES + 2048, sram3=64 << 10))
    assert [part.memory for part in found.arenas] == ["sram2_sram3"]
    assert (found.fits, found.bit_exact, found.changes) == (True, True, ())


def test_a_network_is_rewritten_where_all_memories_together_are_too_small() -> None:
    total = arranged(mobile(), L4R5).plan.total_bytes
    found = bench(mobile(), with_sizes(L4R5, sram1=STACK_BYTES + 1024 + total * 3 // 4, sram2=0, sram3=0))
    assert (found.fits, found.bit_exact) == (True, True)
    assert found.changes
    assert found.macs == sum(layer.macs for layer in found.layers)
    lines = list(total_lines(found))
    assert any(line.startswith("changes  ") for line in lines)
    assert any("MACs more" in line for line in lines)


def test_the_smallest_arena_is_told_where_nothing_fits() -> None:
    least = arranged(mobile(), L4R5, BuildOptions(smallest=True)).plan.total_bytes
    found = bench(mobile(), with_sizes(L4R5, sram1=STACK_BYTES + 1024, sram2=0, sram3=0))
    assert (found.fits, found.ram_bytes.arena) == (False, least)
    assert 0 < found.room.ram_missing < least


def test_a_program_fits_to_the_last_byte(tmp_path: Path) -> None:
    options = BuildOptions(stack_bytes=STACK_BYTES)
    sizes = build(mobile(), L4R5, tmp_path / "whole.elf", options).sizes
    exact = with_sizes(L4R5, sram1=sizes.main, sram2=0, sram3=0)
    assert build(mobile(), exact, tmp_path / "exact.elf", options).sources.arrangement.changes == ()
    less = with_sizes(L4R5, sram1=sizes.main - 16, sram2=0, sram3=0)
    assert build(mobile(), less, tmp_path / "less.elf", options).sources.arrangement.changes


def test_memories_are_chosen_as_well_where_flash_is_too_small() -> None:
    total = arranged(mobile(), L4R5).plan.total_bytes
    found = bench(mobile(), with_sizes(L4R5, flash=4096, sram1=STACK_BYTES + total, sram2=0))
    assert [part.memory for part in found.arenas] == ["sram3"]
    assert (found.fits, found.room.ram_missing) == (False, 0)
    assert found.room.flash_missing > 0


def test_banks_that_touch_are_one_memory_unless_something_else_lies_there() -> None:
    layout = layout_of(L4R5)
    (joined,) = joined_banks(L4R5, layout)
    assert (joined.name, joined.origin, joined.bytes) == ("sram2_sram3", 0x2003_0000, 448 * 1024)
    assert [bank.name for bank in joined_banks(L4R5, layout, {"sram3"})] == ["sram2", "sram3"]


def test_memories_are_filled_in_the_order_of_the_board_and_that_of_code_last() -> None:
    h743 = boards.load("nucleo-h743zi")
    memories = arena_memories(h743, layout_of(h743))
    assert [memory.name for memory in memories] == ["ram", "dtcm", "sram1_sram2_sram3", "sram4", "itcm"]
    assert memories[1].size_bytes == 128 * 1024 - layout_of(h743).stack_bytes


def test_weights_in_a_memory_leave_the_arena_what_they_do_not_take() -> None:
    network = mobile()
    total = arranged(network, L4R5).plan.total_bytes
    board = with_sizes(L4R5, sram1=STACK_BYTES + 1024, sram2=total + 512, sram3=total)
    found = bench(network, board, placement=Placement("sram2"))
    assert [part.memory for part in found.arenas] == ["sram3"]
    assert found.bit_exact
