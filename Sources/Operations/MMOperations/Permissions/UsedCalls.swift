import MMCore
import MMGuard

/// What the audit log shows that a connection called on Graph, and since when.
struct UsedCalls: Sendable {
    /// A call that was made, and how often.
    struct Use: Sendable {
        let line: String
        let call: CallPermissions
        var count: Int
    }

    /// The calls with known permissions, by method and template.
    private(set) var uses: [Use] = []
    /// Calls that no table knows.
    private(set) var unknown: Set<String> = []
    /// Batches whose items the audit log does not tell: those of PowerShell sessions.
    private(set) var batches = 0
    /// When the first and the last line of the connection were written.
    private(set) var first: String?
    private(set) var last: String?

    /// Reads lines of the audit log that are the connection's.
    /// - Parameters:
    ///   - entries: the lines, oldest first.
    ///   - graphHosts: the hosts of Graph, for requests that PowerShell sessions sent.
    init(_ entries: [JSONObject], graphHosts: [String]) {
        var places: [String: Int] = [:]
        for entry in entries {
            if let time = entry["time"]?.string {
                first = first ?? time
                last = time
            }
            guard let method = entry["method"]?.string, let path = entry["path"]?.string,
                Self.isGraph(entry, graphHosts),
                Self.wasAnswered(entry)
            else { continue }
            guard let target = try? RequestTarget(parsing: path, service: .graph, normalization: .clean) else {
                continue
            }
            if let items = entry["items"] {
                for item in BatchItems(recorded: items).items { add(item.method, item.target, &places) }
            } else if target.segments.last?.lowercased() == "$batch" {
                batches += 1
            } else {
                add(method, target, &places)
            }
        }
    }

    private mutating func add(_ method: String, _ target: RequestTarget, _ places: inout [String: Int]) {
        guard let call = PermissionTable.standard.permissions(method, target) else {
            unknown.insert("\(method) \(target.path)")
            return
        }
        let line = "\(method) \(call.template)"
        if let place = places[line] {
            uses[place].count += 1
        } else {
            places[line] = uses.count
            uses.append(Use(line: line, call: call, count: 1))
        }
    }

    private static func isGraph(_ entry: JSONObject, _ hosts: [String]) -> Bool {
        if let host = entry["host"]?.string { return hosts.contains(host.lowercased()) }
        return entry["module"]?.string == "graph-api"
    }

    /// What was refused needed no permission that is there.
    private static func wasAnswered(_ entry: JSONObject) -> Bool {
        if let status = entry["status"]?.int { return (200..<400).contains(status) }
        return ["done", CallAudit.withErrors].contains(entry["outcome"]?.string)
    }
}
