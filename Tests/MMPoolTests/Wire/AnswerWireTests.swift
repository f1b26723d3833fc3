import MMCore
import MMOperations
import Testing

@testable import MMPool

@Suite("Answers on their way between a pool and a front-end")
struct AnswerWireTests {
    @Test("errors that ended nothing travel with the exit that the script gave", arguments: [0, 1, 3] as [Int32])
    func errors(status: Int32) throws {
        var answer = OperationAnswer.value([0], notes: ["ERROR: gone"])
        answer.errors = [
            ReportedError("gone", id: "X", category: "ObjectNotFound", cmdlet: "Get-Mailbox"), ReportedError("other"),
        ]
        #expect(answer.exitStatus == 1)
        answer.exitStatus = status
        let read = try #require(AnswerWire.answer(AnswerWire.object(answer), items: nil))
        #expect(read.errors == answer.errors && read.exitStatus == status && read.notes == answer.notes)
    }
}
