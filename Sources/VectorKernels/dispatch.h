#ifndef VECTOR_KERNELS_DISPATCH_H
#define VECTOR_KERNELS_DISPATCH_H

#if defined(__x86_64__) && defined(__linux__)
// One body, three builds; the loader binds the best for this processor once. 512-bit registers are asked for because
// the loops below hold whole tiles in registers, where their number and width count.
#define VK_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), min_vector_width(512)))
#else
#define VK_CLONES
#endif

// Sixteen floats, in one 512-bit register or as many narrower ones as the processor needs.
typedef float vk_lanes __attribute__((vector_size(64), aligned(4)));
typedef float vk_register __attribute__((vector_size(64)));

#define VK_LOAD(pointer) (*(const vk_lanes *)(pointer))
#define VK_STORE(pointer, value) (*(vk_lanes *)(pointer) = (value))

#endif
