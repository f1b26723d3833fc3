package import MMCore

/// The description of the action in a line of the audit log.
package enum AuditedCall {
    /// Returns the request, the cmdlets and their targets, or the session of a call; otherwise its operation.
    package static func what(_ entry: JSONObject) -> String {
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
