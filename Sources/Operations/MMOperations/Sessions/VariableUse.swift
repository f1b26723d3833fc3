import PowerShellSyntax

/// The variables that a script reads from its session, and those it leaves there.
struct VariableUse: Sendable {
    /// Names in small letters that are mentioned before the script itself has set them.
    private(set) var reads: Set<String> = []
    /// Names in small letters that the script sets.
    private(set) var sets: Set<String> = []

    /// The variables of a script. Within one statement a mention counts as reading: `$x = $x + 1` does both.
    init(_ script: ParsedScript) {
        let facts = ScriptFacts(of: script)
        // The script's own parameters are set before its first statement.
        for parameter in script.root?.parameterBlock?.parameters ?? [] {
            sets.insert(parameter.variable.path.name.lowercased())
        }
        let ends = (script.root?.body?.statements ?? []).map(\.extent.end)
        var statement = 0
        var pending: Set<String> = []
        // The target of an assignment is listed as a mention as well, at the same place.
        var targets: Set<Int> = []
        var loops = Self.loops(in: script.root?.body?.statements ?? []).sorted { $0.body < $1.body }[...]
        for item in facts.items {
            if case .set(let path, let by) = item.detail, path.isVariable, by == "Equals" || by == "foreach" {
                targets.insert(item.extent.start)
            }
        }
        for item in facts.items {
            while statement < ends.count, item.extent.start >= ends[statement] {
                sets.formUnion(pending)
                pending = []
                statement += 1
            }
            while let loop = loops.first, item.extent.start >= loop.body {
                sets.insert(loop.name)
                loops.removeFirst()
            }
            switch item.detail {
            case .set(let path, _) where path.isVariable: pending.insert(path.name.lowercased())
            case .variable(let path, _) where path.isVariable && !targets.contains(item.extent.start):
                let name = path.name.lowercased()
                if !sets.contains(name) { reads.insert(name) }
            case .command(let command): pending.formUnion(Self.written(by: command))
            default: continue
            }
        }
        sets.formUnion(pending)
    }

    /// The variables of `foreach`, with where the body begins in which each is set.
    private static func loops(in statements: [StatementSyntax]) -> [(name: String, body: Int)] {
        statements.flatMap { statement -> [(name: String, body: Int)] in
            guard case .forEach(let loop) = statement, loop.variable.path.isVariable else { return [] }
            return [(loop.variable.path.name.lowercased(), loop.body.extent.start)]
                + Self.loops(in: loop.body.statements)
        }
    }

    /// Names that a command writes by name: `Set-Variable x`, `-OutVariable x`.
    static func written(by command: CommandFact) -> Set<String> {
        var names: Set<String> = []
        let isSetter = ["set-variable", "new-variable", "sv", "nv", "set"].contains(command.name?.lowercased() ?? "")
        var expects = isSetter
        for argument in command.arguments {
            switch argument {
            case .parameter(let name, let value):
                let lower = name.lowercased()
                expects =
                    lower.hasSuffix("variable") || ["ov", "ev", "wv", "iv", "pv"].contains(lower)
                    || isSetter && lower == "name"
                if expects, case .string(let text)? = value { names.insert(text.lowercased()) }
            case .value(let value):
                if expects, case .string(let text) = value {
                    names.insert(text.lowercased().filter { $0 != "+" })
                }
                expects = false
            }
        }
        return names
    }
}
