package import MMPowerShell
package import PowerShellSyntax

/// Evaluates scripts without a PowerShell, for the stand-in.
package protocol ScriptEvaluator: Sendable {
    /// Whether the evaluator may be able to evaluate a script of this form; it isn't asked to evaluate scripts for
    /// which this returns `false`.
    func mayEvaluate(_ script: ParsedScript, _ command: PowerShellCommand) -> Bool

    /// Evaluates a script. Ends soon after its task is cancelled.
    /// - Parameters:
    ///   - command: the script, its arguments, and the form of the answer.
    ///   - emit: receives each record as it is produced.
    /// - Returns: how the script ended; `nil` when it is beyond the evaluator, which then has emitted nothing.
    func evaluate(
        _ command: PowerShellCommand, emit: @escaping @Sendable (PowerShellRecord) -> Void
    ) async -> CommandEnd?
}

extension ScriptEvaluator {
    /// Always true: every script is tried.
    package func mayEvaluate(_ script: ParsedScript, _ command: PowerShellCommand) -> Bool { true }
}
