// The loops of a convolutional network that BLAS has no name for.
//
// Every picture is channels-last: element (row, column, channel) at (row * columns + column) * channels + channel.
// Each kernel is built for several instruction sets and the best one of this processor is taken at run time; the builds
// themselves are vk_*_v4, vk_*_v3 and vk_*_base. The vk_*_plain ones are the same formulas without any blocking and exist to
// be compared with, and to compute in double precision.
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

// output = state * weights + bias for the few rows of a recurrent state:
//   state [wells][inner], weights [inner][columns], output [wells][columns]
void vk_state_product_f32(const float *state, const float *weights, const float *bias, float *output, vk_index wells,
                          vk_index inner, vk_index columns);
void vk_state_product_f32_plain(const float *state, const float *weights, const float *bias, float *output, vk_index wells,
                                vk_index inner, vk_index columns);

// ---- training; what each does stands in training_loops.h ----

void vk_gru_forward_f32(float *gates, const float *fromHidden, float *carried, const float *before, float *after, const uint8_t *mask, vk_index wells, vk_index hidden);
void vk_gru_forward_f64(double *gates, const double *fromHidden, double *carried, const double *before, double *after, const uint8_t *mask, vk_index wells, vk_index hidden);
void vk_gru_backward_f32(float *gates, float *fromHidden, const float *carried, const float *before, float *state, const uint8_t *mask, vk_index wells, vk_index hidden);
void vk_gru_backward_f64(double *gates, double *fromHidden, const double *carried, const double *before, double *state, const uint8_t *mask, vk_index wells, vk_index hidden);
void vk_train_fill_rows_f32(float *values, const float *bias, vk_index rows, vk_index channels);
void vk_train_fill_rows_f64(double *values, const double *bias, vk_index rows, vk_index channels);
void vk_add_columns_f32(const float *values, float *sums, vk_index rows, vk_index channels);
void vk_add_columns_f64(const double *values, double *sums, vk_index rows, vk_index channels);
void vk_column_moments_f32(const float *values, const float *centre, float *sums, float *squares, vk_index rows, vk_index channels);
void vk_column_moments_f64(const double *values, const double *centre, double *sums, double *squares, vk_index rows, vk_index channels);
void vk_scale_rows_f32(const float *input, const float *factor, const float *shift, float *output, vk_index rows, vk_index channels, int clamp);
void vk_scale_rows_f64(const double *input, const double *factor, const double *shift, double *output, vk_index rows, vk_index channels, int clamp);
void vk_norm_backward_sums_f32(float *gradient, const float *input, const float *mean, const float *invDeviation, const float *scale, const float *shift, float *ofScale, float *ofShift, vk_index rows, vk_index channels, int clamp);
void vk_norm_backward_sums_f64(double *gradient, const double *input, const double *mean, const double *invDeviation, const double *scale, const double *shift, double *ofScale, double *ofShift, vk_index rows, vk_index channels, int clamp);
void vk_norm_backward_rows_f32(float *gradient, const float *input, const float *mean, const float *factor, const float *meanGradient, const float *slope, vk_index rows, vk_index channels);
void vk_norm_backward_rows_f64(double *gradient, const double *input, const double *mean, const double *factor, const double *meanGradient, const double *slope, vk_index rows, vk_index channels);
void vk_depthwise_row_f32_plain(const float *const *rows, const float *weights, const float *bias, float *output, vk_index inputColumns, vk_index outputColumns, vk_index channels, vk_index kernel, vk_index stride, vk_index padBefore, int clamp);
void vk_depthwise_row_f64_plain(const double *const *rows, const double *weights, const double *bias, double *output, vk_index inputColumns, vk_index outputColumns, vk_index channels, vk_index kernel, vk_index stride, vk_index padBefore, int clamp);
void vk_depthwise_input_row_f32(const float *const *rows, const float *weights, float *output, vk_index columnsIn, vk_index columnsOut, vk_index channels, vk_index kernel, vk_index stride, vk_index padBefore);
void vk_depthwise_input_row_f32_plain(const float *const *rows, const float *weights, float *output, vk_index columnsIn, vk_index columnsOut, vk_index channels, vk_index kernel, vk_index stride, vk_index padBefore);
void vk_depthwise_input_row_f64_plain(const double *const *rows, const double *weights, double *output, vk_index columnsIn, vk_index columnsOut, vk_index channels, vk_index kernel, vk_index stride, vk_index padBefore);
void vk_depthwise_weight_row_f32(const float *const *rows, const float *gradient, float *ofWeights, vk_index columnsIn, vk_index columnsOut, vk_index channels, vk_index kernel, vk_index stride, vk_index padBefore);
void vk_depthwise_weight_row_f32_plain(const float *const *rows, const float *gradient, float *ofWeights, vk_index columnsIn, vk_index columnsOut, vk_index channels, vk_index kernel, vk_index stride, vk_index padBefore);
void vk_depthwise_weight_row_f64_plain(const double *const *rows, const double *gradient, double *ofWeights, vk_index columnsIn, vk_index columnsOut, vk_index channels, vk_index kernel, vk_index stride, vk_index padBefore);
void vk_train_patches_row_f32(const float *const *rows, float *patches, vk_index columnsIn, vk_index columnsOut, float scale, float shift);
void vk_train_patches_row_f64(const double *const *rows, double *patches, vk_index columnsIn, vk_index columnsOut, double scale, double shift);
void vk_adamw_f32(float *values, const float *gradients, float *first, float *second, vk_index count, float gradientScale, float rate, float decay, float beta1, float beta2, float epsilon, float correction1, float correction2Root);
void vk_adamw_f64(double *values, const double *gradients, double *first, double *second, vk_index count, double gradientScale, double rate, double decay, double beta1, double beta2, double epsilon, double correction1, double correction2Root);

// ---- the builds of each kernel ----

#if defined(__x86_64__) && defined(__linux__)

// Whether this processor runs the builds vk_*_v4 and vk_*_v3; every one runs vk_*_base.
int vk_supports_v4(void);
int vk_supports_v3(void);

#define VK_BUILDS(name) extern __typeof__(name) name##_v4, name##_v3, name##_base;
VK_BUILDS(vk_fill_rows_f32)
VK_BUILDS(vk_add_rows_f32)
VK_BUILDS(vk_relu6_f32)
VK_BUILDS(vk_relu6_mean_rows_f32)
VK_BUILDS(vk_patches_row_f32)
VK_BUILDS(vk_depthwise_row_f32)
VK_BUILDS(vk_depthwise_input_row_f32)
VK_BUILDS(vk_depthwise_weight_row_f32)
VK_BUILDS(vk_gru_step_f32)
VK_BUILDS(vk_state_product_f32)
VK_BUILDS(vk_gru_forward_f32)
VK_BUILDS(vk_gru_forward_f64)
VK_BUILDS(vk_gru_backward_f32)
VK_BUILDS(vk_gru_backward_f64)
VK_BUILDS(vk_train_fill_rows_f32)
VK_BUILDS(vk_train_fill_rows_f64)
VK_BUILDS(vk_add_columns_f32)
VK_BUILDS(vk_add_columns_f64)
VK_BUILDS(vk_column_moments_f32)
VK_BUILDS(vk_column_moments_f64)
VK_BUILDS(vk_scale_rows_f32)
VK_BUILDS(vk_scale_rows_f64)
VK_BUILDS(vk_norm_backward_sums_f32)
VK_BUILDS(vk_norm_backward_sums_f64)
VK_BUILDS(vk_norm_backward_rows_f32)
VK_BUILDS(vk_norm_backward_rows_f64)
VK_BUILDS(vk_train_patches_row_f32)
VK_BUILDS(vk_train_patches_row_f64)
VK_BUILDS(vk_adamw_f32)
VK_BUILDS(vk_adamw_f64)
#undef VK_BUILDS

#endif

#ifdef __cplusplus
}
#endif
#endif
