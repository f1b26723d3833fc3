import MMNative
import Testing

/// Tests that run scripts on the native engine as reports from files are run.
protocol RunningReports {}

extension RunningReports {
    func outcome(_ script: String) async -> NativeOutcome {
        var session = NativeSession()
        return await NativeEngine(host: NativeHost(), isPatient: true).run(script, in: &session)
    }

    /// Returns why a script is left to PowerShell; `nil` if it isn't.
    func refusal(_ script: String) async -> String? {
        guard case .handedOver(let reason, _) = await outcome(script) else { return nil }
        return reason
    }

    /// Returns the texts of what a script puts out; a script that doesn't run, or that reports an error, is recorded as
    /// an issue.
    func texts(_ script: String) async throws -> [String] {
        let end = await outcome(script)
        guard case .completed(let result) = end else {
            Issue.record("\(script) did not run: \(end)")
            return []
        }
        #expect(result.errors.isEmpty && result.failure == nil, "\(script): \(result.errors)")
        return result.objects.map(\.text)
    }
}
