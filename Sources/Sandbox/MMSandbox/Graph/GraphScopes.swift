internal import MMCore
internal import MMGuard
internal import MMHTTP

/// Decides whether a token's permissions allow a call, by the table of the permissions that Microsoft Graph requires.
struct GraphScopes {
    let call: GraphCall
    /// Whether the call is about the signed-in person, for whom the permissions of `/me` suffice too.
    let isSelf: Bool

    /// The decision; `nil` if the table doesn't contain the call.
    var isOpen: Bool? {
        let kind: SignInKind = call.principal.isApp ? .application : .work
        let all = targets.compactMap { PermissionTable.standard.permissions(call.request.method, $0) }
        guard !all.isEmpty else { return nil }
        return all.contains { $0.satisfied(by: call.principal.permissions, for: kind) != nil }
    }

    private var targets: [RequestTarget] {
        guard
            let target = try? RequestTarget(parsing: call.request.path, service: .graph, normalization: .clean)
        else { return [] }
        guard isSelf, target.segments.first?.lowercased() == "users", target.segments.count > 1 else { return [target] }
        let own = "/\(call.version)/me" + target.segments.dropFirst(2).map { "/" + $0 }.joined()
        return [target] + [try? RequestTarget(parsing: own, service: .graph, normalization: .clean)].compactMap(\.self)
    }
}
