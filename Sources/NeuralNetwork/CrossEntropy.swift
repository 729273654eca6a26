/// Softmax cross-entropy over the labelled frames, weighted by class, with a share of each label given to its neighbours in order; see
/// `ClassTarget` for labels that know less than the class.
public struct CrossEntropy: Sendable, Equatable {
    /// A frame of class c counts `classWeights[c]`; empty for 1 each.
    public var classWeights: [Float]
    /// Share of a label that goes to the classes before and after it, half each; at an end of the order, and beside a
    /// class that is not possible, the half stays.
    public var ordinalSmoothing: Float
    /// The first so many classes are in order; the others have no neighbours.
    public var ordinalClasses: Int

    public init(classWeights: [Float] = [], ordinalSmoothing: Float = 0, ordinalClasses: Int = 0) {
        self.classWeights = classWeights
        self.ordinalSmoothing = ordinalSmoothing
        self.ordinalClasses = ordinalClasses
    }

    /// Weight of a frame: that of its class; 0 for an unlabelled one.
    func weight(_ target: ClassTarget) -> Float {
        target.label < 0 ? 0 : classWeights.isEmpty ? 1 : classWeights[target.label]
    }

    /// Loss and number of right frames of one row of scores, added up, and the scores' gradient; `total` is the sum of the weights of all
    /// frames of the batch.
    func row<S: Scalar>(
        _ scores: UnsafePointer<S>, _ target: ClassTarget, total: Float, gradient: UnsafeMutablePointer<S>, classes: Int, loss: inout S,
        right: inout Int
    ) {
        let weight = weight(target)
        let possible = target.possible
        guard weight > 0, total > 0 else {
            gradient.update(repeating: 0, count: classes)
            return
        }
        var largest = -S.infinity
        var best = target.label
        for i in 0..<classes where possible.contains(i) && scores[i] > largest {
            largest = scores[i]
            best = i
        }
        if target.accepts(best) { right += 1 }
        var sum: S = 0
        for i in 0..<classes {
            gradient[i] = possible.contains(i) ? S.exponential(scores[i] - largest) : 0
            sum += gradient[i]
        }
        let logarithm = S.logarithm(sum) + largest
        let factor = S(weight / total)
        if target.acceptable.count > 1 {
            either(scores, target.acceptable, logarithm, factor, scaled: factor / sum, gradient, classes, &loss)
            return
        }
        for i in 0..<classes { gradient[i] *= factor / sum }
        func share(_ index: Int, _ part: S) {
            loss += factor * part * (logarithm - scores[index])
            gradient[index] -= factor * part
        }
        let label = target.label
        let half = S(ordinalSmoothing / 2)
        var own: S = 1
        if half > 0, label < ordinalClasses {
            for neighbour in [label - 1, label + 1] where (0..<ordinalClasses).contains(neighbour) && possible.contains(neighbour) {
                share(neighbour, half)
                own -= half
            }
        }
        share(label, own)
    }

    /// Several acceptable classes: the gradient is the softmax over the possible ones less the softmax over the acceptable ones. `gradient`
    /// holds the possible ones' exponentials.
    private func either<S: Scalar>(
        _ scores: UnsafePointer<S>, _ acceptable: ClassSet, _ logarithm: S, _ factor: S, scaled: S, _ gradient: UnsafeMutablePointer<S>,
        _ classes: Int, _ loss: inout S
    ) {
        // Around their own largest score: they may all be far below the others.
        var largest = -S.infinity
        for i in 0..<classes where acceptable.contains(i) { largest = max(largest, scores[i]) }
        var sum: S = 0
        for i in 0..<classes where acceptable.contains(i) { sum += S.exponential(scores[i] - largest) }
        for i in 0..<classes {
            gradient[i] *= scaled
            if acceptable.contains(i) { gradient[i] -= factor * S.exponential(scores[i] - largest) / sum }
        }
        loss += factor * (logarithm - largest - S.logarithm(sum))
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
