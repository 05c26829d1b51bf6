"""The kernels on the simulated cores against NumPy: plain C on a Cortex-M0+, with the DSP extension on M4, M7 and M33."""

from __future__ import annotations

import pytest

import mcusim
from kernels_c import kernels
from tests.kernels.product_cases import Case, all_cases
from tests.support.firmware import FIRMWARE, KEPT, build_firmware

BUILDS = [("m0plus", ("-O2",), "gcc"), ("m4", ("-O2",), "gcc"), ("m4", ("-O3", "-DNN_PLAIN_C"), "gcc"), ("m7", ("-O3",), "gcc"),
          ("m33", ("-Os",), "gcc"), ("m4", ("-O2",), "zig")]  # fmt: skip


def program(cases: list[Case]) -> str:
    """A firmware that runs the cases."""
    lines = "\n".join(case.line() for case in cases)
    return f'#include "{FIRMWARE / "kernel_cases.h"}"\n\nint main(void)\n{{\n{lines}\n    return 0;\n}}\n'


def run_cases(cases: list[Case], core: str, flags: tuple[str, ...], compiler: str) -> list[str]:
    """A line for each case."""
    KEPT.mkdir(parents=True, exist_ok=True)
    text = KEPT / f"kernel_cases_{core}_{'_'.join(flags)}_{compiler}.c"
    text.write_text(program(cases))
    elf = build_firmware([text, *kernels()], core, flags=flags, compiler_name=compiler)
    report = mcusim.run(elf, core=core)
    assert report.exit.reason == "exit", report.fault
    return report.serial.splitlines()


@pytest.mark.parametrize(("core", "flags", "compiler"), BUILDS)
def test_every_kernel_equals_its_definition(core: str, flags: tuple[str, ...], compiler: str) -> None:
    cases = all_cases()
    lines = run_cases(cases, core, flags, compiler)
    wrong = [f"{case}: {line}" for case, line in zip(cases, lines, strict=True) if line != case.answer()]
    assert not wrong, f"{len(wrong)} of {len(cases)}, first {wrong[0]}"


REFUSED = """
#include "arm_nnfunctions.h"
#include "uart.h"

static int8_t tensor[256];
static int32_t numbers[64], scratch[1024];
static const cmsis_nn_context context = {scratch, sizeof scratch};
static const cmsis_nn_per_channel_quant_params scales = {numbers, numbers};
static const cmsis_nn_dims in = {1, 4, 4, 4}, out = {1, 4, 4, 4}, filter = {4, 1, 1, 4}, taps = {1, 3, 3, 4}, none = {0};

static void say(arm_cmsis_nn_status status)
{
    uart_put_signed(status);
    uart_puts(" ");
}

static void convolve(cmsis_nn_conv_params p, cmsis_nn_dims weights, cmsis_nn_dims result)
{
    say(arm_convolve_wrapper_s8(&context, &p, &scales, &in, tensor, &weights, tensor, &none, 0, &result, tensor));
}

static void depthwise(cmsis_nn_dw_conv_params p, cmsis_nn_dims weights)
{
    say(arm_depthwise_conv_wrapper_s8(&context, &p, &scales, &in, tensor, &weights, tensor, &none, 0, &out, tensor));
}

int main(void)
{
    const cmsis_nn_conv_params good = {0, 0, {1, 1}, {0, 0}, {1, 1}, {-128, 127}};
    cmsis_nn_conv_params p = good;
    numbers[0] = numbers[1] = numbers[2] = numbers[3] = 1 << 30;
    convolve(good, filter, out);
    uart_puts("| ");
    p.stride.h = 0;
    convolve(p, filter, out);
    p = good;
    p.dilation.w = 0;
    convolve(p, filter, out);
    p = good;
    p.padding.w = -1;
    convolve(p, filter, out);
    p = good;
    p.input_offset = 129;
    convolve(p, filter, out);
    p = good;
    p.activation.min = 128;
    convolve(p, filter, out);
    convolve(good, (cmsis_nn_dims){4, 1, 1, 3}, out);
    convolve(good, (cmsis_nn_dims){4, 1, 1, 2}, (cmsis_nn_dims){1, 4, 4, 3});
    convolve(good, filter, (cmsis_nn_dims){2, 4, 4, 4});
    say(arm_convolve_s8(&context, &good, &scales, &in, tensor, &filter, tensor, &none, 0, &in, &out, tensor));
    say(arm_convolve_1x1_s8(&context, &good, &scales, &in, tensor, &taps, tensor, &none, 0, &out, tensor));
    p = good;
    p.stride.w = 2;
    say(arm_convolve_1x1_s8_fast(&context, &p, &scales, &in, tensor, &filter, tensor, &none, 0, &out, tensor));
    say(arm_convolve_1_x_n_s8(&context, &good, &scales, &in, tensor, &filter, tensor, &none, 0, &out, tensor));
    depthwise((cmsis_nn_dw_conv_params){0, 0, 2, {1, 1}, {1, 1}, {1, 1}, {-128, 127}}, taps);
    depthwise((cmsis_nn_dw_conv_params){0, 0, 1, {0, 1}, {1, 1}, {1, 1}, {-128, 127}}, taps);
    const cmsis_nn_dw_conv_params wide = {0, 0, 1, {1, 1}, {2, 2}, {1, 1}, {-128, 127}};
    say(arm_depthwise_conv_3x3_s8(&context, &wide, &scales, &in, tensor, &taps, tensor, &none, 0, &out, tensor));
    const cmsis_nn_fc_params far = {0, 0, 200, {-128, 127}};
    const cmsis_nn_per_tensor_quant_params scale = {1 << 30, -1};
    say(arm_fully_connected_s8(&context, &far, &scale, &in, tensor, &filter, tensor, &none, 0, &out, tensor));
    const cmsis_nn_bmm_params product = {false, false, {0, 0, 0, {-128, 127}}};
    say(arm_batch_matmul_s8(&context, &product, &scale, &in, tensor, &taps, tensor, &out, tensor));
    const cmsis_nn_transpose_conv_params back = {0, 0, {1, 1}, {0, 0}, {0, 0}, {2, 1}, {-128, 127}};
    say(arm_transpose_conv_s8(&context, &context, &back, &scales, &in, tensor, &filter, tensor, &none, 0, &out, tensor));
    return 0;
}
"""


@pytest.mark.parametrize("core", ["m0plus", "m4"])
def test_arguments_out_of_range_are_refused(core: str) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    text = KEPT / "kernels_refused.c"
    text.write_text(REFUSED)
    report = mcusim.run(build_firmware([text, *kernels()], core), core=core)
    good, refused = report.serial.split("|")
    assert good.split() == ["0"]
    assert refused.split() == ["-1"] * 18


def test_a_missing_scratch_memory_is_refused_where_it_is_needed() -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    text = KEPT / "kernels_no_scratch.c"
    text.write_text(REFUSED.replace("{scratch, sizeof scratch}", "{0, 0}"))
    assert mcusim.run(build_firmware([text, *kernels()], "m4"), core="m4").serial.startswith("-1 ")
    assert mcusim.run(build_firmware([text, *kernels()], "m0plus"), core="m0plus").serial.startswith("0 ")
