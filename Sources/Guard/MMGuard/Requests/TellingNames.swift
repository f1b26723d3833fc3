import MMCore

/// The paths at which a POST sends a message: `sendMail`, replies and forwards, `send`, and messages in channels and
/// chats.
enum MessagePaths {
    /// Returns whether a path (canonical words, in lower case) is one of them.
    static func contains(_ path: [String]) -> Bool {
        guard let last = path.last else { return false }
        if ["sendmail", "reply", "replyall", "forward", "send"].contains(last) { return true }
        let isConversation = path.contains("channels") || path.contains("chats") || path.contains("primarychannel")
        return isConversation && (last == "messages" || last == "replies")
    }
}

/// Properties whose change grants or removes access, at any depth of a body: sign-in, membership, ownership, and the
/// permissions of apps. They count even at a path without a rule of its own.
enum SensitiveProperties {
    /// Returns the first of them in a body.
    static func first(in value: JSONValue, depth: Int = 0) -> String? {
        guard depth < 64 else { return "…" }
        switch value {
        case .array(let items): return items.lazy.compactMap { first(in: $0, depth: depth + 1) }.first
        case .object(let members):
            for (key, member) in members {
                // Links are written as members@odata.bind, with shorter names.
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

/// Requests that return keys, recognised by names that no table has: reads of a resource called `sharedSecrets` or
/// `tokens`, and actions called `listAccessKeys`, whatever their service is.
enum SecretSegments {
    /// Returns the first such name in a path (in lower case) to a resource of Azure or of the Power Platform. Only
    /// kinds of resources and the action at the end of a POST are looked at, not the names that people gave to
    /// resources.
    static func first(in path: [String], method: RequestMethod) -> String? {
        let kinds = kinds(in: path)
        switch method {
        case .get: return kinds.first(where: tellsSecret)
        case .post: return kinds.last.flatMap { $0 == path.last && tellsSecret($0) ? $0 : nil }
        default: return nil
        }
    }

    private static func tellsSecret(_ kind: String) -> Bool {
        !plain.contains(kind) && words.contains { kind.contains($0) }
    }

    /// Kinds whose names match but which hold no secrets: public keys, trust settings of sign-ins, policies.
    private static let plain: Set<String> = [
        "sshpublickeys", "federatedidentitycredentials", "basicpublishingcredentialspolicies", "signatureoverrides",
        "passwordlesssettings",
    ]

    /// Returns the kinds of resources in a path: after a provider, kinds and names alternate.
    private static func kinds(in path: [String]) -> [String] {
        var kinds: [String] = []
        var isKind = true
        var isProvider = false
        for segment in path {
            if segment == "providers" {
                isProvider = true
                isKind = true
            } else if isProvider {
                isProvider = false
            } else {
                if isKind { kinds.append(segment) }
                isKind.toggle()
            }
        }
        return kinds
    }

    private static let words = [
        "key", "secret", "credential", "token", "password", "passcode", "connectionstring", "sharedaccess", "signature",
    ]
}
