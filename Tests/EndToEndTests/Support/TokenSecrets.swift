import MMCore

/// Secrets that may only be in a connection's token cache: refresh tokens, and the signatures of access tokens.
enum TokenSecrets {
    static func of(_ cache: JSONValue) -> [String] {
        switch cache {
        case .object(let members):
            members.flatMap { key, value -> [String] in
                guard key == "secret", let text = value.string else { return of(value) }
                return [text.split(separator: ".").last.map(String.init) ?? text]
            }
        case .array(let items): items.flatMap(of)
        default: []
        }
    }
}
