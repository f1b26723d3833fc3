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
/// A rule applies to `cmdlets` (names, `*` at the end, optionally only with one of `parameters`), to `requests`
/// (`service`, `methods`, `paths` with `{}` for one segment and `**` for any), or to built-in `rules` by id. It assigns
/// a `class` or a `decision` (`allow`, `ask`, `deny`). Rules only tighten; where one is weaker than a built-in rule,
/// that rule must be named in its `loosens`.
public struct UserRuleFile: Sendable, Hashable {
    let rules: [UserRule]

    /// No rules.
    public static let none = UserRuleFile(rules: [])

    init(rules: [UserRule]) {
        self.rules = rules
    }

    /// Returns the path of the file: `MM_GUARD_RULES`, or `guard-rules.json` in the state folder.
    public static func path(environment: [String: String]) -> String { file(environment: environment).path }

    /// Returns the file, which must exist if `MM_GUARD_RULES` names it.
    package static func file(environment: [String: String]) -> SettingsFile {
        SettingsFile(
            "MM_GUARD_RULES", usual: StatePaths(environment: environment).stateDirectory + "/guard-rules.json",
            environment: environment)
    }

    /// Reads the rules of a file; if there is no file, there are no rules.
    /// - Throws: `.invalidInput` naming the rule and field. A faulty file is rejected as a whole, so that no rule of it
    ///   is silently ignored.
    public static func load(_ path: String) throws(MMError) -> UserRuleFile {
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20) else { return .none }
        do throws(MMError) {
            return try UserRuleFile(bytes: bytes)
        } catch {
            throw error.about(path)
        }
    }

    /// Reads the rules in JSON text.
    /// - Throws: `.invalidInput` naming the rule and field.
    package init(bytes: [UInt8]) throws(MMError) {
        let value: JSONValue
        do {
            value = try JSONParser.parse(bytes, limits: .strict)
        } catch {
            throw MMError(
                .invalidInput, "the rules are not JSON: \(error)",
                hint: "Fix the file, or remove it to use the built-in rules.")
        }
        var reader = UserRuleReader()
        rules = try reader.read(value)
    }
}

/// Reads the user's rules, field by field. An unknown key is an error, because a misspelt key would protect nothing.
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
        guard ids.insert(id).inserted else { throw fault("rule \(id)", "appears twice") }
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
            reason: object["reason"]?.string ?? "rule \(id) in the user's rules file",
            instead: object["instead"]?.string)
    }

    private func matter(_ object: JSONObject, _ label: String) throws(MMError) -> UserRule.Matter {
        let given = ["cmdlets", "requests", "rules"].filter { object[$0] != nil }
        guard given.count == 1 else { throw fault(label, "needs exactly one of cmdlets, requests and rules") }
        if given == ["cmdlets"] {
            let names = try strings(object["cmdlets"], "\(label): cmdlets").map(\.asciiLowercased)
            for name in names where name.dropLast().contains("*") || name.isEmpty {
                throw fault("\(label): cmdlets", "allows * only at the end of a name (\(name))")
            }
            let parameters = try strings(object["parameters"], "\(label): parameters").map(\.asciiLowercased)
            return .cmdlet(names: names, parameters: parameters)
        }
        if object["parameters"] != nil { throw fault("\(label): parameters", "can only be used with cmdlets") }
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

/// A rule that the user wrote.
struct UserRule: Sendable, Hashable {
    /// The commands, requests or rules that a rule applies to.
    enum Matter: Sendable, Hashable {
        /// Commands by name; `*` stands for any ending. If parameters are given, only calls that set one of them.
        case cmdlet(names: [String], parameters: [String])
        /// Requests by method and path, in the form of the built-in request rules.
        case request(service: String, methods: [String], paths: [[String]])
        /// Findings of these built-in rules.
        case rule(ids: [String])
    }

    let id: String
    let matter: Matter
    /// The class that it assigns.
    let guardClass: GuardClass?
    /// The weakest decision that it permits.
    let decision: GuardDecision?
    /// The names of the built-in rules that it may weaken.
    let loosens: [String]
    let reason: String
    let instead: String?

    /// Returns whether the rule applies to a command.
    func matches(command: String, parameters: [String]) -> Bool {
        guard case .cmdlet(let names, let wanted) = matter else { return false }
        let command = command.asciiLowercased
        guard names.contains(where: { Self.matches(command, $0) }) else { return false }
        return wanted.isEmpty
            || parameters.contains { written in wanted.contains { $0.hasPrefix(written.asciiLowercased) } }
    }

    /// Returns whether the rule applies to a request.
    func matches(service: String, method: String, forms: [[String]]) -> Bool {
        guard case .request(let own, let methods, let paths) = matter, own == service,
            methods.isEmpty || methods.contains(method)
        else { return false }
        return paths.contains { pattern in forms.contains { Self.matches(pattern[...], $0[...]) } }
    }

    /// Returns whether the rule applies to a finding of a built-in rule.
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

extension UserRuleFile {
    /// Returns a command's findings after the user's rules: tightened, and weakened only for the rules that a user's
    /// rule names in `loosens`.
    func apply(to findings: [GuardFinding], command: String, parameters: [String]) -> [GuardFinding] {
        apply(rules.filter { $0.matches(command: command, parameters: parameters) }, findings, subject: command)
    }

    /// Returns a request's findings after the user's rules.
    func apply(
        to findings: [GuardFinding], service: String, method: String, forms: [[String]], line: String
    ) -> [GuardFinding] {
        apply(rules.filter { $0.matches(service: service, method: method, forms: forms) }, findings, subject: line)
    }

    /// Returns all findings after the user's rules that name built-in rules.
    func apply(to findings: [GuardFinding]) -> [GuardFinding] {
        guard rules.contains(where: { if case .rule = $0.matter { true } else { false } }) else { return findings }
        return findings.flatMap { finding in
            apply(rules.filter { $0.matches(rule: finding.rule) }, [finding], subject: nil)
        }
    }

    private func apply(_ matching: [UserRule], _ findings: [GuardFinding], subject: String?) -> [GuardFinding] {
        var findings = findings
        for rule in matching {
            if !rule.loosens.isEmpty { findings = findings.compactMap { loosened($0, by: rule) } }
            let isWeakening = rule.decision == .allow || rule.guardClass == .read
            guard !isWeakening else { continue }
            findings.append(
                GuardFinding(
                    rule: "user:\(rule.id)",
                    classes: rule.guardClass.map { GuardClassSet($0) } ?? findings.first?.classes ?? .read,
                    reason: "\(subject.map { "\($0): " } ?? "")\(rule.reason).", instead: rule.instead,
                    place: findings.first?.place, subject: subject, minimumDecision: rule.decision))
        }
        return findings
    }

    /// Returns a finding after a rule that may loosen it: `nil` if the user allows it, otherwise with the user's class.
    private func loosened(_ finding: GuardFinding, by rule: UserRule) -> GuardFinding? {
        guard rule.loosens.contains(finding.rule) else { return finding }
        if rule.decision == .allow || rule.guardClass == .read { return nil }
        var finding = finding
        finding.kind = .classified
        if let one = rule.guardClass { finding.classes = GuardClassSet(one) }
        return finding
    }
}
