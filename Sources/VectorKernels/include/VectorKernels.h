// The loops of a convolutional network that BLAS has no name for.
//
// Every picture is channels-last: element (row, column, channel) at (row * columns + column) * channels + channel.
// Each function of vk_*_f32 is built for several instruction sets and the best one of this processor is taken at
// run time; the vk_*_f32_plain ones are the same formulas without any blocking and exist to be compared with.
// No function allocates, none keeps state.

#ifndef VECTOR_KERNELS_H
#define VECTOR_KERNELS_H

#include <stdint.h>

typedef intptr_t vk_index;

#ifdef __cplusplus
extern "C" {
#endif

// The instruction set that the kernels run on: "x86-64-v4", "x86-64-v3", "x86-64" or "plain".
const char *vk_instruction_set(void);

// ---- inference ----

// Every one of `rows` rows of `channels` values becomes `bias`: what a matrix product then adds to.
void vk_fill_rows_f32(float *values, const float *bias, vk_index rows, vk_index channels);

// Adds `bias` to every row.
void vk_add_rows_f32(float *values, const float *bias, vk_index rows, vk_index channels);

// min(max(x, 0), 6), in place.
void vk_relu6_f32(float *values, vk_index count);

// One output row of a depthwise convolution, plus bias and, where `clamp` is not 0, ReLU6.
//   rows      `kernel` pointers to input rows of inputColumns * channels values; a row beyond the border is a row of zeros
//   weights   [kernel][kernel][channels]
//   output    outputColumns * channels values
//   padBefore columns of zeros before the first input column; as many as needed follow the last
void vk_depthwise_row_f32(const float *const *rows, const float *weights, const float *bias, float *output,
                          vk_index inputColumns, vk_index outputColumns, vk_index channels,
                          vk_index kernel, vk_index stride, vk_index padBefore, int clamp);
void vk_depthwise_row_f32_plain(const float *const *rows, const float *weights, const float *bias, float *output,
                                vk_index inputColumns, vk_index outputColumns, vk_index channels,
                                vk_index kernel, vk_index stride, vk_index padBefore, int clamp);

// output[c] = the mean over `rows` rows of min(max(values[row][c], 0), 6): the head's activation and pooling in one.
void vk_relu6_mean_rows_f32(const float *values, float *output, vk_index rows, vk_index channels);

// One row of patches of a 3x3 convolution of stride 2: patches[column] = (ky, kx, channel) of scale * intensity + shift,
// and 0 beyond the border (row pointers NULL, columns outside).
void vk_patches_row_f32(const float *const *rows, float *patches, vk_index inputColumns, vk_index outputColumns,
                        vk_index channels, vk_index stride, vk_index padBefore, float scale, float shift);

// One GRU step for `wells` sequences from the gates' sums before activation (PyTorch's order: reset, update, candidate):
//   fromInput  [wells] rows of stride inputStride, 3 * hidden values each, input bias included
//   fromHidden [wells][3 * hidden], hidden bias included
//   state      [wells][hidden], read and replaced; where mask[well * maskStride] is 0 it stays
//   output     [wells] rows of stride outputStride: the new state
void vk_gru_step_f32(const float *fromInput, vk_index inputStride, const float *fromHidden, float *state,
                     const uint8_t *mask, vk_index maskStride, float *output, vk_index outputStride,
                     vk_index wells, vk_index hidden);
void vk_gru_step_f32_plain(const float *fromInput, vk_index inputStride, const float *fromHidden, float *state,
                           const uint8_t *mask, vk_index maskStride, float *output, vk_index outputStride,
                           vk_index wells, vk_index hidden);

#ifdef __cplusplus
}
#endif
#endif
