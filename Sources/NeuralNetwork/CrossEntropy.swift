/// Softmax cross-entropy over the labelled frames, weighted by class, with a share of each label given to its neighbours in order.
public struct CrossEntropy: Sendable, Equatable {
    /// A frame of class c counts `classWeights[c]`; empty for 1 each.
    public var classWeights: [Float]
    /// Share of a label that goes to the classes before and after it, half each; at an end of the order the half stays.
    public var ordinalSmoothing: Float
    /// The first so many classes are in order; the others have no neighbours.
    public var ordinalClasses: Int

    public init(classWeights: [Float] = [], ordinalSmoothing: Float = 0, ordinalClasses: Int = 0) {
        self.classWeights = classWeights
        self.ordinalSmoothing = ordinalSmoothing
        self.ordinalClasses = ordinalClasses
    }

    /// Weight of a frame of class `label`; 0 for an unlabelled one (−1).
    func weight(_ label: Int) -> Float { label < 0 ? 0 : classWeights.isEmpty ? 1 : classWeights[label] }

    /// Loss and number of right frames of one row of scores, added up, and the scores' gradient; `total` is the sum of the weights of all
    /// frames of the batch.
    func row<S: Scalar>(
        _ scores: UnsafePointer<S>, label: Int, total: Float, gradient: UnsafeMutablePointer<S>, classes: Int, loss: inout S,
        right: inout Int
    ) {
        let weight = weight(label)
        guard weight > 0, total > 0 else {
            gradient.update(repeating: 0, count: classes)
            return
        }
        var largest = scores[0]
        var best = 0
        for i in 1..<max(classes, 1) where scores[i] > largest {
            largest = scores[i]
            best = i
        }
        if best == label { right += 1 }
        var sum: S = 0
        for i in 0..<classes {
            gradient[i] = S.exponential(scores[i] - largest)
            sum += gradient[i]
        }
        let logarithm = S.logarithm(sum) + largest
        let factor = S(weight / total)
        for i in 0..<classes { gradient[i] *= factor / sum }
        func share(_ index: Int, _ part: S) {
            loss += factor * part * (logarithm - scores[index])
            gradient[index] -= factor * part
        }
        let half = S(ordinalSmoothing / 2)
        var own: S = 1
        if half > 0, label < ordinalClasses {
            if label > 0 {
                share(label - 1, half)
                own -= half
            }
            if label + 1 < ordinalClasses {
                share(label + 1, half)
                own -= half
            }
        }
        share(label, own)
    }

    func validate(classes: Int) throws {
        guard classWeights.isEmpty || classWeights.count == classes, classWeights.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
            throw NetworkError.badConfiguration(reason: "\(classes) classes need \(classes) class weights that are not negative")
        }
        guard (0..<1).contains(ordinalSmoothing), (0...classes).contains(ordinalClasses) else {
            throw NetworkError.badConfiguration(reason: "ordinal smoothing is a share under 1, over at most \(classes) classes")
        }
    }
}
