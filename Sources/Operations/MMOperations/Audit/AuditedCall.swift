package import MMCore

/// The meaning of a line of the audit log.
package enum AuditedCall {
    /// The operations of lines about a part of a call: a request of its session, a write of an undo or of a plan. A
    /// call may have thousands.
    static let parts = [SentRequests.operation, UndoStep.operation, PlanRun.stepOperation]

    /// Returns whether a line is about a call, not about a part of one.
    package static func isCall(_ entry: JSONObject) -> Bool {
        entry["operation"]?.string.map { !parts.contains($0) } ?? true
    }

    /// Returns the request, the cmdlets and their targets, or the session of a call; otherwise its operation. A dry run
    /// is named as such, because nothing that it describes was sent.
    package static func what(_ entry: JSONObject) -> String {
        entry["dryRun"] == true ? "dry run: " + subject(of: entry) : subject(of: entry)
    }

    private static func subject(of entry: JSONObject) -> String {
        func texts(_ name: String) -> [String] {
            entry[name]?.array?.compactMap(\.string) ?? entry[name]?.string.map { [$0] } ?? []
        }
        if let method = entry["method"]?.string, let path = entry["path"]?.string { return "\(method) \(path)" }
        let commands = texts("commands")
        if !commands.isEmpty {
            let targets = texts("targets")
            return commands.joined(separator: ", ")
                + (targets.isEmpty ? "" : " (\(targets.joined(separator: ", ")))")
        }
        return ([entry["operation"]?.string ?? ""] + texts("tool") + texts("session")).joined(separator: " ")
    }
}
