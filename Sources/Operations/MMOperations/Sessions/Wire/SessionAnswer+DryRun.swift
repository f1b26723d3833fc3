import MMCore
import MMGuard
import MMPowerShell

extension SessionAnswer {
    /// The answer of a dry run: the requests, and what became of a script of which some were refused.
    /// - Parameters:
    ///   - answer: what PowerShell left.
    ///   - verdict: what the guard says of a run.
    ///   - forecast: what the requests that were held back would change.
    /// - Throws: as in a run, where the script failed though nothing of it was held back, or was stopped.
    func dryRunAnswer(
        _ answer: PowerShellAnswer, of input: RunInput, _ verdict: Verdict, connection: String,
        forecast: (CallReport) async -> [UInt64: Change]
    ) async throws(MMError) -> OperationAnswer {
        let report = traffic?.report ?? CallReport()
        let held = report.rehearsed.count { !$0.isRead }
        let hasEnded = answer.end?.state == .completed
        if !hasEnded, held == 0 || answer.end?.state == .stopped {
            _ = try operationAnswer(of: input, connection: connection)
        }
        var notes = [
            "It ran in PowerShell\(reason.map { " (\($0))" } ?? ""), and what changes something was held back: nothing of that "
                + "was sent. \(DryRun.guardSays(verdict))"
        ]
        if held > 0 {
            notes.append(
                "A request that is held back fails as the service itself would refuse it (403), so what the script does after "
                    + "the first of them may differ from a run.")
        }
        if !hasEnded { notes.append("The script ended early: \(answer.problem(in: input.command ?? ""))") }
        notes.append("Variables that it set, and files that it wrote, are there as after a run.")
        if !answer.values.isEmpty { notes.append("What it put out is left out here: \(answer.values.count) objects.") }
        notes += notices + (traffic?.notes(connection: connection) ?? [])
        notes += said(beside: answer, isText: false, of: input)
        return DryRun.answer(report, notes: notes, connection: connection, changes: await forecast(report))
    }
}
