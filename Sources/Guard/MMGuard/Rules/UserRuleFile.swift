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
    package init(bytes: [UInt8]) throws(MMError) {
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

/// Reads the user's rules, field by field; whatever is unknown is an error, since a misspelt key would protect nothing.
struct UserRuleReader {
    private var ids: Set<String> = []

    init() {}

    mutating func read(_ value: JSONValue) throws(MMError) -> [UserRule] {
        guard let file = value.object else { throw fault("the file", "must be an object with version and rules") }
        try check(file, allowed: ["version", "rules", "_schema", "_note"], of: "the file")
        guard file["version"]?.int == 1 else { throw fault("version", "must be 1") }
        guard let list = file["rules"]?.array else { throw fault("rules", "must be a list") }
        var rules: [UserRule] = []
        for (index, item) in list.enumerated() { rules.append(try rule(item, number: index + 1)) }
        return rules
    }

    private mutating func rule(_ value: JSONValue, number: Int) throws(MMError) -> UserRule {
        guard let object = value.object else { throw fault("rule \(number)", "must be an object") }
        guard let id = object["id"]?.string, !id.isEmpty else { throw fault("rule \(number)", "needs an id") }
        guard ids.insert(id).inserted else { throw fault("rule \(id)", "is there twice") }
        let label = "rule \(id)"
        try check(
            object,
            allowed: [
                "id", "cmdlets", "parameters", "requests", "rules", "class", "decision", "loosens", "reason", "instead",
            ],
            of: label)
        let guardClass = try object["class"].map { (word) throws(MMError) in
            guard let one = word.string.flatMap(GuardClass.init(word:)) else {
                throw fault(
                    "\(label): class", "must be one of \(GuardClass.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return one
        }
        let decision = try object["decision"].map { (word) throws(MMError) in
            guard let one = word.string.flatMap(GuardDecision.init(rawValue:)) else {
                throw fault("\(label): decision", "must be allow, ask or deny")
            }
            return one
        }
        guard guardClass != nil || decision != nil else { throw fault(label, "needs a class or a decision") }
        let loosens = try strings(object["loosens"], "\(label): loosens")
        if decision == .allow, loosens.isEmpty {
            throw fault("\(label): decision", "allow needs loosens, with the built-in rules that it weakens")
        }
        return UserRule(
            id: id, matter: try matter(object, label), guardClass: guardClass, decision: decision, loosens: loosens,
            reason: object["reason"]?.string ?? "the user's rule \(id) says so", instead: object["instead"]?.string)
    }

    private func matter(_ object: JSONObject, _ label: String) throws(MMError) -> UserRule.Matter {
        let given = ["cmdlets", "requests", "rules"].filter { object[$0] != nil }
        guard given.count == 1 else { throw fault(label, "needs exactly one of cmdlets, requests and rules") }
        if given == ["cmdlets"] {
            let names = try strings(object["cmdlets"], "\(label): cmdlets").map(\.asciiLowercased)
            for name in names where name.dropLast().contains("*") || name.isEmpty {
                throw fault("\(label): cmdlets", "takes * only at the end of a name (\(name))")
            }
            let parameters = try strings(object["parameters"], "\(label): parameters").map(\.asciiLowercased)
            return .cmdlet(names: names, parameters: parameters)
        }
        if object["parameters"] != nil { throw fault("\(label): parameters", "belongs to cmdlets") }
        if given == ["rules"] { return .rule(ids: try strings(object["rules"], "\(label): rules")) }
        guard let requests = object["requests"]?.object else { throw fault("\(label): requests", "must be an object") }
        try check(requests, allowed: ["service", "methods", "paths"], of: "\(label): requests")
        let service = requests["service"]?.string ?? "graph"
        guard RequestService(rawValue: service) != nil else {
            throw fault(
                "\(label): service", "must be one of \(RequestService.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        let methods = try strings(requests["methods"], "\(label): methods").map { $0.uppercased() }
        let paths = try strings(requests["paths"], "\(label): paths")
        guard !paths.isEmpty, paths.allSatisfy({ $0.hasPrefix("/") }) else {
            throw fault("\(label): paths", "must be a list of paths that start with /, without the version")
        }
        return .request(
            service: service, methods: methods,
            paths: paths.map { $0.asciiLowercased.split(separator: "/").map(String.init) })
    }

    private func strings(_ value: JSONValue?, _ label: String) throws(MMError) -> [String] {
        guard let value else { return [] }
        if let text = value.string { return [text] }
        guard let list = value.array else { throw fault(label, "must be a list of strings") }
        var texts: [String] = []
        for item in list {
            guard let text = item.string, !text.isEmpty else { throw fault(label, "must be a list of strings") }
            texts.append(text)
        }
        return texts
    }

    private func check(_ object: JSONObject, allowed: Set<String>, of label: String) throws(MMError) {
        for key in object.keys where !allowed.contains(key) {
            let near = NearestNames.of(key, among: Array(allowed)).first.map { " (\($0)?)" } ?? ""
            throw fault(label, "has an unknown key \(key)\(near)")
        }
    }

    private func fault(_ label: String, _ what: String) -> MMError {
        MMError(.invalidInput, "\(label) \(what).", hint: "Fix the file, or remove it to use the built-in rules.")
    }
}
