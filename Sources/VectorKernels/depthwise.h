// Rows of a depthwise convolution.

#define VK_CLAMP(value) ((value) = __builtin_elementwise_min(__builtin_elementwise_max((value), zero), six))

// A tile of COLUMNS output columns by 16 channels stays in registers while the K * K taps go by; each input column is
// loaded once a kernel row and used for every output column that it touches. The first BEFORE and the last AFTER input
// columns of the tile lie beyond the border: the compiler drops them.
#define VK_TILE(K, STRIDE, COLUMNS, BEFORE, AFTER) \
    do { \
        vk_register sum[COLUMNS]; \
        for (int j = 0; j < COLUMNS; j++) sum[j] = start; \
        for (int ky = 0; ky < K; ky++) { \
            const float *from = rows[ky] + (column * STRIDE - padBefore) * channels + c; \
            vk_register tap[K]; \
            for (int kx = 0; kx < K; kx++) tap[kx] = VK_LOAD(weights + (ky * K + kx) * channels + c); \
            _Pragma("clang loop unroll(full)") \
            for (int x = BEFORE; x < (COLUMNS - 1) * STRIDE + K - (AFTER); x++) { \
                vk_register value = VK_LOAD(from + x * channels); \
                _Pragma("clang loop unroll(full)") \
                for (int j = 0; j < COLUMNS; j++) { \
                    if (x - j * STRIDE >= 0 && x - j * STRIDE < K) sum[j] += value * tap[x - j * STRIDE]; \
                } \
            } \
        } \
        for (int j = 0; j < COLUMNS; j++) { \
            if (clamp) VK_CLAMP(sum[j]); \
            VK_STORE(output + (column + j) * channels + c, sum[j]); \
        } \
    } while (0)

// A row of at least COLUMNS + 1 output columns under SAME padding: a tile at each border and as many between as are
// needed; the last of those may overlap, which computes a few columns twice.
#define VK_ROW(K, STRIDE, COLUMNS) \
    do { \
        for (; c + 16 <= channels; c += 16) { \
            vk_register start = VK_LOAD(bias + c); \
            vk_index column = 0; \
            VK_TILE(K, STRIDE, COLUMNS, (K - STRIDE) / 2, 0); \
            for (column = COLUMNS; column < outputColumns - COLUMNS; column += COLUMNS) { \
                if (column > outputColumns - 2 * COLUMNS) column = outputColumns - 2 * COLUMNS; \
                VK_TILE(K, STRIDE, COLUMNS, 0, 0); \
            } \
            column = outputColumns - COLUMNS; \
            VK_TILE(K, STRIDE, COLUMNS, 0, (K - STRIDE + 1) / 2); \
        } \
    } while (0)

// Any row: one column at a time.
#define VK_SLOW_ROW() \
    do { \
        for (; c + 16 <= channels; c += 16) { \
            vk_register start = VK_LOAD(bias + c); \
            for (vk_index column = 0; column < outputColumns; column++) { \
                vk_register sum = start; \
                for (vk_index kx = 0; kx < kernel; kx++) { \
                    vk_index x = column * stride - padBefore + kx; \
                    if (x < 0 || x >= inputColumns) continue; \
                    for (vk_index ky = 0; ky < kernel; ky++) { \
                        sum += VK_LOAD(rows[ky] + x * channels + c) * VK_LOAD(weights + (ky * kernel + kx) * channels + c); \
                    } \
                } \
                if (clamp) VK_CLAMP(sum); \
                VK_STORE(output + column * channels + c, sum); \
            } \
        } \
    } while (0)

void VK_KERNEL(vk_depthwise_row_f32)(const float *const *rows, const float *weights, const float *bias, float *restrict output,
                                    vk_index inputColumns, vk_index outputColumns, vk_index channels,
                                    vk_index kernel, vk_index stride, vk_index padBefore, int clamp) {
    const vk_register zero = {0}, six = zero + 6;
    vk_index c = 0;
    int same = inputColumns == outputColumns * stride && padBefore == (kernel - stride) / 2;
    // Between the border tiles there must be none needed or room for one that touches no border: not so for 17 to 23 columns
    // in eights, nor for 9 in fours.
    int wide = outputColumns == 14 || outputColumns == 16 || outputColumns >= 24, narrow = outputColumns >= 6 && outputColumns != 9;
    if (same && kernel == 3 && stride == 1 && wide) VK_ROW(3, 1, 8);
    else if (same && kernel == 3 && stride == 1 && narrow) VK_ROW(3, 1, 4);
    else if (same && kernel == 3 && stride == 2 && narrow) VK_ROW(3, 2, 4);
    else if (same && kernel == 5 && stride == 1 && wide) VK_ROW(5, 1, 8);
    else if (same && kernel == 5 && stride == 1 && narrow) VK_ROW(5, 1, 4);
    else if (same && kernel == 5 && stride == 2 && narrow) VK_ROW(5, 2, 4);
    else VK_SLOW_ROW();
    for (; c < channels; c++) {
        for (vk_index column = 0; column < outputColumns; column++) {
            float sum = bias[c];
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
