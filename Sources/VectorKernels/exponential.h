#ifndef VECTOR_KERNELS_EXPONENTIAL_H
#define VECTOR_KERNELS_EXPONENTIAL_H

#include <stdint.h>

// exp(x) as 2^n * e^r with |r| <= ln 2 / 2 and e^r by Taylor's polynomial of degree 7 (error under 2 units in the
// last place); x is held within -87...88, where the logistic function and tanh have long reached their ends.
static inline __attribute__((always_inline)) float vk_exponential(float x) {
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

#endif
