internal import MMCore

/// What matters of a request at the wire beside what it does at its service: who reads it, how much it tells them, and whether
/// it is one of the acts that are blocked whatever the cmdlet was called that sent it.
enum WireFindings {
    /// The most that a read tells a host that is no service's own: its path and query, and its header fields.
    static let mostInRead = (target: 2_048, headers: 4_096)

    /// The findings about a request.
    static func of(_ request: WireRequest, _ found: RequestClassification) -> [GuardFinding] {
        [blocked(request, found), stranger(request), longRead(request, found)].compactMap(\.self)
    }

    // MARK: Who reads it

    private static func stranger(_ request: WireRequest) -> GuardFinding? {
        guard request.owner == .unknown else { return nil }
        return GuardFinding(
            rule: "unnamed-host", classes: .external,
            reason:
                "It goes to \(request.host): anybody can have such a name, and nothing of this tenant has named this one.",
            instead: "Add it to the connection's egress.allow, if it is yours.", subject: request.line,
            minimumDecision: .ask)
    }

    private static func longRead(_ request: WireRequest, _ found: RequestClassification) -> GuardFinding? {
        guard request.owner != .service, found.classes == .read else { return nil }
        let headers = request.headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        let told = request.target.utf8.count
        let body = request.body.seen.count
        guard told > mostInRead.target || headers > mostInRead.headers || body > mostInRead.target else { return nil }
        return GuardFinding(
            rule: "long-read", classes: .external,
            reason: "It hands \(told + headers + body) bytes to \(request.host) with a request that only reads.",
            subject: request.line, minimumDecision: .ask)
    }

    // MARK: What is blocked

    /// Acts of the blocked list (`mm guard rules`), by the request that they come to.
    private static func blocked(_ request: WireRequest, _ found: RequestClassification) -> GuardFinding? {
        let parts = [found] + found.items.map(\.classification)
        let act = isPackage(request) ? "takes a package from a gallery" : parts.lazy.compactMap(act).first
        guard let act else { return nil }
        return GuardFinding(
            rule: "seed-blocked", classes: [.external, .privilege], kind: .blocked,
            reason: "It \(act), which is on the blocked list and never runs here.",
            instead: "A person does this with their own tools, outside of mm.", subject: request.line)
    }

    /// The packages of a gallery, which its pages and searches don't hold (NuGet's address of a package).
    private static func isPackage(_ request: WireRequest) -> Bool {
        guard request.service == nil else { return false }
        let path = request.target.prefix { $0 != "?" }
        let plain = (PercentCoding.decode(path.utf8) ?? String(path)).asciiLowercased
        let name = request.host.asciiLowercased
        return plain.contains("/api/v2/package/") || plain.hasSuffix(".nupkg")
            || packageStores.contains { name.hasPrefix($0) }
    }

    private static let packageStores = ["cdn.powershellgallery.com", "psg-prod-"]

    private static func act(_ found: RequestClassification) -> String? {
        let method = RequestMethod(written: found.method)
        guard [.post, .put, .patch, .delete].contains(method) else { return nil }
        return found.forms.lazy.compactMap { form in
            let path = form.map(\.asciiLowercased)
            return found.service == .arm ? azure(path) : nil
        }.first
    }

    /// `…/providers/Microsoft.Authorization/roleAssignments/NAME`, and the access policies of a vault.
    private static func azure(_ path: [String]) -> String? {
        if let place = path.lastIndex(of: "microsoft.authorization"),
            path.dropFirst(place + 1).first == "roleassignments"
        {
            return "changes a role assignment"
        }
        if let place = path.lastIndex(of: "vaults"), path.dropFirst(place + 2).first == "accesspolicies" {
            return "changes who may read a vault"
        }
        return nil
    }
}
