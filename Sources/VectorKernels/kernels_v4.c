#if defined(__x86_64__) && defined(__linux__)

// 512-bit registers are asked for because the loops hold whole tiles in registers, where their number and width count.
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"), min_vector_width(512))), apply_to = function)
#define VK_SUFFIX _v4
// Thirty-two registers of sixteen floats.
#define VK_WIDE 1
#include "kernels.h"
#pragma clang attribute pop

#endif
