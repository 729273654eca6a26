#ifndef VECTOR_KERNELS_LANES_H
#define VECTOR_KERNELS_LANES_H

// Sixteen floats, in one 512-bit register or as many narrower ones as the processor needs.
typedef float vk_lanes __attribute__((vector_size(64), aligned(4)));
typedef float vk_register __attribute__((vector_size(64)));

#define VK_LOAD(pointer) (*(const vk_lanes *)(pointer))
#define VK_STORE(pointer, value) (*(vk_lanes *)(pointer) = (value))

#endif
