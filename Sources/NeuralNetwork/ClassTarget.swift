/// A set of classes, by their numbers.
public struct ClassSet: Sendable, Hashable, ExpressibleByArrayLiteral {
    /// Bit c for class c. All bits stand for every class, those over 63 too.
    public var bits: UInt64

    public init(bits: UInt64) { self.bits = bits }

    /// Classes 0 to 63; others throw the program off.
    public init(_ classes: some Sequence<Int>) {
        bits = classes.reduce(0) {
            precondition((0..<64).contains($1), "class \($1) is not one of 0 to 63")
            return $0 | 1 << UInt64($1)
        }
    }

    public init(arrayLiteral classes: Int...) { self.init(classes) }

    /// Every class there is.
    public static let all = ClassSet(bits: .max)

    @inline(__always)
    public func contains(_ index: Int) -> Bool { index < 64 ? bits >> UInt64(index) & 1 == 1 : self == .all }

    public func isSubset(of other: ClassSet) -> Bool { bits & ~other.bits == 0 }

    /// Number of classes; more than there are for `all`.
    public var count: Int { bits.nonzeroBitCount }
}

/// What is known of the class of a picture or a frame.
///
/// Its likelihood is the summed probability of the acceptable classes among the possible ones, whose probabilities sum to 1: the loss is
/// log Σ(possible) eˢ − log Σ(acceptable) eˢ of the scores s. Classes that are not possible get no gradient, so data whose labels know only
/// some of the classes train only the odds among those.
///
/// ```swift
/// ClassTarget(4)                                  // class 4, of all
/// ClassTarget(4, among: [2, 4, 8, 11, 12])        // class 4, by labels that know only five classes
/// ClassTarget(either: [11, 12])                   // 11 or 12, nobody knows which
/// ClassTarget(8, or: [5, 6, 7, 9])                // 8 by name, and as well one of the others
/// ClassTarget.unknown                             // no loss
/// ```
public struct ClassTarget: Sendable, Hashable {
    /// The class, of several acceptable ones the named or else the lowest, or −1 where nothing is known. It decides the weight.
    public let label: Int
    /// Classes any of which is right; empty where nothing is known.
    public let acceptable: ClassSet
    /// Classes that it may be.
    public let possible: ClassSet

    /// A class, or −1 for nothing known. Of more than 64 classes only plain labels among all can be told.
    public init(_ label: Int, among possible: ClassSet = .all) {
        self.label = label
        acceptable = (0..<64).contains(label) ? [label] : []
        self.possible = possible
    }

    /// One of several classes.
    public init(either acceptable: ClassSet, among possible: ClassSet = .all) {
        label = acceptable.bits == 0 ? -1 : acceptable.bits.trailingZeroBitCount
        self.acceptable = acceptable
        self.possible = possible
    }

    /// A class by name that may as well be one of others.
    public init(_ label: Int, or others: ClassSet, among possible: ClassSet = .all) {
        self.label = label
        acceptable = ClassSet(bits: ClassSet([label]).bits | others.bits)
        self.possible = possible
    }

    public static let unknown = ClassTarget(-1)

    /// Whether a network that gives `index` is right.
    func accepts(_ index: Int) -> Bool { index == label || acceptable.contains(index) }

    func validate(classes: Int) throws {
        guard (-1..<classes).contains(label), acceptable.count <= 1 || acceptable.bits.leadingZeroBitCount >= 64 - classes else {
            throw NetworkError.wrongInput(reason: "a label is not −1 or a class under \(classes)")
        }
        guard label < 0 || possible.contains(label), acceptable.isSubset(of: possible) else {
            throw NetworkError.wrongInput(reason: "a label's class \(label) is not among the classes that are possible for it")
        }
    }
}
