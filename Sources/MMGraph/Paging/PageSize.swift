internal import MMCore

/// How many items to ask for in one page, where the caller doesn't say.
///
/// Services answer in small pages by default (ten messages, a hundred users) and refuse more than their most, which differs
/// ("Paging Microsoft Graph data in your app"). Where the most is known it is asked for; elsewhere the service decides.
enum PageSize {
    private static let most: [String: Int] = [
        "users": 999, "groups": 999, "devices": 999, "applications": 999, "serviceprincipals": 999, "contacts": 999,
        "members": 999, "memberof": 999, "transitivemembers": 999, "transitivememberof": 999, "owners": 999,
        "mailfolders": 1000, "sites": 200, "children": 200, "chats": 50,
    ]
    // Whole messages and events are tens of kilobytes each, with their bodies: a thousand of them are no page for anybody.
    private static let heavy: Set<String> = ["messages", "events"]
    // Below this every collection with `$top` takes any number.
    private static let modest = 50

    /// The page size to ask for.
    /// - Parameters:
    ///   - target: a collection.
    ///   - wanted: how many items are wanted in all; `nil` for all.
    static func suggested(for target: RequestTarget, wanted: Int?) -> Int? {
        guard target.service == .graph, target.queryValue("$top") == nil, target.queryValue("$skiptoken") == nil,
            target.queryValue("$deltatoken") == nil, let last = target.segments.last?.lowercased()
        else { return nil }
        let isChat = target.segments.dropLast().contains { ["chats", "channels", "teams"].contains($0.lowercased()) }
        let known: Int? =
            if isChat {
                last == "messages" || last == "members" ? 50 : nil
            } else if heavy.contains(last) {
                isSlim(target) ? 1000 : 100
            } else {
                most[last]
            }
        if let wanted { return min(max(wanted, 1), known ?? modest) }
        return known
    }

    private static func isSlim(_ target: RequestTarget) -> Bool {
        guard let select = target.queryValue("$select")?.lowercased(), !select.contains("*") else { return false }
        return !select.split(separator: ",").contains { $0.trimmed == "body" || $0.trimmed == "uniquebody" }
            && target.queryValue("$expand") == nil
    }
}
