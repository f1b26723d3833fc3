import MMCore
import MMGuard
package import PowerShellSyntax

/// What of a script stands in the audit log: the commands it names, the objects it names them for, and a digest of the
/// whole. The script itself does not: it may hold anything.
package struct ScriptDigest: Sendable {
    /// The commands in the order in which they first stand there; `(computed)` for a name that only running tells.
    let commands: [String]
    /// The constant values that say which objects are meant.
    let targets: [String]
    /// SHA-256 of the text.
    let digest: String

    private static let most = 50
    private static let longest = 200
    /// Parameters whose values say which object is meant; so do those that end in `Id`.
    private static let names: Set<String> = [
        "identity", "user", "mailbox", "member", "members", "name", "group", "team",
    ]

    /// The digest of a script.
    package init(_ script: String, _ facts: ScriptFacts) {
        digest = Hex.text(SHA256.digest(Array(script.utf8)))
        var commands: [String] = []
        var targets: [String] = []
        for item in facts.items {
            guard case .command(let command) = item.detail else { continue }
            let name = command.name.map { Self.short($0) } ?? "(computed)"
            if !commands.contains(name), commands.count < Self.most { commands.append(name) }
            for target in Self.targets(of: command) where !targets.contains(target) && targets.count < Self.most {
                targets.append(target)
            }
        }
        self.commands = commands
        self.targets = targets
    }

    /// Notes it in the record of a call.
    package func note(in record: CallRecord) {
        record.note("scriptDigest", .string(digest))
        if !commands.isEmpty { record.note("commands", .array(commands.map { .string($0) })) }
        if !targets.isEmpty { record.note("targets", .array(targets.map { .string($0) })) }
    }

    /// What a service's cmdlet is called for: its first positional argument, and what stands behind a parameter that
    /// names an object. Other commands take texts of any kind there.
    private static func targets(of command: CommandFact) -> [String] {
        guard let name = command.name, CmdletClasses().isOfService(name) else { return [] }
        var targets: [String] = []
        var parameter: String?
        var isFirst = true
        for argument in command.arguments {
            switch argument {
            case .parameter(let name, nil): parameter = name
            case .parameter(let name, let value?):
                if names(object: name) { targets += texts(value) }
                parameter = nil
            case .value(let value):
                if parameter.map(names) ?? isFirst { targets += texts(value) }
                if parameter == nil { isFirst = false }
                parameter = nil
            }
        }
        return targets.map(short)
    }

    private static func names(object parameter: String) -> Bool {
        let name = parameter.lowercased()
        return names.contains(name) || name.hasSuffix("id") || name.hasSuffix("upn") || name.hasSuffix("principalname")
    }

    private static func texts(_ value: FactValue) -> [String] {
        switch value {
        case .string(let text): [text]
        case .array(let items): items.flatMap(texts)
        default: []
        }
    }

    private static func short(_ text: String) -> String {
        text.count <= longest ? text : text.prefix(longest) + "…"
    }
}

/// What a script's text says by itself: its tree, its variables, what the audit log has of it. The same text always says the same.
final class ScriptReading: Sendable {
    let parsed: ParsedScript
    let variables: VariableUse
    let digest: ScriptDigest
    let modules: ScriptModules

    /// Reads a text.
    init(_ text: String) {
        parsed = PowerShellParser.parse(text)
        let facts = ScriptFacts(of: parsed)
        modules = ScriptModules(parsed, facts)
        variables = VariableUse(parsed)
        digest = ScriptDigest(text, facts)
    }
}

/// The readings of scripts that ran lately: who runs one again doesn't wait until it is read again.
///
/// Only short scripts that read and were let through are kept: others are rare, and may hold what should not stay in memory.
final class ScriptReadings: Sendable {
    private let kept = RecentValues<ExactKey, ScriptReading>(size: 256)
    /// How long a kept script may be, in bytes.
    private static let longest = 4 << 10

    /// The reading of a text, which is kept from before or made now.
    func reading(of text: String) -> ScriptReading {
        guard text.utf8.count <= Self.longest else { return ScriptReading(text) }
        return kept.value(for: ExactKey(text)) ?? ScriptReading(text)
    }

    /// Keeps the reading of a text that was let through and only reads.
    func keep(_ reading: ScriptReading, of text: String) {
        if text.utf8.count <= Self.longest { kept.keep(reading, for: ExactKey(text)) }
    }
}
