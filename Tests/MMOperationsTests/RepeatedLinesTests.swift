import Testing

@testable import MMOperations

@Suite("Lines beside an output", .timeLimit(.minutes(5)))
struct RepeatedLinesTests {
    @Test("are counted where they repeat, and left out beyond the most")
    func repeats() {
        #expect(
            RepeatedLines.counted(["ERROR: a", "WARNING: b", "ERROR: a", "WARNING: b"])
                == ["ERROR: a (2 times)", "WARNING: b (2 times)"])
        let many = RepeatedLines.counted((0..<60).map { "ERROR: The object number \($0) could not be found there." })
        #expect(many.count == 51)
        #expect(many.last == "… and 10 more lines of this kind.")
    }

    @Test("stay where a script shows them, unless they follow each other")
    func reports() {
        let lines = [
            "User: Ann", "Licences:", "---", "User: Bob", "Licences:", "---", "---", "WARNING: w", "WARNING: w",
        ]
        #expect(
            RepeatedLines.counted(lines)
                == ["User: Ann", "Licences:", "---", "User: Bob", "Licences:", "--- (2 times)", "WARNING: w (2 times)"])
    }

    @Test(
        "tell a few of the warnings that differ in the thing they name, and how many more there are",
        arguments: [5, 6, 70])
    func warnings(count: Int) {
        let lines = (0..<count).map { "WARNING: The mailbox number \($0) is close to the limit of items." }
        let shown = RepeatedLines.counted(lines + ["WARNING: Something else is going on in this tenant today."])
        #expect(shown.count == 6)
        #expect(shown.last == "WARNING: Something else is going on in this tenant today.")
        let fifth = "WARNING: The mailbox number 4 is close to the limit of items."
        #expect(shown[4] == (count == 5 ? fifth : "\(fifth) (and \(count - 5) more like it)"))
    }
}
