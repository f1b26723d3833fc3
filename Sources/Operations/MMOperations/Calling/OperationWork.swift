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

extension Job: OperationWork where Answer == KeptAnswer {
    /// The call's answer, which can be read again.
    func answer(
        to context: OperationContext, prompt: ShellPrompt?, from services: WorkServices
    ) async throws(MMError) -> OperationAnswer {
        guard let result else { return JobAnswer.running(report, in: services.jobs) }
        return try result.get().read()
    }

    func page(
        _ stream: ShellCommand.Stream?, from offset: Int, limit: Int?, to context: OperationContext,
        from services: WorkServices
    ) async throws(MMError) -> OperationAnswer {
        guard stream == .stdout else {
            throw MMError(.unsupported, "“\(handle)” is a call of \(label): it has an answer, and no screen or errors.")
        }
        let answer = try await answer(to: context, prompt: nil, from: services)
        guard offset > 0 || limit != nil, result != nil else { return answer }
        throw MMError(
            .invalidInput, "The answer of a job is read whole.",
            hint: answer.stored.map { "It is stored: page it with the handle \($0.handle)." }
                ?? "Leave out offset and limit; it is short.")
    }

    func wait(for wish: WaitingWish, until deadline: Deadline) async throws(MMError) -> ShellPrompt? {
        guard wish.text == nil, wish.pattern == nil, wish.quiet == nil else {
            throw MMError(
                .unsupported, "“\(handle)” is a call of \(label): what it says comes with its answer.",
                hint: "Wait for its end alone.")
        }
        await finished(within: deadline.remaining)
        return nil
    }

    func end(for context: OperationContext, from services: WorkServices) async throws(MMError) -> OperationAnswer {
        // What has ended can't be called off; its answer is there to be read.
        if result == nil {
            cancel()
            await finished(within: .seconds(10))
            if report.state == .cancelled { return .value(["status": "cancelled", "handle": .string(handle)]) }
        }
        return try await answer(to: context, prompt: nil, from: services)
    }
}
