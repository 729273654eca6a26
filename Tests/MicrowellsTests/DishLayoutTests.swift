import Testing

@testable import Microwells

@Suite struct DishLayoutTests {
    @Test func wellNamesAreRowLetterAndColumnNumber() {
        #expect(DishLayout.wellName(row: 1, column: 1) == "A1")
        #expect(DishLayout.wellName(row: 4, column: 3) == "D3")
        #expect(DishLayout.wellName(row: 5, column: 5) == "E5")
    }

    @Test func smallestGridThatHolds() {
        #expect(DishLayout.holding(rows: 2, columns: 3) == .grid3x3)
        #expect(DishLayout.holding(rows: 3, columns: 4) == .grid4x4)
        #expect(DishLayout.holding(rows: 5, columns: 5) == .grid5x5)
        #expect(DishLayout.holding(rows: 6, columns: 5) == nil)
    }
}
