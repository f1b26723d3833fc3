internal import MMCore

/// Properties whose change gives access or takes it, wherever in a body they stand: who signs in and how, who belongs and
/// who owns, what an app may do. A path that has no rule of its own is no proof that they do nothing there.
enum SensitiveProperties {
    /// The first of them in a body.
    static func first(in value: JSONValue, depth: Int = 0) -> String? {
        guard depth < 64 else { return "…" }
        switch value {
        case .array(let items): return items.lazy.compactMap { first(in: $0, depth: depth + 1) }.first
        case .object(let members):
            for (key, member) in members {
                // Links are written members@odata.bind, and shorter.
                let name = key.asciiLowercased.split(separator: "@").first.map(String.init) ?? ""
                if names.contains(name) || (key.contains("@") && links.contains(name)) { return key }
                if let found = first(in: member, depth: depth + 1) { return found }
            }
            return nil
        default: return nil
        }
    }

    private static let names: Set<String> = [
        "passwordprofile", "passwordcredentials", "keycredentials", "federatedidentitycredentials", "accountenabled",
        "onpremisesimmutableid", "usertype", "authorizationinfo", "approleassignments", "requiredresourceaccess",
        "oauth2permissiongrants", "automaticrepliessetting", "isassignabletorole", "membershiprule", "resourceaccess",
        "consentedpermissionset", "members", "owners",
    ]

    private static let links: Set<String> = ["member", "owner", "manager", "registeredowners", "registeredusers"]
}
