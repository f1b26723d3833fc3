import MMCore
import MMOperations
import MMSystem

/// The open questions of running calls to their clients. One value per process: an answer may arrive at a different
/// address than its call.
package final class CallQuestions: Sendable {
    /// Requests for a person's confirmation.
    let questions = PendingAnswers<Result<ConfirmationAnswer, MMError>>()
    /// Requests for a line of text; `nil` from a client that can't be asked for one.
    let texts = PendingAnswers<Result<String?, MMError>>()
    /// Requests for the next bytes of standard input.
    let inputs = PendingAnswers<Result<[UInt8], MMError>>()
    /// Answers whose arrival their clients are to confirm.
    let deliveries = PendingAnswers<Bool>()

    /// Creates a value without open questions.
    package init() {}
}

/// Questions of one kind that running calls have put to their clients: a confirmation, the next bytes of input, or
/// whether an answer has arrived.
final class PendingAnswers<Answer: Sendable>: Sendable {
    private struct Name: Hashable {
        let call: String
        let question: String
    }
    private let open = Mutex<[Name: OneShot<Answer?>]>([:])

    /// Asks a question and waits for its answer.
    /// - Parameters:
    ///   - call: the call that asks.
    ///   - put: sends the question under the name it receives; runs once an answer can be accepted.
    /// - Returns: the answer; `nil` when the call was cancelled.
    /// - Throws: the error of sending the question.
    func ask<Fault: Error>(
        _ call: String, put: (String) async throws(Fault) -> Void
    ) async throws(Fault) -> Answer? {
        let name = Name(call: call, question: RandomBytes.text(bytes: 12))
        let answer = OneShot<Answer?>()
        open.withLock { $0[name] = answer }
        defer { _ = open.withLock { $0.removeValue(forKey: name) } }
        try await put(name.question)
        return await withTaskCancellationHandler {
            await answer.wait()
        } onCancel: {
            answer.resolve(nil)
        }
    }

    /// Accepts the answer to a question.
    /// - Returns: whether the question was open.
    func answer(_ call: String, _ question: String, _ given: Answer) -> Bool {
        let waiting = open.withLock { $0.removeValue(forKey: Name(call: call, question: question)) }
        return waiting?.resolve(given) ?? false
    }
}
