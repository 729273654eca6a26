// The gradients of a depthwise convolution. As in the forward pass, sixteen channels at a time stay in registers.

// The input's gradient under stride 2. Column x = 2 m - padBefore + odd takes gradients m, m - 1, ... by taps odd, odd + 2, ...:
// COUNT neighbouring m give as many pairs of columns, and each gradient is loaded once a row for all that take it.
#define VK_PAIRS(K, COUNT) \
    do { \
        vk_register even[COUNT], odd[COUNT]; \
        for (int j = 0; j < COUNT; j++) even[j] = odd[j] = zero; \
        for (int ky = 0; ky < K; ky++) { \
            if (!rows[ky]) continue; \
            const float *from = rows[ky] + (m - K / 2) * channels + c; \
            vk_register tap[K]; \
            for (int kx = 0; kx < K; kx++) tap[kx] = VK_LOAD(weights + (ky * K + kx) * channels + c); \
            _Pragma("clang loop unroll(full)") \
            for (int i = 0; i < COUNT + K / 2; i++) { \
                vk_register value = VK_LOAD(from + i * channels); \
                _Pragma("clang loop unroll(full)") \
                for (int j = 0; j < COUNT; j++) { \
                    int back = j + K / 2 - i; \
                    if (back >= 0 && 2 * back < K) even[j] += value * tap[2 * back]; \
                    if (back >= 0 && 2 * back + 1 < K) odd[j] += value * tap[2 * back + 1]; \
                } \
            } \
        } \
        for (int j = 0; j < COUNT; j++) { \
            float *to = output + (2 * (m + j) - padBefore) * channels + c; \
            VK_STORE(to, even[j]); \
            VK_STORE(to + channels, odd[j]); \
        } \
    } while (0)

#define VK_INPUT_ROW(K) \
    do { \
        for (; c + 16 <= channels; c += 16) { \
            for (vk_index x = 0; x < 2 * (K / 2) - padBefore && x < columnsIn; x++) VK_COLUMN(); \
            vk_index m = K / 2; \
            for (; m + 4 <= columnsOut; m += 4) VK_PAIRS(K, 4); \
            for (; m < columnsOut; m++) VK_PAIRS(K, 1); \
            for (vk_index x = 2 * m - padBefore; x < columnsIn; x++) VK_COLUMN(); \
        } \
    } while (0)

// Any column of any shape.
#define VK_COLUMN() \
    do { \
        vk_register sum = zero; \
        for (vk_index kx = 0; kx < kernel; kx++) { \
            vk_index from = x + padBefore - kx; \
            if (from < 0 || from % stride || from / stride >= columnsOut) continue; \
            for (vk_index ky = 0; ky < kernel; ky++) { \
                if (rows[ky]) sum += VK_LOAD(rows[ky] + from / stride * channels + c) * VK_LOAD(weights + (ky * kernel + kx) * channels + c); \
            } \
        } \
        VK_STORE(output + x * channels + c, sum); \
    } while (0)

void VK_KERNEL(vk_depthwise_input_row_f32)(const float *const *rows, const float *weights, float *restrict output, vk_index columnsIn,
                                          vk_index columnsOut, vk_index channels, vk_index kernel, vk_index stride,
                                          vk_index padBefore) {
    const vk_register zero = {0};
    vk_index c = 0;
    int halved = stride == 2 && columnsIn == 2 * columnsOut && padBefore == (kernel - stride) / 2;
    if (halved && kernel == 3) VK_INPUT_ROW(3);
    else if (halved && kernel == 5 && columnsOut >= 2) VK_INPUT_ROW(5);
    else {
        for (; c + 16 <= channels; c += 16) {
            for (vk_index x = 0; x < columnsIn; x++) VK_COLUMN();
        }
    }
    if (c == channels) return;
    for (vk_index x = 0; x < columnsIn; x++) {
        for (vk_index i = c; i < channels; i++) {
            float sum = 0;
            for (vk_index kx = 0; kx < kernel; kx++) {
                vk_index from = x + padBefore - kx;
                if (from < 0 || from % stride || from / stride >= columnsOut) continue;
                for (vk_index ky = 0; ky < kernel; ky++) {
                    if (rows[ky]) sum += rows[ky][from / stride * channels + i] * weights[(ky * kernel + kx) * channels + i];
                }
            }
            output[x * channels + i] = sum;
        }
    }
}

// Columns FIRST ..< LAST, all of whose taps lie within the row: one sum a tap stays in a register.
#define VK_TAPS(K, FIRST, LAST) \
    do { \
        vk_register sum[K * K]; \
        for (int i = 0; i < K * K; i++) sum[i] = VK_LOAD(ofWeights + i * channels + c); \
        const float *at = gradient + (FIRST) * channels + c; \
        vk_index offset = ((FIRST) * stride - padBefore) * channels + c; \
        for (vk_index column = FIRST; column < LAST; column++, at += channels, offset += stride * channels) { \
            vk_register value = VK_LOAD(at); \
            _Pragma("clang loop unroll(full)") \
            for (int ky = 0; ky < K; ky++) { \
                const float *from = rows[ky] + offset; \
                _Pragma("clang loop unroll(full)") \
                for (int kx = 0; kx < K; kx++) sum[ky * K + kx] += value * VK_LOAD(from + kx * channels); \
            } \
        } \
        for (int i = 0; i < K * K; i++) VK_STORE(ofWeights + i * channels + c, sum[i]); \
    } while (0)

// A column at the border, or of any shape.
#define VK_BORDER_COLUMN() \
    do { \
        vk_register value = VK_LOAD(gradient + column * channels + c); \
        for (vk_index kx = 0; kx < kernel; kx++) { \
            vk_index x = column * stride - padBefore + kx; \
            if (x < 0 || x >= columnsIn) continue; \
            for (vk_index ky = 0; ky < kernel; ky++) { \
                float *to = ofWeights + (ky * kernel + kx) * channels + c; \
                VK_STORE(to, VK_LOAD(to) + value * VK_LOAD(rows[ky] + x * channels + c)); \
            } \
        } \
    } while (0)

void VK_KERNEL(vk_depthwise_weight_row_f32)(const float *const *rows, const float *restrict gradient, float *restrict ofWeights,
                                           vk_index columnsIn, vk_index columnsOut, vk_index channels, vk_index kernel,
                                           vk_index stride, vk_index padBefore) {
    vk_index first = (padBefore + stride - 1) / stride;
    vk_index last = columnsIn + padBefore >= kernel ? (columnsIn + padBefore - kernel) / stride + 1 : 0;
    if (last > columnsOut) last = columnsOut;
    if (last < first || (kernel != 3 && kernel != 5)) first = last = 0;
    vk_index c = 0;
    for (; c + 16 <= channels; c += 16) {
        if (kernel == 3) VK_TAPS(3, first, last);
        else if (kernel == 5) VK_TAPS(5, first, last);
        for (vk_index column = 0; column < first; column++) VK_BORDER_COLUMN();
        for (vk_index column = last; column < columnsOut; column++) VK_BORDER_COLUMN();
    }
    if (c == channels) return;
    for (vk_index column = 0; column < columnsOut; column++) {
        for (vk_index kx = 0; kx < kernel; kx++) {
            vk_index x = column * stride - padBefore + kx;
            if (x < 0 || x >= columnsIn) continue;
            for (vk_index ky = 0; ky < kernel; ky++) {
                for (vk_index i = c; i < channels; i++) {
                    ofWeights[(ky * kernel + kx) * channels + i] += gradient[column * channels + i] * rows[ky][x * channels + i];
                }
            }
        }
    }
}
