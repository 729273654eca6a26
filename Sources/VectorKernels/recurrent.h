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
