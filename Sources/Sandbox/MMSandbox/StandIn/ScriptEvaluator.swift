package import MMNative
package import MMPowerShell
package import PowerShellSyntax

/// Evaluates scripts without a PowerShell, for the stand-in.
package protocol ScriptEvaluator: Sendable {
    /// Why a script of this form is beyond the evaluator; `nil` when it may be asked to evaluate it.
    func reasonAgainst(_ script: ParsedScript, _ command: PowerShellCommand, with cmdlets: any CmdletSource) -> String?

    /// Evaluates a script. Ends soon after its task is cancelled.
    /// - Parameters:
    ///   - command: the script, its arguments, and the form of the answer.
    ///   - cmdlets: the modules' cmdlets.
    ///   - emit: receives each record as it is produced.
    func evaluate(
        _ command: PowerShellCommand, with cmdlets: any CmdletSource,
        emit: @escaping @Sendable (PowerShellRecord) -> Void
    ) async -> ScriptEvaluation
}

/// What became of a script.
package enum ScriptEvaluation: Sendable, Hashable {
    /// It ran.
    case ended(CommandEnd)
    /// It is beyond the evaluator, which has emitted nothing.
    case beyond(reason: String)
}

extension ScriptEvaluator {
    /// Every script is tried.
    package func reasonAgainst(
        _ script: ParsedScript, _ command: PowerShellCommand, with cmdlets: any CmdletSource
    ) -> String? { nil }
}
