package import MMCore

/// The audit log of this machine, and the shared lines of the other nodes of a cluster.
package struct AuditReading: Sendable {
    private let log: AuditLog
    private let cluster: ClusterLines?
    /// The registry of connections.
    let registry: ConnectionRegistry

    package init(log: AuditLog, cluster: ClusterLines?, registry: ConnectionRegistry) {
        (self.log, self.cluster, self.registry) = (log, cluster, registry)
    }

    /// Returns the newest matching lines, the oldest of them first.
    /// - Returns: the lines, and notes about missing ones.
    func entries(
        limit: Int, where isWanted: (JSONObject) -> Bool
    ) async throws(MMError) -> (entries: [JSONObject], notes: [String]) {
        let own = try log.entries(limit: limit, where: isWanted)
        guard let cluster else { return (own, []) }
        do throws(MMError) {
            let others = try await linesOfOthers(in: cluster, limit: limit, isWanted)
            guard !others.isEmpty else { return (own, []) }
            let all = (own + others).sorted { Self.time($0) < Self.time($1) }
            return (Array(all.suffix(limit)), [])
        } catch {
            return (own, ["\(error.message) Only this node's lines are shown."])
        }
    }

    /// Returns the lines of other nodes. A node shares its lines in order, some of them twice.
    private func linesOfOthers(
        in cluster: ClusterLines, limit: Int, _ isWanted: (JSONObject) -> Bool
    ) async throws(MMError) -> [JSONObject] {
        var found: [JSONObject] = []
        var seen: Set<String> = []
        var mark: String?
        while found.count < limit {
            let lines = try await cluster.audit.preceding(mark)
            guard let last = lines.last else { break }
            mark = last.mark
            for line in lines where line.origin != cluster.origin {
                guard var entry = (try? JSONParser.parse(line.bytes))?.object,
                    seen.insert("\(line.origin) \(entry["seq"]?.int ?? 0)").inserted
                else { continue }
                // The members that chain a line to its own log are meaningless here.
                for name in ["seq", "prev", "hash"] { entry[name] = nil }
                entry["node"] = entry["node"] ?? .string(line.origin)
                if isWanted(entry) { found.append(entry) }
            }
        }
        return Array(found.prefix(limit))
    }

    private static func time(_ entry: JSONObject) -> String { entry["time"]?.string ?? "" }
}
