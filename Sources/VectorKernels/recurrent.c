#include <math.h>

#include "VectorKernels.h"
#include "dispatch.h"

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

// exp(x) as 2^n * e^r with |r| <= ln 2 / 2 and e^r by Taylor's polynomial of degree 7 (error under 2 units in the
// last place); x is held within +-88, where the logistic function and tanh have long reached their ends.
static inline __attribute__((always_inline)) float exponential(float x) {
    x = x > 88 ? 88 : x;
    x = x < -87 ? -87 : x;
    float n = x * 1.44269504f + 12582912.0f; // round to nearest by the size of the sum
    n -= 12582912.0f;
    float r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    float p = 1.9841270e-4f;
    p = p * r + 1.3888889e-3f;
    p = p * r + 8.3333333e-3f;
    p = p * r + 4.1666667e-2f;
    p = p * r + 1.6666667e-1f;
    p = p * r + 0.5f;
    p = p * r * r + r + 1;
    union { int32_t bits; float value; } scale;
    scale.bits = ((int32_t)n + 127) << 23;
    return p * scale.value;
}

VK_CLONES void vk_gru_step_f32(const float *restrict fromInput, vk_index inputStride, const float *restrict fromHidden,
                               float *restrict state, const uint8_t *mask, vk_index maskStride, float *restrict output,
                               vk_index outputStride, vk_index wells, vk_index hidden) {
    for (vk_index well = 0; well < wells; well++) {
        const float *restrict x = fromInput + well * inputStride, *restrict h = fromHidden + well * 3 * hidden;
        float *restrict s = state + well * hidden, *restrict y = output + well * outputStride;
        if (!mask[well * maskStride]) {
            for (vk_index i = 0; i < hidden; i++) y[i] = s[i];
            continue;
        }
        for (vk_index i = 0; i < hidden; i++) {
            float reset = 1 / (1 + exponential(-(x[i] + h[i])));
            float update = 1 / (1 + exponential(-(x[hidden + i] + h[hidden + i])));
            float sum = x[2 * hidden + i] + reset * h[2 * hidden + i];
            float candidate = 1 - 2 / (exponential(2 * sum) + 1);
            float value = candidate + update * (s[i] - candidate);
            s[i] = value;
            y[i] = value;
        }
    }
}
