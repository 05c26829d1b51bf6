/* A layer of long short-term memory: inputs and hidden state of int8, gates and cells of int16. */
#include <stddef.h>

#include "nn_extra.h"
#include "nn_fixed_s16.h"
#include "nn_products.h"

enum { GATE_BITS = 12 }; /* of a gate before its function, behind the point */

struct layer {
    const nn_lstm_params *params;
    const int8_t *input, *hidden; /* of this step and batch */
};

/* What two rows of weights, or the one that is left, give; saturated to int16. */
static void add_part(int32_t values[2], const int8_t *weights, const int8_t *vector, int32_t offset, int32_t length,
                     const int32_t *bias, int32_t rows, cmsis_nn_per_tensor_quant_params scale)
{
    int32_t sums[2] = {0, 0};
    if (rows == 2) {
        nn_two_dots_s8(sums, weights, vector, offset, length);
    } else {
        sums[0] = nn_dot_s8(weights, vector, offset, length);
    }
    for (int32_t i = 0; i < rows; i++) {
        const int32_t scaled = nn_requantize(sums[i] + (bias ? bias[i] : 0), scale.multiplier, scale.shift);
        values[i] = nn_saturate_s16(values[i] + nn_saturate_s16(scaled));
    }
}

/* A gate of cells `cell` and the next one, before its function. */
static void gate_of(int32_t values[2], const struct layer *layer, const nn_lstm_gate *gate, int32_t cell, int32_t rows)
{
    const nn_lstm_params *p = layer->params;
    values[0] = values[1] = 0;
    add_part(values, gate->input_weights + cell * p->inputs, layer->input, p->input_offset, p->inputs,
             gate->bias ? gate->bias + cell : NULL, rows, gate->input_scale);
    add_part(values, gate->hidden_weights + cell * p->hidden, layer->hidden, p->hidden_offset, p->hidden, NULL, rows,
             gate->hidden_scale);
}

static int32_t clipped(int32_t value, int32_t clip)
{
    return clip > 0 ? nn_clamp(value, -clip, clip) : value;
}

/* The cell after this step: what is kept of it, and what enters. */
static int16_t next_cell(const nn_lstm_params *p, int32_t cell, int32_t forget, int32_t enter, int32_t news)
{
    const int32_t kept = (int16_t)nn_divide_by_power_of_two(forget * cell, 15);
    const int32_t entered = (int16_t)nn_divide_by_power_of_two(enter * news, 30 + p->cell_power);
    return (int16_t)clipped(nn_saturate_s16(kept + entered), p->cell_clip);
}

/* Two cells, or the one that is left: their state moves on, and what they show goes to `shown`. */
static void step_cells(const struct layer *layer, int32_t cell, int32_t rows, int16_t *cells, int8_t *shown)
{
    const nn_lstm_params *p = layer->params;
    int32_t forget[2], enter[2], news[2], out[2];
    gate_of(forget, layer, &p->forget_gate, cell, rows);
    gate_of(news, layer, &p->cell_gate, cell, rows);
    gate_of(out, layer, &p->output_gate, cell, rows);
    if (p->input_gate.input_weights) {
        gate_of(enter, layer, &p->input_gate, cell, rows);
    }
    for (int32_t i = 0; i < rows; i++) {
        const int32_t keep = nn_logistic_s16(forget[i]);
        const int32_t let_in = p->input_gate.input_weights ? nn_logistic_s16(enter[i]) : INT16_MAX - keep;
        cells[i] = next_cell(p, cells[i], keep, let_in, nn_hyperbolic_tangent_s16(news[i], GATE_BITS));
        const int32_t product = nn_logistic_s16(out[i]) * nn_hyperbolic_tangent_s16(cells[i], -p->cell_power);
        const int32_t scaled = nn_requantize(product, p->shown_scale.multiplier, p->shown_scale.shift);
        shown[i] = (int8_t)nn_clamp(scaled + p->shown_offset, INT8_MIN, INT8_MAX);
    }
}

static void project(const nn_lstm_params *p, const int8_t *shown, int8_t *hidden)
{
    const int8_t *weights = p->projection_weights;
    for (int32_t i = 0; i < p->hidden; i++, weights += p->cells) {
        const int32_t sum = nn_dot_s8(weights, shown, 0, p->cells) + (p->projection_bias ? p->projection_bias[i] : 0);
        const int32_t scaled = nn_requantize(sum, p->projection_scale.multiplier, p->projection_scale.shift);
        const int32_t value = nn_clamp(scaled - p->hidden_offset, INT8_MIN, INT8_MAX);
        hidden[i] = (int8_t)clipped(value, p->projection_clip);
    }
}

static void step(const nn_lstm_params *p, const int8_t *input, int8_t *hidden, int16_t *cells, int8_t *shown, int8_t *output)
{
    const struct layer layer = {p, input, hidden};
    for (int32_t cell = 0; cell < p->cells; cell += 2) {
        step_cells(&layer, cell, cell + 2 <= p->cells ? 2 : 1, cells + cell, shown + cell);
    }
    if (p->projection_weights) {
        project(p, shown, hidden);
    } else {
        __builtin_memcpy(hidden, shown, (size_t)p->cells);
    }
    __builtin_memcpy(output, hidden, (size_t)p->hidden);
}

int32_t nn_lstm_s8_get_buffer_size(const nn_lstm_params *params)
{
    return params->cells;
}

arm_cmsis_nn_status nn_lstm_s8(const cmsis_nn_context *ctx, const nn_lstm_params *params, const int8_t *input,
                               int8_t *hidden_state, int16_t *cell_state, int8_t *output)
{
    const nn_lstm_params *p = params;
    if (ctx->buf == NULL || p->batches < 1 || p->steps < 1 || p->inputs < 1 || p->cells < 1 || p->hidden < 1 ||
        p->cell_power < -15 || p->cell_power > -9 || (!p->projection_weights && p->hidden != p->cells)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (int32_t batch = 0; batch < p->batches; batch++, hidden_state += p->hidden, cell_state += p->cells) {
        for (int32_t i = 0; i < p->steps; i++) {
            const int32_t row = p->time_major ? i * p->batches + batch : batch * p->steps + i;
            step(p, input + row * p->inputs, hidden_state, cell_state, ctx->buf, output + row * p->hidden);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
