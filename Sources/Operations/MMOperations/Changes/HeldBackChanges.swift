import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// What the requests would change that a dry run in PowerShell held back: read out of them as out of every other request, with the
/// states of the first ones. What can't be read out of a request stays unknown.
struct HeldBackChanges {
    let connection: Connection
    let requests: RequestServices
    let context: OperationContext

    /// The changes, by the numbers of the requests.
    func changes(of rehearsed: [DryRunRequest]) async -> [UInt64: Change] {
        var changes: [UInt64: Change] = [:]
        var left: [String: [Change]] = [:]
        var readings = 0
        var graph: [(number: UInt64, request: GraphRequest)] = []
        for held in rehearsed where !held.isRead {
            let facts = held.json
            guard let address = facts["url"]?.string.flatMap({ WebAddress($0) }) else { continue }
            if let cmdlet = WireCmdlet(at: address, facts["body"] ?? .null, of: connection, requests, in: context) {
                guard let written = cmdlet.written else { continue }
                var change = written
                readings += 1
                if readings <= CmdletRehearsal.most, await cmdlet.watch.isSignedIn {
                    change = await cmdlet.watch.read(change)
                }
                change = change.following(left[change.place] ?? [], written: written)
                left[change.place, default: []].append(change)
                changes[held.number] = change
            } else if let request = request(at: address, facts) {
                graph.append((held.number, request))
            }
        }
        let seen = Array(graph.prefix(CmdletRehearsal.most))
        if let watch = try? graphWatch(), !seen.isEmpty {
            for (held, write) in zip(seen, await watch.writes(seen.map(\.request))) {
                changes[held.number] = write.change
            }
        }
        return changes
    }

    private func graphWatch() throws(MMError) -> WriteWatch {
        WriteWatch(
            client: try GuardedClient(identity: requests.identity, connection: connection), connection: connection,
            requests: requests, context: context)
    }

    private func request(at address: WebAddress, _ facts: JSONValue) -> GraphRequest? {
        guard let watch = try? graphWatch(), let method = facts["method"]?.string,
            let base = try? requests.identity.cloud(of: connection).base(of: watch.client.resource),
            WebAddress(base)?.origin == address.origin, let target = try? watch.client.target(address.pathAndQuery)
        else { return nil }
        // Of a large body only the beginning is kept, which says nothing certain.
        guard let body = facts["body"], !body.isNull else { return try? GraphRequest(method: method, target: target) }
        guard body["bytes"] == nil || body["begins"] == nil else { return nil }
        return try? GraphRequest(method: method, target: target, json: body)
    }
}
