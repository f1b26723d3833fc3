import MMCore
import MMOperations

/// What calls under way have asked their clients for. One value a process: an answer may come at another address than the
/// call did.
package final class OpenCalls: Sendable {
    /// Whether a person says yes.
    let questions = OpenQuestions<Result<ConfirmationAnswer, MMError>>()
    /// The next bytes of standard input.
    let inputs = OpenQuestions<[UInt8]>()

    /// Nothing asked yet.
    package init() {}
}
