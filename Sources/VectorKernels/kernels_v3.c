#if defined(__x86_64__) && defined(__linux__)

#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#define VK_SUFFIX _v3
#include "kernels.h"
#pragma clang attribute pop

#endif
