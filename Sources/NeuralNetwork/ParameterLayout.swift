/// Names and shapes of a network's parameters and where each lies in one block of memory.
struct ParameterLayout: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        let name: String
        let shape: [Int]
        let offset: Int
        var count: Int { shape.reduce(1, *) }
        /// Weight decay is for matrices and kernels, not for biases and norms.
        var decays: Bool { shape.count > 1 }
    }

    let entries: [Entry]
    let count: Int

    init(_ parameters: [(name: String, shape: [Int])]) {
        var entries: [Entry] = []
        var end = 0
        for (name, shape) in parameters {
            entries.append(Entry(name: name, shape: shape, offset: end))
            end += shape.reduce(1, *)
        }
        self.entries = entries
        count = end
    }

    /// Where the parameter `name` begins.
    func offset(_ name: String) -> Int {
        guard let entry = entries.first(where: { $0.name == name }) else { preconditionFailure("no parameter \(name)") }
        return entry.offset
    }

    /// All parameters of a file, one after the other.
    func read(_ file: WeightFile) throws -> [Float] {
        try entries.flatMap { try file.values($0.name, shape: $0.shape) }
    }

    /// The parameters as tensors.
    func tensors(_ values: [Float]) -> [String: WeightTensor] {
        Dictionary(
            uniqueKeysWithValues: entries.map {
                ($0.name, WeightTensor(shape: $0.shape, values: Array(values[$0.offset..<$0.offset + $0.count])))
            })
    }
}
