import MMCore
import MMOperations

/// The open questions of running calls to their clients. One value per process: an answer may arrive at a different
/// address than its call.
package final class CallQuestions: Sendable {
    /// Requests for a person's confirmation.
    let questions = PendingAnswers<Result<ConfirmationAnswer, MMError>>()
    /// Requests for the next bytes of standard input.
    let inputs = PendingAnswers<[UInt8]>()

    /// Creates a value without open questions.
    package init() {}
}
