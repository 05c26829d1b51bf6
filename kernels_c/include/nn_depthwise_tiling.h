/* How tiles of outputs (nn_depthwise_tiles.h) cover a layer of 3 x 3 taps. */
#ifndef NN_DEPTHWISE_TILING_H
#define NN_DEPTHWISE_TILING_H

#include "arm_nn_types.h"
#include "nn_depthwise_tiles.h"
#include "nn_lanes.h"

/* Bytes of scratch memory for strips; two strips are needed anyway. */
#define NN_STRIPS_BYTES 4096
/* For as many, strips cost more than tiles save. */
#define NN_FEW_OUTPUTS 16

NN_INLINE int32_t nn_strip_bytes(int32_t rows)
{
    return rows * NN_STRIP_ROW_BYTES;
}

/* Strips that are in scratch memory at once, of those that an input has. */
NN_INLINE int32_t nn_strips_at_once(int32_t rows, int32_t width)
{
    const int32_t room = NN_STRIPS_BYTES / nn_strip_bytes(rows), wanted = (width + 2) / 2 + 1;
    const int32_t strips = room < wanted ? room : wanted;
    return strips > 2 ? strips : 2;
}

NN_INLINE int32_t nn_strips_scratch(const cmsis_nn_dims *input)
{
    const int32_t rows = input->h + 2;
    return nn_strips_at_once(rows, input->w) * nn_strip_bytes(rows);
}

struct nn_tiling {
    int32_t stride, across; /* outputs of a strip beside each other */
    int32_t rows, strips, at_once;
    int32_t element; /* bytes of an output */
    int32_t half;    /* the last strip has outputs on its left only */
    struct nn_tile_walk walk;
};

NN_INLINE struct nn_tiling nn_tiling_of(const cmsis_nn_dw_conv_params *params, const cmsis_nn_dims *in,
                                            const cmsis_nn_dims *out, int32_t element)
{
    const int32_t stride = params->stride.h, across = stride == 1 ? 2 : 1;
    const int32_t rows = stride == 1 ? out->h + 2 : 2 * out->h + 1, pixel = out->c * element;
    return (struct nn_tiling){
        .stride = stride,
        .across = across,
        .rows = rows,
        .strips = (out->w + across - 1) / across,
        .at_once = nn_strips_at_once(in->h + 2, in->w) - 1,
        .element = element,
        .half = out->w % across,
        .walk = {
            .strip_bytes = nn_strip_bytes(rows),
            .column_step = pixel,
            .row_step = out->w * pixel,
            .strip_step = across * pixel,
            .whole_tiles = out->h / 2,
            .odd = out->h % 2,
        },
    };
}

/* Tiles pay where there are some, of 3 x 3 taps, and their rows fit what scratch memory was asked for. */
NN_INLINE int nn_tiles_serve(const struct nn_tiling *tiling, const cmsis_nn_dw_conv_params *params, const cmsis_nn_dims *in,
                                 const cmsis_nn_dims *filter, const cmsis_nn_dims *out)
{
    return filter->h == 3 && filter->w == 3 && params->dilation.h == 1 && params->dilation.w == 1 &&
           params->stride.h == params->stride.w && params->stride.h <= 2 && out->h >= 2 && params->padding.h <= tiling->rows &&
           tiling->rows <= in->h + 2 && out->h * out->w > NN_FEW_OUTPUTS;
}

/* At stride 1, at stride 2, and where a strip has outputs on its left only. */
struct nn_tile_kernels {
    nn_tiles *whole, *wide, *half;
};

/* The outputs of four channels over `count` strips from `first` on, which lie in scratch memory. */
NN_INLINE void nn_walk_tiles(const struct nn_tiling *tiling, const struct nn_tile_kernels *kernels, const uint32_t *strips,
                                 int32_t first, int32_t count, const struct nn_tile_channel *channels, void *outputs)
{
    const int32_t half = tiling->half && first + count == tiling->strips;
    struct nn_tile_walk walk = tiling->walk, last = tiling->walk;
    walk.strips = count - half;
    last.strips = 1;
    int8_t *output = (int8_t *)outputs + first * walk.strip_step;
    for (int32_t i = 0; i < 4; i++, output += tiling->element) {
        if (walk.strips) {
            (tiling->stride == 1 ? kernels->whole : kernels->wide)(strips + i, &walk, channels + i, output);
        }
        if (half) {
            kernels->half(strips + i + walk.strips * tiling->rows * 4, &last, channels + i,
                          output + walk.strips * walk.strip_step);
        }
    }
}

#endif
