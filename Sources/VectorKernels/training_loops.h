// The loops of training, written once for every precision. Included with
//   REAL     the type
//   NAME(x)  x with the type's suffix
//   EXP      e^x
// The double-precision build is what tests compare with central differences; the single-precision one trains.

// One GRU step that keeps what its gradient needs.
//   gates      [wells][3 * hidden]: sums from the input, bias included; becomes reset, update, candidate after activation
//   fromHidden [wells][3 * hidden]: sums from the state before, bias included
//   carried    [wells][hidden]: becomes the candidate's sum from the state, before the reset gate
//   before, after  [wells][hidden]: state before and after
void VK_KERNEL(NAME(vk_gru_forward))(REAL *restrict gates, const REAL *restrict fromHidden, REAL *restrict carried,
                                    const REAL *restrict before, REAL *restrict after, const uint8_t *mask,
                                    vk_index wells, vk_index hidden) {
    for (vk_index well = 0; well < wells; well++) {
        REAL *restrict g = gates + well * 3 * hidden, *restrict a = after + well * hidden, *restrict k = carried + well * hidden;
        const REAL *restrict h = fromHidden + well * 3 * hidden, *restrict b = before + well * hidden;
        if (!mask[well]) {
            for (vk_index i = 0; i < hidden; i++) a[i] = b[i];
            continue;
        }
        for (vk_index i = 0; i < hidden; i++) {
            REAL reset = 1 / (1 + EXP(-(g[i] + h[i])));
            REAL update = 1 / (1 + EXP(-(g[hidden + i] + h[hidden + i])));
            REAL sum = g[2 * hidden + i] + reset * h[2 * hidden + i];
            REAL candidate = 1 - 2 / (EXP(2 * sum) + 1);
            k[i] = h[2 * hidden + i];
            g[i] = reset;
            g[hidden + i] = update;
            g[2 * hidden + i] = candidate;
            a[i] = candidate + update * (b[i] - candidate);
        }
    }
}

// The gradient of vk_gru_forward.
//   state      [wells][hidden]: gradient of the state after; becomes that of the state before, but for what flows through fromHidden
//   gates      as vk_gru_forward left them; become the gradient of the sums from the input
//   fromHidden becomes the gradient of the sums from the state
void VK_KERNEL(NAME(vk_gru_backward))(REAL *restrict gates, REAL *restrict fromHidden, const REAL *restrict carried,
                                     const REAL *restrict before, REAL *restrict state, const uint8_t *mask,
                                     vk_index wells, vk_index hidden) {
    for (vk_index well = 0; well < wells; well++) {
        REAL *restrict g = gates + well * 3 * hidden, *restrict s = state + well * hidden, *restrict h = fromHidden + well * 3 * hidden;
        const REAL *restrict k = carried + well * hidden, *restrict b = before + well * hidden;
        if (!mask[well]) {
            for (vk_index i = 0; i < 3 * hidden; i++) g[i] = h[i] = 0;
            continue;
        }
        for (vk_index i = 0; i < hidden; i++) {
            REAL reset = g[i], update = g[hidden + i], candidate = g[2 * hidden + i], gradient = s[i];
            REAL sum = gradient * (1 - update) * (1 - candidate * candidate);
            REAL ofUpdate = gradient * (b[i] - candidate) * update * (1 - update);
            REAL ofReset = sum * k[i] * reset * (1 - reset);
            g[i] = h[i] = ofReset;
            g[hidden + i] = h[hidden + i] = ofUpdate;
            g[2 * hidden + i] = sum;
            h[2 * hidden + i] = sum * reset;
            s[i] = gradient * update;
        }
    }
}

// Every row becomes `bias`.
void VK_KERNEL(NAME(vk_train_fill_rows))(REAL *restrict values, const REAL *restrict bias, vk_index rows, vk_index channels) {
    for (vk_index row = 0; row < rows; row++) {
        REAL *restrict to = values + row * channels;
        for (vk_index c = 0; c < channels; c++) to[c] = bias[c];
    }
}

// sums[c] += the sum of column c.
void VK_KERNEL(NAME(vk_add_columns))(const REAL *restrict values, REAL *restrict sums, vk_index rows, vk_index channels) {
    for (vk_index row = 0; row < rows; row++) {
        const REAL *restrict from = values + row * channels;
        for (vk_index c = 0; c < channels; c++) sums[c] += from[c];
    }
}

// Sums and sums of squares of (value - centre) by column, for the statistics of a batch norm.
void VK_KERNEL(NAME(vk_column_moments))(const REAL *restrict values, const REAL *restrict centre, REAL *restrict sums,
                                       REAL *restrict squares, vk_index rows, vk_index channels) {
    for (vk_index row = 0; row < rows; row++) {
        const REAL *restrict from = values + row * channels;
        for (vk_index c = 0; c < channels; c++) {
            REAL value = from[c] - centre[c];
            sums[c] += value;
            squares[c] += value * value;
        }
    }
}

// output = input * factor + shift by column, and ReLU6 where `clamp` is not 0.
void VK_KERNEL(NAME(vk_scale_rows))(const REAL *restrict input, const REAL *restrict factor, const REAL *restrict shift,
                                   REAL *restrict output, vk_index rows, vk_index channels, int clamp) {
    for (vk_index row = 0; row < rows; row++) {
        const REAL *restrict from = input + row * channels;
        REAL *restrict to = output + row * channels;
        if (clamp) {
            for (vk_index c = 0; c < channels; c++) {
                REAL value = from[c] * factor[c] + shift[c];
                value = value > 0 ? value : 0;
                to[c] = value < 6 ? value : 6;
            }
        } else {
            for (vk_index c = 0; c < channels; c++) to[c] = from[c] * factor[c] + shift[c];
        }
    }
}

// First half of the gradient of ReLU6(batch norm): where the activation was cut the gradient becomes 0 (in place), and
// ofShift[c] += gradient, ofScale[c] += gradient * (input - mean) * invDeviation.
void VK_KERNEL(NAME(vk_norm_backward_sums))(REAL *restrict gradient, const REAL *restrict input, const REAL *restrict mean,
                                           const REAL *restrict invDeviation, const REAL *restrict scale, const REAL *restrict shift,
                                           REAL *restrict ofScale, REAL *restrict ofShift, vk_index rows, vk_index channels, int clamp) {
    for (vk_index row = 0; row < rows; row++) {
        REAL *restrict g = gradient + row * channels;
        const REAL *restrict x = input + row * channels;
        for (vk_index c = 0; c < channels; c++) {
            REAL normal = (x[c] - mean[c]) * invDeviation[c];
            REAL value = normal * scale[c] + shift[c];
            REAL passes = clamp ? (value > 0 && value < 6 ? g[c] : 0) : g[c];
            g[c] = passes;
            ofShift[c] += passes;
            ofScale[c] += passes * normal;
        }
    }
}

// Second half: gradient = factor * (gradient - meanGradient - (input - mean) * slope), in place.
void VK_KERNEL(NAME(vk_norm_backward_rows))(REAL *restrict gradient, const REAL *restrict input, const REAL *restrict mean,
                                           const REAL *restrict factor, const REAL *restrict meanGradient, const REAL *restrict slope,
                                           vk_index rows, vk_index channels) {
    for (vk_index row = 0; row < rows; row++) {
        REAL *restrict g = gradient + row * channels;
        const REAL *restrict x = input + row * channels;
        for (vk_index c = 0; c < channels; c++) g[c] = factor[c] * (g[c] - meanGradient[c] - (x[c] - mean[c]) * slope[c]);
    }
}

// A row of 3x3 patches of one plane at stride 2: (ky, kx) of scale * intensity + shift, 0 beyond the border (row NULL, column outside).
void VK_KERNEL(NAME(vk_train_patches_row))(const REAL *const *rows, REAL *restrict patches, vk_index columnsIn, vk_index columnsOut,
                                          REAL scale, REAL shift) {
    for (vk_index column = 0; column < columnsOut; column++) {
        for (vk_index ky = 0; ky < 3; ky++) {
            for (vk_index kx = 0; kx < 3; kx++) {
                vk_index x = 2 * column + kx;
                patches[column * 9 + ky * 3 + kx] = rows[ky] && x < columnsIn ? rows[ky][x] * scale + shift : 0;
            }
        }
    }
}

// AdamW (Loshchilov and Hutter 2019) on a run of parameters, in PyTorch's order of operations:
// decay first, then the step of Adam with bias-corrected moments.
void VK_KERNEL(NAME(vk_adamw))(REAL *restrict values, const REAL *restrict gradients, REAL *restrict first, REAL *restrict second,
                              vk_index count, REAL gradientScale, REAL rate, REAL decay, REAL beta1, REAL beta2, REAL epsilon,
                              REAL correction1, REAL correction2Root) {
    for (vk_index i = 0; i < count; i++) {
        REAL gradient = gradients[i] * gradientScale;
        REAL value = values[i] * (1 - rate * decay);
        REAL m = first[i] * beta1 + gradient * (1 - beta1);
        REAL v = second[i] * beta2 + gradient * gradient * (1 - beta2);
        first[i] = m;
        second[i] = v;
        values[i] = value - rate / correction1 * m / (SQRT(v) / correction2Root + epsilon);
    }
}
