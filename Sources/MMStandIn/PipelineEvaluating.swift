package import MMPowerShell
package import PowerShellSyntax

/// Evaluates scripts without a PowerShell, for the stand-in.
package protocol PipelineEvaluating: Sendable {
    /// Whether a script has a form that the evaluator may know; what it says no to, it is not asked to evaluate.
    func mayEvaluate(_ script: ParsedScript, _ command: PowerShellCommand) -> Bool

    /// Evaluates a script.
    /// - Parameters:
    ///   - command: the script, its arguments, and the form of the answer.
    ///   - emit: takes each record as it comes.
    /// - Returns: how it ended; `nil` when the script is beyond the evaluator, which then has emitted nothing. A
    ///   cancelled task ends soon.
    func evaluate(
        _ command: PowerShellCommand, emit: @escaping @Sendable (PowerShellRecord) -> Void
    ) async -> CommandEnd?
}

extension PipelineEvaluating {
    /// Every script is tried.
    package func mayEvaluate(_ script: ParsedScript, _ command: PowerShellCommand) -> Bool { true }
}
