import MMCore
import MMGuard
package import PowerShellSyntax

/// The facts about a script for the audit log: its commands, the objects that it names, and a digest of the text. The
/// text itself is left out, since it may hold secrets.
package struct ScriptDigest: Sendable {
    /// The commands in the order of their first occurrence; `(computed)` for a name that is known only at run time.
    let commands: [String]
    /// The constant values that name objects.
    let targets: [String]
    /// SHA-256 of the text.
    let digest: String

    private static let most = 50
    private static let longest = 200
    /// Parameters whose values name objects, in addition to those that end in `Id`.
    private static let names: Set<String> = [
        "identity", "user", "mailbox", "member", "members", "name", "group", "team",
    ]

    /// Creates the digest of a script.
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

    /// Notes the digest in the record of a call.
    package func note(in record: CallRecord) {
        record.note("scriptDigest", .string(digest))
        if !commands.isEmpty { record.note("commands", .array(commands.map { .string($0) })) }
        if !targets.isEmpty { record.note("targets", .array(targets.map { .string($0) })) }
    }

    /// Returns the objects that a service's cmdlet names: its first positional argument, and the values of parameters
    /// that name objects. Other commands are left out, since their arguments may be any text.
    private static func targets(of command: CommandFact) -> [String] {
        guard let name = command.name, CmdletClasses().isOfService(name) else { return [] }
        var targets: [String] = []
        var parameter: String?
        var isFirst = true
        for argument in command.arguments {
            switch argument {
            case .parameter(let name, nil): parameter = name
            case .parameter(let name, let value?):
                if names(object: name) { targets += value.texts }
                parameter = nil
            case .value(let value):
                if parameter.map(names) ?? isFirst { targets += value.texts }
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

    private static func short(_ text: String) -> String {
        text.count <= longest ? text : text.prefix(longest) + "…"
    }
}

/// What a script's text tells: syntax tree, variables, modules, changes, and facts for the audit log. It depends on the
/// text alone, so that it is found out once for all calls with the same script.
final class ScriptReading: Sendable {
    let parsed: ParsedScript
    let variables: VariableUse
    let needs: VariableNeeds
    let digest: ScriptDigest
    let modules: ScriptModules
    /// Whether one of its cmdlets changes something in a service.
    let changesSomething: Bool
    /// Whether the script may write files: it does more than ask services and pass on what they answer.
    let mayWriteFiles: Bool

    /// Reads a text.
    init(_ text: String) {
        parsed = PowerShellParser.parse(text)
        let facts = ScriptFacts(of: parsed)
        modules = ScriptModules(parsed, facts)
        variables = VariableUse(parsed)
        changesSomething = ServiceCommands.changeSomething(facts)
        needs = VariableNeeds(parsed, facts, changesSomething: changesSomething)
        digest = ScriptDigest(text, facts)
        mayWriteFiles = Self.mayWriteFiles(facts)
    }

    private static func mayWriteFiles(_ facts: ScriptFacts) -> Bool {
        let classes = CmdletClasses()
        return facts.items.contains { item in
            switch item.detail {
            case .command(let command):
                !command.redirections.isEmpty || !(command.name.map(classes.changesNothing) ?? false)
            case .expression(let redirections): !redirections.isEmpty
            case .call: true
            default: false
            }
        }
    }
}

/// A cache of the readings of recently run scripts.
///
/// Only short scripts that were allowed and only read are kept. Others are rarely repeated, and may hold data that
/// should not stay in memory.
final class ScriptReadings: Sendable {
    private let kept = RecentValues<ExactKey, ScriptReading>(size: 256)
    /// The maximum length of a kept script, in bytes.
    private static let longest = 4 << 10

    /// Returns the reading of a text, from the cache if it is there.
    func reading(of text: String) -> ScriptReading {
        guard text.utf8.count <= Self.longest else { return ScriptReading(text) }
        return kept.value(for: ExactKey(text)) ?? ScriptReading(text)
    }

    /// Keeps the reading of a text that was allowed and only reads.
    func keep(_ reading: ScriptReading, of text: String) {
        if text.utf8.count <= Self.longest { kept.keep(reading, for: ExactKey(text)) }
    }
}
