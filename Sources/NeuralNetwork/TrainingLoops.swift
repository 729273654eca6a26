import VectorKernels

// The C functions of each precision under one name.

/// The loops in single precision.
public enum SingleLoops: TrainingLoops {
    public typealias Real = Float

    public static func gruForward(
        _ p0: Output, _ p1: Input, _ p2: Output, _ p3: Input, _ p4: Output, _ p5: UnsafePointer<UInt8>, _ p6: Int, _ p7: Int
    ) {
        vk_gru_forward_f32(p0, p1, p2, p3, p4, p5, p6, p7)
    }

    public static func gruBackward(
        _ p0: Output, _ p1: Output, _ p2: Input, _ p3: Input, _ p4: Output, _ p5: UnsafePointer<UInt8>, _ p6: Int, _ p7: Int
    ) {
        vk_gru_backward_f32(p0, p1, p2, p3, p4, p5, p6, p7)
    }

    public static func fillRows(_ p0: Output, _ p1: Input, _ p2: Int, _ p3: Int) {
        vk_train_fill_rows_f32(p0, p1, p2, p3)
    }

    public static func addColumns(_ p0: Input, _ p1: Output, _ p2: Int, _ p3: Int) {
        vk_add_columns_f32(p0, p1, p2, p3)
    }

    public static func columnMoments(_ p0: Input, _ p1: Input, _ p2: Output, _ p3: Output, _ p4: Int, _ p5: Int) {
        vk_column_moments_f32(p0, p1, p2, p3, p4, p5)
    }

    public static func scaleRows(_ p0: Input, _ p1: Input, _ p2: Input, _ p3: Output, _ p4: Int, _ p5: Int, _ p6: Int32) {
        vk_scale_rows_f32(p0, p1, p2, p3, p4, p5, p6)
    }

    public static func normBackwardSums(
        _ p0: Output, _ p1: Input, _ p2: Input, _ p3: Input, _ p4: Input, _ p5: Input, _ p6: Output, _ p7: Output, _ p8: Int, _ p9: Int,
        _ p10: Int32
    ) {
        vk_norm_backward_sums_f32(p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10)
    }

    public static func normBackwardRows(_ p0: Output, _ p1: Input, _ p2: Input, _ p3: Input, _ p4: Input, _ p5: Input, _ p6: Int, _ p7: Int)
    {
        vk_norm_backward_rows_f32(p0, p1, p2, p3, p4, p5, p6, p7)
    }

    public static func depthwise(_ p0: Input, _ p1: Input, _ p2: Output, _ p3: Int, _ p4: Int, _ p5: Int, _ p6: Int, _ p7: Int, _ p8: Int) {
        vk_train_depthwise_f32(p0, p1, p2, p3, p4, p5, p6, p7, p8)
    }

    public static func depthwiseBackward(
        _ p0: Input, _ p1: Input, _ p2: Input, _ p3: Output, _ p4: Output, _ p5: Int, _ p6: Int, _ p7: Int, _ p8: Int, _ p9: Int, _ p10: Int
    ) {
        vk_train_depthwise_backward_f32(p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10)
    }

    public static func adamW(
        _ p0: Output, _ p1: Input, _ p2: Output, _ p3: Output, _ p4: Int, _ p5: Float, _ p6: Float, _ p7: Float, _ p8: Float, _ p9: Float,
        _ p10: Float, _ p11: Float, _ p12: Float
    ) {
        vk_adamw_f32(p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12)
    }
}

/// The loops in double precision.
public enum DoubleLoops: TrainingLoops {
    public typealias Real = Double

    public static func gruForward(
        _ p0: Output, _ p1: Input, _ p2: Output, _ p3: Input, _ p4: Output, _ p5: UnsafePointer<UInt8>, _ p6: Int, _ p7: Int
    ) {
        vk_gru_forward_f64(p0, p1, p2, p3, p4, p5, p6, p7)
    }

    public static func gruBackward(
        _ p0: Output, _ p1: Output, _ p2: Input, _ p3: Input, _ p4: Output, _ p5: UnsafePointer<UInt8>, _ p6: Int, _ p7: Int
    ) {
        vk_gru_backward_f64(p0, p1, p2, p3, p4, p5, p6, p7)
    }

    public static func fillRows(_ p0: Output, _ p1: Input, _ p2: Int, _ p3: Int) {
        vk_train_fill_rows_f64(p0, p1, p2, p3)
    }

    public static func addColumns(_ p0: Input, _ p1: Output, _ p2: Int, _ p3: Int) {
        vk_add_columns_f64(p0, p1, p2, p3)
    }

    public static func columnMoments(_ p0: Input, _ p1: Input, _ p2: Output, _ p3: Output, _ p4: Int, _ p5: Int) {
        vk_column_moments_f64(p0, p1, p2, p3, p4, p5)
    }

    public static func scaleRows(_ p0: Input, _ p1: Input, _ p2: Input, _ p3: Output, _ p4: Int, _ p5: Int, _ p6: Int32) {
        vk_scale_rows_f64(p0, p1, p2, p3, p4, p5, p6)
    }

    public static func normBackwardSums(
        _ p0: Output, _ p1: Input, _ p2: Input, _ p3: Input, _ p4: Input, _ p5: Input, _ p6: Output, _ p7: Output, _ p8: Int, _ p9: Int,
        _ p10: Int32
    ) {
        vk_norm_backward_sums_f64(p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10)
    }

    public static func normBackwardRows(_ p0: Output, _ p1: Input, _ p2: Input, _ p3: Input, _ p4: Input, _ p5: Input, _ p6: Int, _ p7: Int)
    {
        vk_norm_backward_rows_f64(p0, p1, p2, p3, p4, p5, p6, p7)
    }

    public static func depthwise(_ p0: Input, _ p1: Input, _ p2: Output, _ p3: Int, _ p4: Int, _ p5: Int, _ p6: Int, _ p7: Int, _ p8: Int) {
        vk_train_depthwise_f64(p0, p1, p2, p3, p4, p5, p6, p7, p8)
    }

    public static func depthwiseBackward(
        _ p0: Input, _ p1: Input, _ p2: Input, _ p3: Output, _ p4: Output, _ p5: Int, _ p6: Int, _ p7: Int, _ p8: Int, _ p9: Int, _ p10: Int
    ) {
        vk_train_depthwise_backward_f64(p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10)
    }

    public static func adamW(
        _ p0: Output, _ p1: Input, _ p2: Output, _ p3: Output, _ p4: Int, _ p5: Double, _ p6: Double, _ p7: Double, _ p8: Double,
        _ p9: Double, _ p10: Double, _ p11: Double, _ p12: Double
    ) {
        vk_adamw_f64(p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12)
    }
}
