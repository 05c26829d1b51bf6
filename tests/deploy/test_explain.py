"""The memory plan as table, text and SVG."""

from __future__ import annotations

import io
from xml.etree import ElementTree

from mcusim.deploy.buffers import Buffer, Memory, Overlay
from mcusim.deploy.explain import Explanation, memory_map, memory_svg, memory_table, summary
from mcusim.deploy.planner import plan
from mcusim.report.table import print_parts

BUFFERS = [
    Buffer("image", 1024, -1, 0),
    Buffer("features", 3072, 0, 1),
    Buffer("relu", 3072, 1, 2),
    Buffer("conv:scratch", 128, 0, 0),
    Buffer("<scores>", 600, 2, 2),
]


def explained(*memories: Memory) -> Explanation:
    found = plan(BUFFERS, [Overlay("relu", "features", 0)], memories or (Memory("ram"),))
    return Explanation(found, BUFFERS, ("conv", "relu", "dense"))


def test_the_summary_gives_the_peak_beside_its_lower_bound() -> None:
    assert summary(explained()) == (
        "Arena: 4,224 bytes of ram; lower bound 4,224 bytes; the smallest there is (equal to the lower bound)."
    )


def test_the_table_has_place_size_and_lifetime_of_every_buffer() -> None:
    stream = io.StringIO()
    print_parts(stream, [memory_table(explained())])
    lines = {line.split()[0]: line.split()[1:] for line in stream.getvalue().splitlines() if line.strip()}
    assert lines["image"][:3] == ["ram", "(before)", "conv"]
    assert lines["relu"] == ["ram", "relu", "dense", "0", "3,072", "3,072"]
    assert lines["features"][:3] == ["ram", "conv", "relu"]
    assert {"conv:scratch", "relu", "<scores>"} < set(lines)


def test_the_map_has_a_line_for_each_step_and_marks_the_worst() -> None:
    head, *lines = memory_map(explained()).splitlines()
    assert head == "ram: 4,224 bytes from left to right, a character is 66 bytes; * the most"
    assert len(lines) == 3
    assert lines[0].startswith("  0 conv               [|features====") and lines[0].endswith("4.1 KiB*")
    assert lines[1].endswith("3.0 KiB")  # features and relu share their bytes
    assert len({line.index("]") for line in lines}) == 1
    assert "<" in lines[2]


def test_the_drawing_is_valid_xml_with_a_rectangle_for_each_buffer() -> None:
    memories = (Memory("dtcm", 3072), Memory("sram", 4000, preference=1))
    root = ElementTree.fromstring(memory_svg(explained(*memories)))
    titles = [element.text for element in root.iter("{http://www.w3.org/2000/svg}title")]
    assert len(titles) == 1 + len(BUFFERS)
    assert any(title is not None and title.startswith("<scores>: 600 bytes at ") for title in titles)
    boxes = list(root.iter("{http://www.w3.org/2000/svg}rect"))
    assert len(boxes) == len(BUFFERS) + 2


def test_a_plan_of_nothing_is_explained_too() -> None:
    nothing = Explanation(plan([]), [], ())
    assert memory_map(nothing) == ""
    assert summary(nothing).startswith("Arena: 0 bytes; lower bound 0 bytes")
    ElementTree.fromstring(memory_svg(nothing))
