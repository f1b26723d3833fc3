package import MMCore
package import MMGuard
package import MMPowerShell
package import MMSessions

/// What is carried out by a script in PowerShell.
package protocol ScriptAct: Sendable {
    /// The script, word for word as it was judged; `nil` for what runs none.
    var script: String? { get }
}

/// A PowerShell of operations: it runs no script that the guard has not cleared, but for the questions that stand word for word in
/// this program.
package struct GuardedPowerShell: Sendable {
    private let session: PowerShellSession

    /// A PowerShell for a connection and module; it is started with `prepare`.
    package init(_ settings: PowerShellSessionSettings) { session = PowerShellSession(settings) }

    // MARK: What was cleared

    /// Runs a script that was cleared and reads its whole answer: `PowerShellSession.answer`.
    /// - Parameters:
    ///   - command: the script.
    ///   - cleared: what was judged.
    ///   - variables: a script that sets what an earlier script, which was cleared as well, has left elsewhere.
    ///   - deadline: when to stop waiting or running.
    /// - Throws: `conflict` for another script than the one that was judged, and for variables that can't be set.
    package func answer(
        _ command: PowerShellCommand, by cleared: Cleared<some ScriptAct>, after variables: String? = nil,
        deadline: Deadline
    ) async throws(MMError) -> PowerShellAnswer {
        guard command.script == cleared.act.script else { throw cleared.notJudged("The script") }
        if let variables {
            let set = try await session.answer(PowerShellCommand(variables), deadline: deadline)
            guard set.isClean else {
                throw MMError(
                    .conflict, "The variables of the native engine could not be carried over to PowerShell.",
                    hint: "Set them again in the same script.", cause: set.problem)
            }
        }
        return try await session.answer(command, deadline: deadline)
    }

    // MARK: Looking

    /// Asks the session something about itself.
    /// - Parameters:
    ///   - question: a script that stands in this program and changes nothing.
    ///   - values: for its `param` block.
    ///   - deadline: when to stop waiting.
    package func answer(
        to question: StaticString, _ values: [String: PowerShellValue] = [:], deadline: Deadline
    ) async throws(MMError) -> PowerShellAnswer {
        try await session.answer(
            PowerShellCommand("\(question)", parameters: values, isLocal: true), deadline: deadline)
    }

    /// Who is signed in.
    package var identity: SessionIdentity? { get async { await session.identity } }
    /// What its module is fed tokens for.
    package var fedResources: [TokenResource] { session.fedResources }
    /// The process, once it was started.
    package var processID: Int32? { get async { await session.processID } }
    /// Whether it is the sandbox's stand-in.
    package var isStandIn: Bool { get async { await session.isStandIn } }
    /// Whether it can take a command.
    package var isUsable: Bool { get async { await session.isUsable } }
    /// Whether it waits for its first sign-in.
    package var isSpare: Bool { get async { await session.isSpare } }
    /// Its memory in bytes.
    package var memory: Int? { get async { await session.memory } }

    /// Why the module signed in by itself although there was a token; told once.
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

    /// From now on its callers wait only in this queue.
    package func lend(through turns: TurnQueue) async { await session.lend(through: turns) }

    /// Signs the module out.
    package func signOut(deadline: Deadline) async { await session.signOut(deadline: deadline) }

    /// Ends PowerShell and all it started.
    package func close() async { await session.close() }
}
