import MMCore
import MMOperations

/// Whether the AI clients that know of `mm-mcp` can start it.
struct ClientChecks: Sendable {
    /// Tells where clients have their files.
    let environment: [String: String]

    /// Looks at the clients' own lists.
    func examine(into report: inout DoctorReport) async {
        let home = StatePaths(environment: environment).home
        var knowing = 0
        for row in await ClientSurvey.rows(environment, project: home) {
            guard let client = row["client"]?.string, let state = row["state"]?.string else { continue }
            if state.hasPrefix("broken") || state.hasPrefix("unreadable") {
                report.add(
                    client, .failed, "\(state) (\(row["file"]?.string ?? ""))",
                    remedy: "mm mcp install \(client) --replace")
            } else if state.hasPrefix("installed") {
                knowing += 1
                report.add(client, .sound, row["runs"]?.string ?? state)
            }
        }
        if knowing == 0 {
            report.add("AI clients", .sound, "none knows of mm-mcp; mm mcp install CLIENT tells one")
        }
    }
}
