// Included with REAL, the type, and PLAIN(x), x with the type's suffix.

// One row of the gradient of a depthwise convolution's input, by the formula.
//   rows    for each ky the gradient row that this input row went into by it, or NULL
//   output  columnsIn * channels values, replaced
void PLAIN(vk_depthwise_input_row)(const REAL *const *rows, const REAL *weights, REAL *output, vk_index columnsIn, vk_index columnsOut,
                                        vk_index channels, vk_index kernel, vk_index stride, vk_index padBefore) {
    for (vk_index x = 0; x < columnsIn; x++) {
        for (vk_index c = 0; c < channels; c++) {
            REAL sum = 0;
            for (vk_index ky = 0; ky < kernel; ky++) {
                for (vk_index kx = 0; rows[ky] && kx < kernel; kx++) {
                    vk_index from = x + padBefore - kx;
                    if (from < 0 || from % stride || from / stride >= columnsOut) continue;
                    sum += rows[ky][from / stride * channels + c] * weights[(ky * kernel + kx) * channels + c];
                }
            }
            output[x * channels + c] = sum;
        }
    }
}

// What one row of gradients adds to the gradient of a depthwise convolution's weights, by the formula.
//   rows      for each ky the input row that it met; a row beyond the border is a row of zeros
//   gradient  columnsOut * channels values
void PLAIN(vk_depthwise_weight_row)(const REAL *const *rows, const REAL *gradient, REAL *ofWeights, vk_index columnsIn,
                                         vk_index columnsOut, vk_index channels, vk_index kernel, vk_index stride, vk_index padBefore) {
    for (vk_index ky = 0; ky < kernel; ky++) {
        for (vk_index kx = 0; kx < kernel; kx++) {
            for (vk_index column = 0; column < columnsOut; column++) {
                vk_index x = column * stride - padBefore + kx;
                if (x < 0 || x >= columnsIn) continue;
                for (vk_index c = 0; c < channels; c++) {
                    ofWeights[(ky * kernel + kx) * channels + c] += gradient[column * channels + c] * rows[ky][x * channels + c];
                }
            }
        }
    }
}

// One output row of a depthwise convolution, by the formula; see vk_depthwise_row_f32.
void PLAIN(vk_depthwise_row)(const REAL *const *rows, const REAL *weights, const REAL *bias, REAL *output, vk_index inputColumns,
                                  vk_index outputColumns, vk_index channels, vk_index kernel, vk_index stride, vk_index padBefore,
                                  int clamp) {
    for (vk_index column = 0; column < outputColumns; column++) {
        for (vk_index c = 0; c < channels; c++) {
            REAL sum = bias[c];
            for (vk_index ky = 0; ky < kernel; ky++) {
                for (vk_index kx = 0; kx < kernel; kx++) {
                    vk_index x = column * stride - padBefore + kx;
                    if (x >= 0 && x < inputColumns) sum += rows[ky][x * channels + c] * weights[(ky * kernel + kx) * channels + c];
                }
            }
            if (clamp) sum = sum < 0 ? 0 : sum > 6 ? 6 : sum;
            output[column * channels + c] = sum;
        }
    }
}
