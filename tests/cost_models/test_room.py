"""Room: which networks fit into the flash and the RAM of a board, in the words of ``mcusim predict``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cost_models import Estimates, Layers, from_network, joined, load
from cost_models.answers import Question, answered
from cost_models.estimates import exactly
from cost_models.model import WIDEN
from cost_models.room import FITS, MAY_FIT, TOO_LARGE, Room, fits, input_bytes, room_of
from mcusim import boards
from mcusim import network as networks
from mcusim.deploy.build import BuildOptions, arranged
from mcusim.network import Network
from mcusim.network.operators import Conv2D, Function, Unary
from tests.deploy.networks import Sketch

BOARD = "nucleo-l4r5zi"
"""Three RAMs: of the first one the stack has a part, the two others touch."""


def images(side: int, channels: int) -> Network:
    """A convolution from four channels to more; its input and its output are the arena."""
    draw = Sketch(x=(1, side, side, 4))
    draw.constant("w", (channels, 1, 1, 4))
    draw.layer(Conv2D(), ("x", "w"), "y", (1, side, side, channels))
    return draw.network("y")


def told(ram_bytes: int, flash_bytes: int = 50_000) -> tuple[Layers, Estimates]:
    """A small network, as if it took so much."""
    layers = from_network(images(8, 4))
    found = load(BOARD).predict(layers, outside=WIDEN)
    return layers, replace(found, ram_bytes=exactly(np.array([ram_bytes])), flash_bytes=exactly(np.array([flash_bytes])))


def test_room_is_what_an_arena_is_put_into() -> None:
    assert room_of(BOARD) == Room(2 << 20, (192 - 16) << 10, 448 << 10, (192 - 16 + 448) << 10)
    assert room_of("nano-33-ble").bank_bytes == 0
    assert room_of("nucleo-h743zi", ["dtcm"]).ram_bytes == (512 + 128 - 16) << 10


@pytest.mark.parametrize(
    ("kib", "fit"),
    [(100, FITS), (200, FITS), (448, FITS), (449, MAY_FIT), (900, MAY_FIT)],
    ids=["in the main RAM", "in another one", "just so", "spread over both, or rewritten", "rewritten"],
)
def test_ram_fits_where_one_memory_holds_it(kib: int, fit: str) -> None:
    layers, found = told(kib << 10)
    assert fits(found, layers, room_of(BOARD), 0.9) == (fit,)


def test_flash_that_is_too_small_is_told_whatever_the_ram() -> None:
    for ram_bytes in (1000, 1 << 20):
        layers, found = told(ram_bytes, 3 << 20)
        assert fits(found, layers, room_of(BOARD), 0.9) == (TOO_LARGE,)


def test_inputs_beyond_all_memories_do_not_fit_whatever_is_rewritten() -> None:
    layers = from_network(images(400, 1))
    assert input_bytes(layers) == [400 * 400 * 4]
    found = load(BOARD).predict(layers, outside=WIDEN)
    assert fits(found, layers, room_of(BOARD), 0.9) == (TOO_LARGE,)
    assert fits(found, replace(layers, arenas=None), room_of(BOARD), 0.9) == (MAY_FIT,)


def test_inputs_are_those_of_each_network() -> None:
    draw = Sketch(x=(1, 8), z=(1, 16))
    draw.layer(Unary(Function.RELU_N1_TO_1), ("x",), "y", (1, 8))
    draw.layer(Unary(Function.RELU_N1_TO_1), ("z",), "u", (1, 16))
    several = joined([from_network(images(8, 4)), from_network(draw.network("y", "u"))])
    assert input_bytes(several).tolist() == [256, 24]


def test_what_is_told_to_fit_into_another_memory_is_built_there_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    network = images(100, 20)
    monkeypatch.setattr(networks, "load", lambda path: network)
    models = [load(BOARD), load(BOARD, "simulate")]
    found = answered(Question(["images"], models, 0.9), quiet=True)
    assert [(each.fits, each.ram_bytes.value > each.room.ram_bytes) for each in found.answers] == [(FITS, True)] * 2
    arrangement = arranged(network, boards.load(BOARD), BuildOptions(sparse="never"))
    assert (arrangement.changes, set(arrangement.plan.peak_bytes)) == ((), {"sram2_sram3"})
