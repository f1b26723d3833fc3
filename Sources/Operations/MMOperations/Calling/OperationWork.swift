import MMCore
import MMSessions
import MMShell
import MMSystem

/// Long work as its caller meets it, whether it is a call or a command of a shell: it is read and waited for in one way.
protocol OperationWork: LongWork {
    /// What came of it, or how far it is.
    /// - Parameters:
    ///   - prompt: what it waits for, where that is known.
    ///   - services: where answers are kept.
    func answer(
        to context: OperationContext, prompt: ShellPrompt?, from services: WorkServices
    ) async throws(MMError) -> OperationAnswer

    /// A piece of what it wrote.
    /// - Parameter stream: which of its outputs; `nil` for its screen.
    func page(
        _ stream: ShellCommand.Stream?, from offset: Int, limit: Int?, to context: OperationContext,
        from services: WorkServices
    ) async throws(MMError) -> OperationAnswer

    /// Waits until it ends, or does what is waited for.
    /// - Returns: what it waits for, if it does.
    func wait(for wish: WaitingWish, until deadline: Deadline) async throws(MMError) -> ShellPrompt?

    /// Ends it where it goes on, and answers what became of it.
    func end(for context: OperationContext, from services: WorkServices) async throws(MMError) -> OperationAnswer
}

/// What is waited for beside the end.
struct WaitingWish: Sendable {
    /// A text that is written.
    var text: String?
    /// A pattern that a line matches.
    var pattern: RegularExpression?
    /// That nothing was written for so long.
    var quiet: Duration?
}

extension OperationContext {
    /// The handle that a call must name.
    static func required(handle: String?) throws(MMError) -> String {
        guard let handle else {
            throw MMError(
                .invalidInput, "Which command?", hint: "Give `job`, the handle that run answered with (cmd-…).")
        }
        return handle
    }
}
