// Fills, sums and activations.

void VK_KERNEL(vk_fill_rows_f32)(float *restrict values, const float *restrict bias, vk_index rows, vk_index channels) {
    // Sixty-four columns at a time stay in registers; written out because a compiler makes calls of memcpy of a plain loop.
    vk_index c = 0;
    for (; c + 64 <= channels; c += 64) {
        vk_register b0 = VK_LOAD(bias + c), b1 = VK_LOAD(bias + c + 16), b2 = VK_LOAD(bias + c + 32), b3 = VK_LOAD(bias + c + 48);
        float *to = values + c;
        for (vk_index row = 0; row < rows; row++, to += channels) {
            VK_STORE(to, b0);
            VK_STORE(to + 16, b1);
            VK_STORE(to + 32, b2);
            VK_STORE(to + 48, b3);
        }
    }
    for (; c + 16 <= channels; c += 16) {
        vk_register b0 = VK_LOAD(bias + c);
        for (vk_index row = 0; row < rows; row++) VK_STORE(values + row * channels + c, b0);
    }
    if (c < channels) {
        for (vk_index row = 0; row < rows; row++) {
            for (vk_index i = c; i < channels; i++) values[row * channels + i] = bias[i];
        }
    }
}

void VK_KERNEL(vk_add_rows_f32)(float *restrict values, const float *restrict bias, vk_index rows, vk_index channels) {
    for (vk_index row = 0; row < rows; row++) {
        float *restrict to = values + row * channels;
        for (vk_index c = 0; c < channels; c++) to[c] += bias[c];
    }
}

void VK_KERNEL(vk_relu6_f32)(float *values, vk_index count) {
    for (vk_index i = 0; i < count; i++) {
        float value = values[i] > 0 ? values[i] : 0;
        values[i] = value < 6 ? value : 6;
    }
}

void VK_KERNEL(vk_relu6_mean_rows_f32)(const float *restrict values, float *restrict output, vk_index rows, vk_index channels) {
    for (vk_index c = 0; c < channels; c++) output[c] = 0;
    for (vk_index row = 0; row < rows; row++) {
        const float *restrict from = values + row * channels;
        for (vk_index c = 0; c < channels; c++) {
            float value = from[c] > 0 ? from[c] : 0;
            output[c] += value < 6 ? value : 6;
        }
    }
    float scale = 1 / (float)rows;
    for (vk_index c = 0; c < channels; c++) output[c] *= scale;
}

void VK_KERNEL(vk_patches_row_f32)(const float *const *rows, float *restrict patches, vk_index inputColumns,
                                  vk_index outputColumns, vk_index channels, vk_index stride, vk_index padBefore,
                                  float scale, float shift) {
    vk_index width = 3 * channels;
    for (vk_index ky = 0; ky < 3; ky++) {
        const float *row = rows[ky];
        for (vk_index column = 0; column < outputColumns; column++) {
            float *restrict to = patches + column * 9 * channels + ky * width;
            vk_index first = column * stride - padBefore;
            if (row && first >= 0 && first + 3 <= inputColumns) {
                const float *restrict from = row + first * channels;
                for (vk_index i = 0; i < width; i++) to[i] = from[i] * scale + shift;
            } else {
                for (vk_index kx = 0; kx < 3; kx++) {
                    vk_index x = first + kx;
                    int inside = row && x >= 0 && x < inputColumns;
                    for (vk_index c = 0; c < channels; c++) to[kx * channels + c] = inside ? row[x * channels + c] * scale + shift : 0;
                }
            }
        }
    }
}
