import Testing

@testable import MMGuard

@Suite("Lines broken for their reader", .timeLimit(.minutes(5)))
struct BrokenLinesTests {
    @Test(
        "leave nothing out, and stay in proportion to what was written, whatever a line begins with",
        arguments: [" ", "7", "|", "^", "x"], [30, 80, 150])
    func proportion(_ letter: String, _ columns: Int) {
        let line = String(repeating: letter, count: 2_000) + "end"
        let rows = BrokenLines.rows(of: [line[...]], columns: columns)
        #expect(rows.allSatisfy { $0.count <= columns })
        #expect(rows.joined().filter { $0 != " " }.count >= line.filter { $0 != " " }.count)
        #expect(rows.reduce(0) { $0 + $1.count } < 3 * line.count)
        #expect(rows.last?.hasSuffix("end") == true)
    }
}
