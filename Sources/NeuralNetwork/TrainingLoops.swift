import VectorKernels

/// The vector loops of one precision, from `VectorKernels`: the C functions of each precision under one name. What each does stands in
/// `training_loops.h` and `VectorKernels.h`.
public protocol TrainingLoops {
    associatedtype Real
    typealias Input = UnsafePointer<Real>
    typealias Output = UnsafeMutablePointer<Real>
    /// For each kernel row, a row of the picture.
    typealias Rows = UnsafePointer<UnsafePointer<Real>?>

    /// gates, fromHidden, carried, before, after, mask, wells, hidden
    typealias GatedForward = (Output, Input, Output, Input, Output, UnsafePointer<UInt8>, Int, Int) -> Void
    /// gates, fromHidden, carried, before, state, mask, wells, hidden
    typealias GatedBackward = (Output, Output, Input, Input, Output, UnsafePointer<UInt8>, Int, Int) -> Void
    /// values, bias, rows, channels
    typealias FillRows = (Output, Input, Int, Int) -> Void
    /// values, sums, rows, channels
    typealias AddColumns = (Input, Output, Int, Int) -> Void
    /// values, centre, sums, squares, rows, channels
    typealias ColumnMoments = (Input, Input, Output, Output, Int, Int) -> Void
    /// input, factor, shift, output, rows, channels, clamp
    typealias ScaleRows = (Input, Input, Input, Output, Int, Int, Int32) -> Void
    /// gradient, input, mean, invDeviation, scale, shift, ofScale, ofShift, rows, channels, clamp
    typealias NormBackwardSums = (Output, Input, Input, Input, Input, Input, Output, Output, Int, Int, Int32) -> Void
    /// gradient, input, mean, factor, meanGradient, slope, rows, channels
    typealias NormBackwardRows = (Output, Input, Input, Input, Input, Input, Int, Int) -> Void
    /// rows, weights, bias, output, columnsIn, columnsOut, channels, kernel, stride, padBefore, clamp
    typealias DepthwiseRow = (Rows, Input, Input, Output, Int, Int, Int, Int, Int, Int, Int32) -> Void
    /// rows, weights or gradient, output or ofWeights, columnsIn, columnsOut, channels, kernel, stride, padBefore
    typealias DepthwiseGradientRow = (Rows, Input, Output, Int, Int, Int, Int, Int, Int) -> Void
    /// rows, patches, columnsIn, columnsOut, scale, shift
    typealias PatchesRow = (Rows, Output, Int, Int, Real, Real) -> Void
    /// values, gradients, first, second, count, gradientScale, rate, decay, beta1, beta2, epsilon, correction1, correction2Root
    typealias AdamStep = (Output, Input, Output, Output, Int, Real, Real, Real, Real, Real, Real, Real, Real) -> Void

    static var gruForward: GatedForward { get }
    static var gruBackward: GatedBackward { get }
    static var fillRows: FillRows { get }
    static var addColumns: AddColumns { get }
    static var columnMoments: ColumnMoments { get }
    static var scaleRows: ScaleRows { get }
    static var normBackwardSums: NormBackwardSums { get }
    static var normBackwardRows: NormBackwardRows { get }
    static var depthwiseRow: DepthwiseRow { get }
    static var depthwiseInputRow: DepthwiseGradientRow { get }
    static var depthwiseWeightRow: DepthwiseGradientRow { get }
    static var patchesRow: PatchesRow { get }
    static var adamW: AdamStep { get }
}

/// The loops in single precision.
public enum SingleLoops: TrainingLoops {
    public typealias Real = Float

    public static var gruForward: GatedForward { vk_gru_forward_f32 }
    public static var gruBackward: GatedBackward { vk_gru_backward_f32 }
    public static var fillRows: FillRows { vk_train_fill_rows_f32 }
    public static var addColumns: AddColumns { vk_add_columns_f32 }
    public static var columnMoments: ColumnMoments { vk_column_moments_f32 }
    public static var scaleRows: ScaleRows { vk_scale_rows_f32 }
    public static var normBackwardSums: NormBackwardSums { vk_norm_backward_sums_f32 }
    public static var normBackwardRows: NormBackwardRows { vk_norm_backward_rows_f32 }
    public static var depthwiseRow: DepthwiseRow { vk_depthwise_row_f32 }
    public static var depthwiseInputRow: DepthwiseGradientRow { vk_depthwise_input_row_f32 }
    public static var depthwiseWeightRow: DepthwiseGradientRow { vk_depthwise_weight_row_f32 }
    public static var patchesRow: PatchesRow { vk_train_patches_row_f32 }
    public static var adamW: AdamStep { vk_adamw_f32 }
}

/// The loops in double precision: for checks, so convolutions are the plain formulas.
public enum DoubleLoops: TrainingLoops {
    public typealias Real = Double

    public static var gruForward: GatedForward { vk_gru_forward_f64 }
    public static var gruBackward: GatedBackward { vk_gru_backward_f64 }
    public static var fillRows: FillRows { vk_train_fill_rows_f64 }
    public static var addColumns: AddColumns { vk_add_columns_f64 }
    public static var columnMoments: ColumnMoments { vk_column_moments_f64 }
    public static var scaleRows: ScaleRows { vk_scale_rows_f64 }
    public static var normBackwardSums: NormBackwardSums { vk_norm_backward_sums_f64 }
    public static var normBackwardRows: NormBackwardRows { vk_norm_backward_rows_f64 }
    public static var depthwiseRow: DepthwiseRow { vk_depthwise_row_f64_plain }
    public static var depthwiseInputRow: DepthwiseGradientRow { vk_depthwise_input_row_f64_plain }
    public static var depthwiseWeightRow: DepthwiseGradientRow { vk_depthwise_weight_row_f64_plain }
    public static var patchesRow: PatchesRow { vk_train_patches_row_f64 }
    public static var adamW: AdamStep { vk_adamw_f64 }
}
