import MMCore
import PowerShellSyntax

/// Jobs that run in a PowerShell of their own.
enum ProcessJobs {
    /// What a script should know that starts one; `nil` for any other script.
    static func note(on script: String) -> String? {
        // Only what may start one is parsed.
        let text = script.lowercased()
        guard text.contains("start-job") || text.contains("sajb") || text.contains("&") else { return nil }
        let parsed = PowerShellParser.parse(script)
        let startsOne = ScriptFacts(of: parsed).items.contains { item in
            guard case .command(let fact) = item.detail, let name = fact.name?.lowercased() else { return false }
            let plain = name.split(separator: "\\").last.map(String.init) ?? name
            return plain == "start-job" || plain == "sajb"
        }
        guard startsOne || isBackground(parsed.root?.body?.statements ?? []) else { return nil }
        return
            "A job of Start-Job or & runs in a PowerShell of its own, which is not signed in: the module's cmdlets fail there. "
            + "Start-ThreadJob, ForEach-Object -Parallel and -AsJob stay in the session's own process."
    }

    private static func isBackground(_ statements: [StatementSyntax]) -> Bool {
        statements.contains { statement in
            switch statement {
            case .pipeline(let pipeline): pipeline.isBackground
            case .pipelineChain(let chain): chain.isBackground
            case .assignment(let assignment): isBackground([assignment.value])
            default: false
            }
        }
    }
}
