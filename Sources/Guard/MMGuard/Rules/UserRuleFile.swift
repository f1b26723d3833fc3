public import MMCore

/// The user's own rules, a JSON file:
///
/// ```json
/// {"version": 1, "rules": [
///   {"id": "hr-mail", "requests": {"methods": ["GET"], "paths": ["/users/{}/messages/**"]}, "decision": "ask",
///    "reason": "mail is private here"},
///   {"id": "no-transport-rules", "cmdlets": ["*-TransportRule"], "decision": "deny"},
///   {"id": "our-module", "cmdlets": ["Get-Contoso*"], "class": "read", "loosens": ["unknown-command"]},
///   {"id": "quiet-loops", "rules": ["loop"], "decision": "allow", "loosens": ["loop"]}
/// ]}
/// ```
///
/// A rule looks at `cmdlets` (names, `*` at the end, optionally only with one of `parameters`), at `requests` (`service`,
/// `methods`, `paths` with `{}` for one segment and `**` for any), or at built-in `rules` by id. It gives a `class` or a
/// `decision` (`allow`, `ask`, `deny`). Rules only tighten; where one is weaker than a built-in rule, that rule must be named
/// in its `loosens`.
public struct UserRuleFile: Sendable, Hashable {
    let rules: [UserRule]

    /// No rules.
    public static let none = UserRuleFile(rules: [])

    init(rules: [UserRule]) {
        self.rules = rules
    }

    /// Where the file lies: `MM_GUARD_RULES`, else `guard-rules.json` in the state folder.
    public static func path(environment: [String: String]) -> String {
        if let path = environment["MM_GUARD_RULES"], !path.isEmpty { return path }
        return StatePaths(environment: environment).stateDirectory + "/guard-rules.json"
    }

    /// The rules of a file; no file means no rules.
    /// - Throws: `.invalidInput` naming the rule and field: a file with a fault must not be half obeyed.
    public static func load(_ path: String) throws(MMError) -> UserRuleFile {
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20) else { return .none }
        do throws(MMError) {
            return try UserRuleFile(bytes: bytes)
        } catch {
            var error = error
            error.message = "\(path): \(error.message)"
            throw error
        }
    }

    /// The rules in JSON text.
    /// - Throws: `.invalidInput` naming the rule and field.
    public init(bytes: [UInt8]) throws(MMError) {
        let value: JSONValue
        do {
            value = try JSONParser.parse(bytes, limits: .strict)
        } catch {
            throw MMError(
                .invalidInput, "the rules are no JSON: \(error)",
                hint: "Fix the file, or remove it to use the built-in rules.")
        }
        var reader = UserRuleReader()
        rules = try reader.read(value)
    }
}
