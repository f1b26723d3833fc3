import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// The last change of an object in the directory's audit log.
struct ChangeOrigin: Sendable {
    /// The account or app.
    let who: String
    /// The time of the change.
    let time: String
    /// The service's name of the activity.
    let activity: String?

    /// The account, time and activity in one text.
    var text: String {
        VisibleText.exact("\(who) at \(time)" + (activity.map { " (\($0))" } ?? ""))
    }

    /// The maximum number of look-ups; a tenant with more findings is examined by a person anyway.
    private static let most = 60

    /// Looks up the last changes of the objects of findings.
    /// - Returns: the changes by object id; empty where the log can't be read.
    static func found(
        for findings: [SnapshotFinding], on connection: Connection, in context: OperationContext,
        with services: RequestServices
    ) async -> [String: ChangeOrigin] {
        let ids = findings.filter { $0.kind.service == .graph && GUID.isValid($0.id) }.map { $0.id.lowercased() }
        guard !ids.isEmpty, let client = try? GuardedClient(identity: services.identity, connection: connection),
            let engine = try? services.guarding.guards.engine()
        else { return [:] }
        let policy = services.guarding.policy(of: connection, in: context)
        var parts: [BatchPart] = []
        for id in ids.prefix(most) {
            guard
                let target = try? client.target(
                    "/auditLogs/directoryAudits",
                    query: [
                        ("$filter", "targetResources/any(t:t/id eq '\(id)')"), ("$orderby", "activityDateTime desc"),
                        ("$top", "1"),
                    ]),
                let request = try? GraphRequest(target: target),
                engine.judge(request.guarded, policy: policy).decision == .allow
            else { return [:] }
            parts.append(BatchPart(id: String(parts.count), request: request))
        }
        let deadline = min(context.deadline, .after(.seconds(30)))
        guard let answers = try? await client.readBatch(parts, deadline: deadline) else { return [:] }
        var origins: [String: ChangeOrigin] = [:]
        for (id, answer) in zip(ids, answers) where answer.status < 300 {
            origins[id] = answer.body["value"]?.array?.first.flatMap(ChangeOrigin.init)
        }
        return origins
    }

    /// Reads a line of the log.
    private init?(_ line: JSONValue) {
        guard let time = line["activityDateTime"]?.string else { return nil }
        let by = line["initiatedBy"]
        who = by?["user"]?["userPrincipalName"]?.string ?? by?["app"]?["displayName"]?.string ?? "somebody unknown"
        self.time = time
        activity = line["activityDisplayName"]?.string
    }
}
