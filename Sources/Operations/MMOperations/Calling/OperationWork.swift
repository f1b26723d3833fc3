import MMCore
import MMSessions
import MMShell
import MMSystem

/// Background work, a call or a shell command, which its caller reads and waits for in the same way.
protocol OperationWork: LongWork {
    /// Returns the work's result, or its progress while it runs.
    /// - Parameters:
    ///   - prompt: the input that the work waits for, if known.
    ///   - services: the services that keep answers.
    func answer(
        to context: OperationContext, prompt: ShellPrompt?, from services: WorkServices
    ) async throws(MMError) -> OperationAnswer

    /// Returns a piece of the work's output.
    /// - Parameter stream: the output stream; `nil` for the screen.
    func page(
        _ stream: ShellCommand.Stream?, from offset: Int, limit: Int?, to context: OperationContext,
        from services: WorkServices
    ) async throws(MMError) -> OperationAnswer

    /// Waits until the work ends or the wish is fulfilled.
    /// - Returns: the input that the work waits for, if it waits for any.
    func wait(for wish: WaitingWish, until deadline: Deadline) async throws(MMError) -> ShellPrompt?

    /// Ends the work if it still runs, and returns its result.
    func end(for context: OperationContext, from services: WorkServices) async throws(MMError) -> OperationAnswer
}

/// The events, besides its end, that a wait for work returns on.
struct WaitingWish: Sendable {
    /// A text appears in the output.
    var text: String?
    /// A line matches this pattern.
    var pattern: RegularExpression?
    /// Nothing has been written for this long.
    var quiet: Duration?
}

extension OperationContext {
    /// Returns the handle that a call must name.
    static func required(handle: String?) throws(MMError) -> String {
        guard let handle else {
            throw MMError(
                .invalidInput, "Which command?", hint: "Give `job`, the handle that run answered with (cmd-…).")
        }
        return handle
    }
}

extension Job: OperationWork where Answer == KeptAnswer {
    /// Returns the call's answer, which can be read repeatedly.
    func answer(
        to context: OperationContext, prompt: ShellPrompt?, from services: WorkServices
    ) async throws(MMError) -> OperationAnswer {
        guard let result else { return JobAnswer(report, in: services.jobs).answer }
        return try result.get().read()
    }

    func page(
        _ stream: ShellCommand.Stream?, from offset: Int, limit: Int?, to context: OperationContext,
        from services: WorkServices
    ) async throws(MMError) -> OperationAnswer {
        guard stream == .stdout else {
            throw MMError(
                .unsupported,
                "“\(handle)” is a call of \(label): it has one answer, but no screen and no separate error output.")
        }
        let answer = try await answer(to: context, prompt: nil, from: services)
        guard offset > 0 || limit != nil, result != nil else { return answer }
        throw MMError(
            .invalidInput, "A job's answer can't be read in parts.",
            hint: answer.stored.map { "It is stored: read parts of it with the handle \($0.handle)." }
                ?? "Leave out offset and limit; it is short.")
    }

    func wait(for wish: WaitingWish, until deadline: Deadline) async throws(MMError) -> ShellPrompt? {
        guard wish.text == nil, wish.pattern == nil, wish.quiet == nil else {
            throw MMError(
                .unsupported, "“\(handle)” is a call of \(label): its output comes with its answer.",
                hint: "Wait only for it to end.")
        }
        await finished(within: deadline.remaining)
        return nil
    }

    func end(for context: OperationContext, from services: WorkServices) async throws(MMError) -> OperationAnswer {
        // A job that has ended can't be cancelled; its answer is returned.
        if result == nil {
            cancel()
            await finished(within: .seconds(10))
            if report.state == .cancelled { return .value(["status": "cancelled", "handle": .string(handle)]) }
        }
        return try await answer(to: context, prompt: nil, from: services)
    }
}
