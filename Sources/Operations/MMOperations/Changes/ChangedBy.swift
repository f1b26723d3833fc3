import MMCore
import MMDesk

/// The newest change of an object and its author, as far as the directory's audit log says.
struct ChangedBy {
    let client: GuardedClient
    let deadline: Deadline

    /// Returns a sentence about the newest change of an entry's object, with the account, the time and the action;
    /// `nil` if the log has none.
    func sentence(on entry: JournalEntry) async -> String? {
        await sentence(on: entry.change, since: entry.time)
    }

    /// Returns the sentence about the newest change of the object of any change, since a point in time.
    func sentence(on change: Change, since: Timestamp) async -> String? {
        guard GUID.isValid(change.subject.id) else { return nil }
        let filter = "activityDateTime ge \(since.iso8601) and targetResources/any(t:t/id eq '\(change.subject.id)')"
        guard
            let target = try? client.target(
                "/auditLogs/directoryAudits",
                query: [("$filter", filter), ("$orderby", "activityDateTime desc"), ("$top", "1")]),
            let request = try? GraphRequest(target: target),
            let answer = try? await client.read(request, deadline: min(deadline, .after(.seconds(20)))).json(),
            let newest = answer["value"]?.array?.first
        else { return nil }
        let by = newest["initiatedBy"]
        let who = by?["user"]?["userPrincipalName"]?.string ?? by?["app"]?["displayName"]?.string ?? "somebody unknown"
        let what = newest["activityDisplayName"]?.string.map { " (\($0))" } ?? ""
        return VisibleText.exact(
            "The newest change in the tenant's audit log is by \(who) at \(newest["activityDateTime"]?.string ?? "?")\(what)."
        )
    }
}
