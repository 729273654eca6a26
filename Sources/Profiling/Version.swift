/// The program's version, in every output.
public enum Version {
    public static let number = "0.1.0"
    public static let text = "EmbryoProfiler \(number)"
}
