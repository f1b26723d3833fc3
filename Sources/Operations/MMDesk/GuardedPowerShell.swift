package import MMCore
package import MMGuard
package import MMPowerShell
package import MMSessions
import MMSystem

/// An action that is carried out by a PowerShell script.
package protocol ScriptAct: Sendable {
    /// The script, exactly as it was judged; `nil` if there is none.
    var script: String? { get }
}

/// A PowerShell session that runs only scripts that the guard has cleared, and fixed read-only questions in this
/// program's own code.
package struct GuardedPowerShell: Sendable {
    private let session: PowerShellSession

    /// Creates a PowerShell for a connection and module, without starting it; `prepare` does that.
    package init(_ settings: PowerShellSessionSettings) { session = PowerShellSession(settings) }

    // MARK: What was cleared

    /// Runs a cleared script and reads its whole answer, as `PowerShellSession.answer` does.
    /// - Parameters:
    ///   - command: the script.
    ///   - cleared: the clearance of the judged script.
    ///   - variables: a script that sets variables which earlier cleared scripts have left in another engine.
    ///   - files: the caller's files, which are put where the script starts; `nil` if the script has nothing to do with
    ///     files, so that nobody looks for any.
    ///   - deadline: the end of waiting and running.
    /// - Returns: the answer, and the files that the script wrote there.
    /// - Throws: `conflict` if the script isn't the judged one, or if variables can't be set.
    package func answer(
        _ command: PowerShellCommand, by cleared: Cleared<some ScriptAct>, after variables: String? = nil,
        given files: [ProgramFolder.File]? = nil, deadline: Deadline
    ) async throws(MMError) -> (PowerShellAnswer, ProgramFolder.Written) {
        guard command.script == cleared.act.script else { throw cleared.notJudged("The script") }
        if let variables {
            let set = try await session.answer(PowerShellCommand(variables), deadline: deadline)
            guard set.isClean else {
                throw MMError(
                    .conflict, "The native engine's variables could not be copied to PowerShell.",
                    hint: "Set them again in the same script.", cause: set.problem)
            }
        }
        guard let files else {
            let answer = try await session.answer(command, deadline: deadline)
            return (answer, ProgramFolder.Written())
        }
        let work = session.work
        let before = try await BlockingWork.run { () throws(MMError) in
            try work.put(files)
            return work.snapshot()
        }
        let answer = try await session.answer(command, deadline: deadline)
        let written = try await BlockingWork.run { work.written(since: before) }
        return (answer, written)
    }

    // MARK: Looking

    /// Asks the session about itself.
    /// - Parameters:
    ///   - question: a constant script in this program that changes nothing.
    ///   - values: the arguments for its `param` block.
    ///   - deadline: the end of waiting.
    package func answer(
        to question: StaticString, _ values: [String: PowerShellValue], deadline: Deadline
    ) async throws(MMError) -> PowerShellAnswer {
        try await session.answer(
            PowerShellCommand("\(question)", parameters: values, isLocal: true), deadline: deadline)
    }

    /// The signed-in identity.
    package var identity: SessionIdentity? { get async { await session.identity } }
    /// The resources for which its module is given tokens.
    package var fedResources: [TokenResource] { session.fedResources }
    /// The process, once it has been started.
    package var processID: Int32? { get async { await session.processID } }
    /// Whether it is the sandbox's stand-in.
    package var isStandIn: Bool { get async { await session.isStandIn } }
    /// Whether it can run a command.
    package var isUsable: Bool { get async { await session.isUsable } }
    /// Whether it is waiting for its first sign-in.
    package var isSpare: Bool { get async { await session.isSpare } }
    /// Its memory in bytes.
    package var memory: Int? { get async { await session.memory } }

    /// Returns once why the module signed in by itself although there was a token.
    package func takeSignInNote() async -> String? { await session.takeSignInNote() }

    /// Asks the service whether the sign-in still works.
    package func checkHealth(deadline: Deadline) async throws(MMError) {
        try await session.checkHealth(deadline: deadline)
    }

    // MARK: Its life

    /// Starts PowerShell and loads the module, without a sign-in.
    package func prepare(deadline: Deadline) async throws(MMError) { try await session.prepare(deadline: deadline) }

    /// Signs in and waits for it, including for a person: `PowerShellSession.connect`.
    @discardableResult
    package func connect(
        deadline: Deadline, report: @Sendable (SignInStep) -> Void
    ) async throws(MMError) -> SessionIdentity {
        try await session.connect(deadline: deadline, report: report)
    }

    /// Makes its callers wait only in this queue from now on.
    package func lend(through turns: TurnQueue) async { await session.lend(through: turns) }

    /// Signs the module out.
    package func signOut(deadline: Deadline) async { await session.signOut(deadline: deadline) }

    /// Ends PowerShell and all processes that it started.
    package func close() async { await session.close() }
}
