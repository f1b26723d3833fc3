internal import PowerShellSyntax

extension ScriptWalk {
    private static let longestSaidText = 20_000

    /// Judges a text that the script runs as code, if the text is known. Its findings are reported as if the text stood
    /// in the script; for what only shows at run time, the construct that runs it has a finding of its own.
    mutating func walk(saidBy facts: ValueFacts, at extent: SourceExtent) {
        for text in facts.texts ?? [] where text.utf8.count <= Self.longestSaidText {
            guard let root = PowerShellParser.parse(text).root, enter(extent) else { continue }
            defer { depth -= 1 }
            var inner = self
            inner.found = []
            inner.kinds = []
            // The exception for scripts that only install modules applies to the written script only.
            inner.onlyInstalls = false
            inner.walk(block: root, in: .script)
            (changes, scope.most) = (inner.changes, inner.scope.most)
            for one in inner.found where one.finding.kind != .dynamic { report(one.finding, extent) }
        }
    }

    /// Judges the command whose name a value holds.
    mutating func walk(namedBy facts: ValueFacts, at extent: SourceExtent) {
        guard let names = facts.texts?.filter({ isPlainName($0.filter { $0 != "-" }) }), !names.isEmpty else { return }
        walk(saidBy: ValueFacts(kinds: facts.kinds, count: facts.count, texts: names), at: extent)
    }

    /// Judges the text that `Invoke-Expression` runs, and the commands for which aliases are defined.
    mutating func walkSaid(_ call: CommandCall) {
        switch call.command.name {
        case "invoke-expression":
            for index in call.indices(["command"]) { walk(saidBy: call.values[index], at: call.extent) }
            if call.place > 0 { walk(saidBy: call.input, at: call.extent) }
        case "set-alias", "new-alias":
            for index in call.indices(["value"]) { walk(namedBy: call.values[index], at: call.extent) }
        default: break
        }
    }
}
