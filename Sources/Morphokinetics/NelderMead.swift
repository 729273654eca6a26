/// The simplex method of Nelder and Mead (1965, Computer Journal 7:308) for a handful of parameters.
enum NelderMead {
    /// A point of low value, found from `start` with a first simplex of size `step`.
    static func minimize(
        from start: [Double], step: Double, evaluations: Int = 4000, tolerance: Double = 1e-9, _ function: ([Double]) -> Double
    ) -> (point: [Double], value: Double) {
        let count = start.count
        func value(_ point: [Double]) -> Double {
            let result = function(point)
            return result.isNaN ? .infinity : result
        }
        var simplex = [(point: start, value: value(start))]
        for index in 0..<count {
            var point = start
            point[index] += step
            simplex.append((point, value(point)))
        }
        var used = count + 1
        func blend(_ a: [Double], _ b: [Double], _ share: Double) -> [Double] { zip(a, b).map { $0 + share * ($1 - $0) } }
        while used < evaluations {
            simplex.sort { $0.value < $1.value }
            let worst = simplex[count]
            if worst.value - simplex[0].value < tolerance { break }
            var center = [Double](repeating: 0, count: count)
            for vertex in simplex.dropLast() { for index in 0..<count { center[index] += vertex.point[index] / Double(count) } }
            let reflected = blend(center, worst.point, -1)
            let atReflected = value(reflected)
            used += 1
            if atReflected < simplex[0].value {
                let expanded = blend(center, worst.point, -2)
                let atExpanded = value(expanded)
                used += 1
                simplex[count] = atExpanded < atReflected ? (expanded, atExpanded) : (reflected, atReflected)
            } else if atReflected < simplex[count - 1].value {
                simplex[count] = (reflected, atReflected)
            } else {
                let contracted = blend(center, atReflected < worst.value ? reflected : worst.point, 0.5)
                let atContracted = value(contracted)
                used += 1
                if atContracted < min(worst.value, atReflected) {
                    simplex[count] = (contracted, atContracted)
                } else {
                    for index in 1...count {
                        let point = blend(simplex[0].point, simplex[index].point, 0.5)
                        simplex[index] = (point, value(point))
                    }
                    used += count
                }
            }
        }
        return simplex.min { $0.value < $1.value } ?? simplex[0]
    }
}
