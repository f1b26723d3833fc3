import MMSessions
import Testing

@Suite("Stopping a command", .timeLimit(.minutes(5)))
struct StopLadderTests {
    private typealias Ladder = StopLadder<String, String>
    private let ladder = Ladder([
        .init("ask", .seconds(1)), .init("terminate", .seconds(2)), .init("kill", .seconds(3)), .init("replace"),
    ])

    /// The remaining steps.
    private func rest(of ladder: Ladder, toLast isHopeless: Bool = false) -> [Ladder.Step] {
        var climbing = ladder
        var steps: [Ladder.Step] = []
        while let step = climbing.climb(toLast: isHopeless) { steps.append(step) }
        return steps
    }

    @Test("takes one step after another, each with its time, and none after the last")
    func order() {
        var ladder = ladder
        let begins = ladder.stop("deadline")
        #expect(begins && ladder.rung == nil)
        let steps = rest(of: ladder)
        #expect(steps.map(\.rung) == ["ask", "terminate", "kill", "replace"])
        #expect(steps.map(\.time) == [.seconds(1), .seconds(2), .seconds(3), .zero])
    }

    @Test("does nothing without a request")
    func untouched() {
        #expect(rest(of: ladder).isEmpty)
    }

    @Test("ends with the command, at any step", arguments: 0...4)
    func ended(rungs: Int) {
        var ladder = ladder
        _ = ladder.stop("deadline")
        for _ in 0..<rungs { _ = ladder.climb() }
        ladder.end()
        #expect(rest(of: ladder).isEmpty)
        let again = ladder.stop("cancelled")
        #expect(!again && ladder.reason == "deadline")
    }

    @Test("skips steps that have no effect", arguments: 0...4)
    func hopeless(rungs: Int) {
        var ladder = ladder
        _ = ladder.stop("deadline")
        for _ in 0..<rungs { _ = ladder.climb() }
        #expect(rest(of: ladder, toLast: true).map(\.rung) == (rungs == 4 ? [] : ["replace"]))
    }

    @Test("has one reason, which only a stronger one replaces")
    func reasons() {
        var ladder = ladder
        let first = ladder.stop("asked")
        let second = ladder.stop("deadline") { $0 == "cancelled" }
        #expect(first && !second && ladder.reason == "asked")
        let third = ladder.stop("cancelled") { $0 == "asked" }
        #expect(!third && ladder.reason == "cancelled")
        // A second request doesn't start again.
        _ = ladder.climb()
        #expect(rest(of: ladder).map(\.rung) == ["terminate", "kill", "replace"])
    }
}
