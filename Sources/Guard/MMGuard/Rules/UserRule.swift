/// A rule that the user wrote.
struct UserRule: Sendable, Hashable {
    /// What it looks at.
    enum Matter: Sendable, Hashable {
        /// Commands by name; `*` stands for any ending. With parameters, only calls that set one of them.
        case cmdlet(names: [String], parameters: [String])
        /// Requests by method and path, in the form of the built-in request rules.
        case request(service: String, methods: [String], paths: [[String]])
        /// Findings of these built-in rules.
        case rule(ids: [String])
    }

    let id: String
    let matter: Matter
    /// The class it gives.
    let guardClass: GuardClass?
    /// The weakest decision it leaves.
    let decision: GuardDecision?
    /// The built-in rules that it may weaken, by name.
    let loosens: [String]
    let reason: String
    let instead: String?

    /// Whether a command is meant.
    func matches(command: String, parameters: [String]) -> Bool {
        guard case .cmdlet(let names, let wanted) = matter else { return false }
        let command = command.asciiLowercased
        guard names.contains(where: { Self.matches(command, $0) }) else { return false }
        return wanted.isEmpty
            || parameters.contains { written in wanted.contains { $0.hasPrefix(written.asciiLowercased) } }
    }

    /// Whether a request is meant.
    func matches(service: String, method: String, forms: [[String]]) -> Bool {
        guard case .request(let own, let methods, let paths) = matter, own == service,
            methods.isEmpty || methods.contains(method)
        else { return false }
        return paths.contains { pattern in forms.contains { Self.matches(pattern[...], $0[...]) } }
    }

    /// Whether a finding of a built-in rule is meant.
    func matches(rule: String) -> Bool {
        guard case .rule(let ids) = matter else { return false }
        return ids.contains(rule)
    }

    private static func matches(_ text: String, _ pattern: String) -> Bool {
        pattern.hasSuffix("*") ? text.hasPrefix(pattern.dropLast()) : text == pattern
    }

    private static func matches(_ pattern: ArraySlice<String>, _ path: ArraySlice<String>) -> Bool {
        guard let first = pattern.first else { return path.isEmpty }
        if first == "**" { return (0...path.count).contains { matches(pattern.dropFirst(), path.dropFirst($0)) } }
        guard let segment = path.first, first == "{}" || matches(segment, first) else { return false }
        return matches(pattern.dropFirst(), path.dropFirst())
    }
}
