// Steps of gated recurrent units.

void VK_KERNEL(vk_gru_step_f32)(const float *restrict fromInput, vk_index inputStride, const float *restrict fromHidden,
                               float *restrict state, const uint8_t *mask, vk_index maskStride, float *restrict output,
                               vk_index outputStride, vk_index wells, vk_index hidden) {
    for (vk_index well = 0; well < wells; well++) {
        const float *restrict x = fromInput + well * inputStride, *restrict h = fromHidden + well * 3 * hidden;
        float *restrict s = state + well * hidden, *restrict y = output + well * outputStride;
        if (!mask[well * maskStride]) {
            for (vk_index i = 0; i < hidden; i++) y[i] = s[i];
            continue;
        }
        for (vk_index i = 0; i < hidden; i++) {
            float reset = 1 / (1 + vk_exponential(-(x[i] + h[i])));
            float update = 1 / (1 + vk_exponential(-(x[hidden + i] + h[hidden + i])));
            float sum = x[2 * hidden + i] + reset * h[2 * hidden + i];
            float candidate = 1 - 2 / (vk_exponential(2 * sum) + 1);
            float value = candidate + update * (s[i] - candidate);
            s[i] = value;
            y[i] = value;
        }
    }
}

// The state's part of the gates' sums: output[well][column] = bias[column] + sum over i of state[well][i] * weights[i][column].
// A library's matrix product would pack the weights anew at every step, which costs more than the product of so few rows.
// A tile of ROWS wells by COLUMNS times sixteen columns stays in registers: as many as there are.
#if VK_WIDE
#define VK_PRODUCT_ROWS 8
#define VK_PRODUCT_COLUMNS 3
#else
#define VK_PRODUCT_ROWS 4
#define VK_PRODUCT_COLUMNS 1
#endif

#define VK_PRODUCT_TILE(ROWS, COLUMNS) \
    do { \
        vk_register sum[ROWS][COLUMNS]; \
        for (int j = 0; j < COLUMNS; j++) { \
            for (int r = 0; r < ROWS; r++) sum[r][j] = VK_LOAD(bias + column + 16 * j); \
        } \
        for (vk_index i = 0; i < inner; i++) { \
            const float *row = weights + i * columns + column; \
            vk_register weight[COLUMNS]; \
            for (int j = 0; j < COLUMNS; j++) weight[j] = VK_LOAD(row + 16 * j); \
            _Pragma("clang loop unroll(full)") \
            for (int r = 0; r < ROWS; r++) { \
                float value = state[(well + r) * inner + i]; \
                _Pragma("clang loop unroll(full)") \
                for (int j = 0; j < COLUMNS; j++) sum[r][j] += value * weight[j]; \
            } \
        } \
        for (int r = 0; r < ROWS; r++) { \
            for (int j = 0; j < COLUMNS; j++) VK_STORE(output + (well + r) * columns + column + 16 * j, sum[r][j]); \
        } \
    } while (0)

void VK_KERNEL(vk_state_product_f32)(const float *state, const float *weights, const float *bias, float *restrict output,
                                     vk_index wells, vk_index inner, vk_index columns) {
    vk_index column = 0;
    for (; column + 16 * VK_PRODUCT_COLUMNS <= columns; column += 16 * VK_PRODUCT_COLUMNS) {
        vk_index well = 0;
        for (; well + VK_PRODUCT_ROWS <= wells; well += VK_PRODUCT_ROWS) VK_PRODUCT_TILE(VK_PRODUCT_ROWS, VK_PRODUCT_COLUMNS);
        for (; well + 2 <= wells; well += 2) VK_PRODUCT_TILE(2, VK_PRODUCT_COLUMNS);
        for (; well < wells; well++) VK_PRODUCT_TILE(1, VK_PRODUCT_COLUMNS);
    }
    for (; column + 16 <= columns; column += 16) {
        for (vk_index well = 0; well < wells; well++) VK_PRODUCT_TILE(1, 1);
    }
    for (; column < columns; column++) {
        for (vk_index well = 0; well < wells; well++) {
            float sum = bias[column];
            for (vk_index i = 0; i < inner; i++) sum += state[well * inner + i] * weights[i * columns + column];
            output[well * columns + column] = sum;
        }
    }
}
