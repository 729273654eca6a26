import Foundation

/// The zona's outer edge where it cannot be seen.
///
/// In transmitted light the zona of an embryo that has not expanded is as clear as the medium: what is found is the cells.
enum EmbryoSize {
    /// The zona's outer radius from the radius that was found and the well's ring, all in one unit.
    ///
    /// Wells are moulded to one size and zonae are alike, so the ring says more than the cells, which fill between half and all
    /// of the zona: `0.436 ring^0.8 found^0.2`, fitted to simulated dishes (seeds 860,000 to 860,011: 104 embryos, the ratio
    /// to the truth then spreads by 7 %, by 13 % where only a factor is fitted). In the real picture of sixteen wells it gives
    /// 11.0 pixels, where the zonae that can be seen measure 10.5 to 11.5. An expanded embryo is what was found, and a dish
    /// of another make is held within 1.6 times of it.
    static func outerRadius(found: Double, ring: Double) -> Double {
        guard found > 0, ring > 0 else { return found }
        return min(max(0.436 * ring * pow(found / ring, 0.2), found), 1.6 * found)
    }

    /// The embryo with its zona, for what was found in a well.
    static func outer(_ found: Circle, ring: Circle, optics: WellOptics) -> Circle {
        guard optics == .dish else { return found }
        return Circle(x: found.x, y: found.y, radius: outerRadius(found: found.radius, ring: ring.radius))
    }
}
