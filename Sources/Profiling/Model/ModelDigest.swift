import Foundation

/// SHA-256 of a model's file, by which outputs name the model that made them.
public enum ModelDigest {
    /// 64 hexadecimal digits. Throws `ProfilingError` where there is no memory.
    public static func sha256(_ data: Data) throws -> String { try ContentDigest.sha256(data) }
}
