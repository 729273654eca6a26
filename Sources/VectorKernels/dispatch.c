#include "VectorKernels.h"

#if defined(__x86_64__) && defined(__linux__)

int vk_supports_v4(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("x86-64-v4");
}

int vk_supports_v3(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("x86-64-v3");
}

const char *vk_instruction_set(void) { return vk_supports_v4() ? "x86-64-v4" : vk_supports_v3() ? "x86-64-v3" : "x86-64"; }

// The loader asks once for each kernel which build suits this processor.
#define VK_DISPATCH(name) \
    static __typeof__(name) *choose_##name(void) { \
        __builtin_cpu_init(); \
        return __builtin_cpu_supports("x86-64-v4") ? name##_v4 : __builtin_cpu_supports("x86-64-v3") ? name##_v3 : name##_base; \
    } \
    __typeof__(name) name __attribute__((ifunc("choose_" #name)));

VK_DISPATCH(vk_fill_rows_f32)
VK_DISPATCH(vk_add_rows_f32)
VK_DISPATCH(vk_relu6_f32)
VK_DISPATCH(vk_relu6_mean_rows_f32)
VK_DISPATCH(vk_patches_row_f32)
VK_DISPATCH(vk_depthwise_row_f32)
VK_DISPATCH(vk_depthwise_input_row_f32)
VK_DISPATCH(vk_depthwise_weight_row_f32)
VK_DISPATCH(vk_gru_step_f32)
VK_DISPATCH(vk_state_product_f32)
VK_DISPATCH(vk_gru_forward_f32)
VK_DISPATCH(vk_gru_forward_f64)
VK_DISPATCH(vk_gru_backward_f32)
VK_DISPATCH(vk_gru_backward_f64)
VK_DISPATCH(vk_train_fill_rows_f32)
VK_DISPATCH(vk_train_fill_rows_f64)
VK_DISPATCH(vk_add_columns_f32)
VK_DISPATCH(vk_add_columns_f64)
VK_DISPATCH(vk_column_moments_f32)
VK_DISPATCH(vk_column_moments_f64)
VK_DISPATCH(vk_scale_rows_f32)
VK_DISPATCH(vk_scale_rows_f64)
VK_DISPATCH(vk_norm_backward_sums_f32)
VK_DISPATCH(vk_norm_backward_sums_f64)
VK_DISPATCH(vk_norm_backward_rows_f32)
VK_DISPATCH(vk_norm_backward_rows_f64)
VK_DISPATCH(vk_train_patches_row_f32)
VK_DISPATCH(vk_train_patches_row_f64)
VK_DISPATCH(vk_adamw_f32)
VK_DISPATCH(vk_adamw_f64)

#else

const char *vk_instruction_set(void) { return "plain"; }

#endif
