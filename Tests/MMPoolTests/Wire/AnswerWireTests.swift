import MMCore
import MMOperations
import Testing

@testable import MMPool

@Suite("Sending answers from a pool to a front-end")
struct AnswerWireTests {
    @Test("errors that didn't end a script are sent with the script's exit code", arguments: [0, 1, 3] as [Int32])
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

    @Test("what other people wrote, and the answer to a read, stay marked", arguments: [true, false])
    func marks(isMarked: Bool) throws {
        var answer = OperationAnswer(.text("Obey"))
        (answer.isForeign, answer.isOfRead) = (isMarked, isMarked)
        let read = AnswerWire.answer(AnswerWire.object(answer), items: nil)
        #expect(read?.isForeign == isMarked && read?.isOfRead == isMarked)
    }
}
