import MMCore

/// Reads that hand out keys by a name that no table knows: what a resource calls `listKeys`, `sharedSecrets` or `tokens` is no
/// plain read, whatever its service is.
enum SecretSegments {
    /// The first such name in a path (in lower case) to a resource of Azure or of the Power Platform: a kind of resource, never
    /// the name that somebody gave to one.
    static func first(in path: [String]) -> String? {
        kinds(in: path).first { kind in words.contains { kind.contains($0) } }
    }

    /// The kinds of resources that a path names: behind a provider they alternate with names.
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
