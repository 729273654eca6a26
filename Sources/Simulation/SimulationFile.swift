import Foundation

/// A simulation file: YAML that sets what the command line leaves open. `Pipelines/simulation/default.yml` shows every key.
public struct SimulationFile: Sendable, Equatable, Codable {
    public var layout: String?
    public var optics: Optics?
    public var width: Int?
    public var height: Int?
    public var start: Double?
    public var days: Double?
    /// Minutes.
    public var interval: Double?
    public var empty: Double?
    public var burnedIn: Bool?
    public var required = RequiredWells()
    public var embryos = EmbryoOptions()
    public var trouble = TroubleRates()

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case layout, optics, width, height, start, days, interval, empty, burnedIn, required, embryos, trouble
    }

    public init() {}

    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        layout = try keys.decodeIfPresent(String.self, forKey: .layout)
        optics = try keys.decodeIfPresent(Optics.self, forKey: .optics)
        width = try keys.decodeIfPresent(Int.self, forKey: .width)
        height = try keys.decodeIfPresent(Int.self, forKey: .height)
        start = try keys.decodeIfPresent(Double.self, forKey: .start)
        days = try keys.decodeIfPresent(Double.self, forKey: .days)
        interval = try keys.decodeIfPresent(Double.self, forKey: .interval)
        empty = try keys.decodeIfPresent(Double.self, forKey: .empty)
        burnedIn = try keys.decodeIfPresent(Bool.self, forKey: .burnedIn)
        required = try keys.decodeIfPresent(RequiredWells.self, forKey: .required) ?? RequiredWells()
        embryos = try keys.decodeIfPresent(EmbryoOptions.self, forKey: .embryos) ?? EmbryoOptions()
        trouble = try keys.decodeIfPresent(TroubleRates.self, forKey: .trouble) ?? TroubleRates()
    }

    /// Keys that a file may have: those of the file itself under the empty name, those of a group under the group's.
    public static func knownKeys() throws -> [String: Set<String>] {
        [
            "": Set(CodingKeys.allCases.map(\.rawValue)), "required": try names(RequiredWells()), "embryos": try names(EmbryoOptions()),
            "trouble": try names(TroubleRates()),
        ]
    }

    /// Checks the keys of a file, `groups` by the names of the keys that hold further keys (the file itself under the empty name).
    ///
    /// - Throws: `SimulationError.badFile` that names an unknown key, so that a typing mistake cannot pass unseen.
    public static func check(keys groups: [String: [String]], path: String) throws {
        let known = try knownKeys()
        for (group, keys) in groups.sorted(by: { $0.key < $1.key }) {
            for key in keys where !(known[group]?.contains(key) ?? false) {
                let name = group.isEmpty ? key : "\(group): \(key)"
                throw SimulationError.badFile(path: path, reason: "‘\(name)’ is not a key of a simulation file")
            }
        }
    }

    /// What is wrong with a value, for `SimulationError.badFile`.
    public static func reason(_ error: DecodingError) -> String { describe(error) }

    private static func names<Value: Encodable>(_ value: Value) throws -> Set<String> {
        let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(value))
        return Set((object as? [String: Any])?.keys.map { $0 } ?? [])
    }

    private static func describe(_ error: DecodingError) -> String {
        func path(_ context: DecodingError.Context) -> String { context.codingPath.map(\.stringValue).joined(separator: ": ") }
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context):
            return "‘\(path(context))’ has a value of the wrong kind"
        case .dataCorrupted(let context): return "‘\(path(context))’: \(context.debugDescription)"
        @unknown default: return "a value cannot be read"
        }
    }

    /// Sets what this file says on a plan.
    ///
    /// - Throws: `SimulationError.badValue` for an unknown layout.
    public func apply(to plan: inout RecordingPlan) throws {
        if let layout {
            guard let found = SimulatedLayout(name: layout) else {
                throw SimulationError.badValue(name: "layout", value: layout, reason: "must be one of single, 3x3, 4x4, 5x5")
            }
            plan.layout = found
        }
        if let optics { plan.optics = optics }
        if let width { plan.width = width }
        if let height { plan.height = height }
        if let start { plan.start = start }
        if let days { plan.days = days }
        if let interval { plan.interval = interval }
        if let empty { plan.empty = empty }
        if let burnedIn { plan.burnedIn = burnedIn }
        plan.required = required
        plan.embryos = embryos
        plan.trouble = trouble
    }
}
