#include <math.h>
#include <stddef.h>

#include "VectorKernels.h"

// The formulas without any blocking, compiled once: what the kernels are compared with, and what double precision runs on.

#define REAL float
#define PLAIN(name) name##_f32_plain
#include "plain_loops.h"
#undef REAL
#undef PLAIN

#define REAL double
#define PLAIN(name) name##_f64_plain
#include "plain_loops.h"

void vk_gru_step_f32_plain(const float *fromInput, vk_index inputStride, const float *fromHidden, float *state,
                           const uint8_t *mask, vk_index maskStride, float *output, vk_index outputStride,
                           vk_index wells, vk_index hidden) {
    for (vk_index well = 0; well < wells; well++) {
        const float *x = fromInput + well * inputStride, *h = fromHidden + well * 3 * hidden;
        float *s = state + well * hidden, *y = output + well * outputStride;
        for (vk_index i = 0; i < hidden; i++) {
            float reset = 1 / (1 + expf(-(x[i] + h[i])));
            float update = 1 / (1 + expf(-(x[hidden + i] + h[hidden + i])));
            float candidate = tanhf(x[2 * hidden + i] + reset * h[2 * hidden + i]);
            if (mask[well * maskStride]) s[i] = candidate + update * (s[i] - candidate);
            y[i] = s[i];
        }
    }
}

void vk_state_product_f32_plain(const float *state, const float *weights, const float *bias, float *output, vk_index wells,
                                vk_index inner, vk_index columns) {
    for (vk_index well = 0; well < wells; well++) {
        for (vk_index column = 0; column < columns; column++) {
            float sum = bias[column];
            for (vk_index i = 0; i < inner; i++) sum += state[well * inner + i] * weights[i * columns + column];
            output[well * columns + column] = sum;
        }
    }
}
