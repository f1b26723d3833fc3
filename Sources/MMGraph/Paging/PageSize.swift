internal import MMCore

/// Chooses the number of items per page when the caller doesn't.
///
/// Services return small pages by default (ten messages, a hundred users) and refuse more than their maximum, which
/// differs ("Paging Microsoft Graph data in your app"). A known maximum is requested; otherwise the service decides.
enum PageSize {
    private static let knownMaximum: [String: Int] = [
        "users": 999, "groups": 999, "devices": 999, "applications": 999, "serviceprincipals": 999, "contacts": 999,
        "members": 999, "memberof": 999, "transitivemembers": 999, "transitivememberof": 999, "owners": 999,
        "mailfolders": 1000, "sites": 200, "children": 200, "chats": 50,
    ]
    // Whole messages and events with their bodies are tens of kilobytes each, so a page of a thousand would be too
    // large.
    private static let heavy: Set<String> = ["messages", "events"]
    // Every collection that supports `$top` accepts numbers up to this.
    private static let modest = 50

    /// Returns the page size to request; `nil` to leave it to the service.
    /// - Parameters:
    ///   - target: the collection.
    ///   - wanted: how many items are wanted in total; `nil` for all.
    static func suggested(for target: RequestTarget, wanted: Int?) -> Int? {
        guard target.service == .graph, !target.isReport, target.queryValue("$top") == nil,
            target.queryValue("$skiptoken") == nil,
            target.queryValue("$deltatoken") == nil, let last = target.segments.last?.lowercased()
        else { return nil }
        let isChat = target.segments.dropLast().contains { ["chats", "channels", "teams"].contains($0.lowercased()) }
        let known: Int? =
            if isChat {
                last == "messages" || last == "members" ? 50 : nil
            } else if heavy.contains(last) {
                excludesBody(target) ? 1000 : 100
            } else {
                knownMaximum[last]
            }
        if let wanted { return min(max(wanted, 1), known ?? modest) }
        return known
    }

    private static func excludesBody(_ target: RequestTarget) -> Bool {
        guard let select = target.queryValue("$select")?.lowercased(), !select.contains("*") else { return false }
        return !select.split(separator: ",").contains { $0.trimmed == "body" || $0.trimmed == "uniquebody" }
            && target.queryValue("$expand") == nil
    }
}
