internal import PowerShellSyntax

extension ScriptWalk {
    /// A function of the script's own: its body is judged where it stands, for any values of its parameters. A name that
    /// means something already, in PowerShell or in a module, would change what later commands do.
    mutating func walk(definition node: FunctionDefinitionSyntax) {
        let name = node.name.asciiLowercased
        let isOwn = isFree(name)
        if !isOwn { report(.functionDefinition, node.extent, subject: node.name) }
        let outer = scope
        scope = CodeScope()
        // A function may call itself.
        if isOwn { functions[name] = LocalFunction(isChange: functions[name]?.isChange ?? false) }
        let before = (found.count, changes)
        for parameter in node.parameters { walk(functionParameter: parameter) }
        walk(block: node.body, in: .function)
        let isChange = hasChanged(since: before)
        scope = outer
        if isOwn { functions[name] = LocalFunction(isChange: isChange || functions[name]?.isChange ?? false) }
    }

    /// A block that a variable holds: its body is judged where it stands, for any values, like that of a function.
    mutating func judged(_ block: ScriptBlockSyntax) -> LocalFunction {
        let outer = scope
        scope = CodeScope(items: [.unknown])
        let before = (found.count, changes)
        walk(block: block, in: .function)
        scope = outer
        return LocalFunction(isChange: hasChanged(since: before))
    }

    /// Whether anything that changes something was found since then.
    func hasChanged(since before: (found: Int, changes: Int)) -> Bool {
        changes > before.changes || found[before.found...].contains { $0.finding.classes != .read }
    }

    private func isFree(_ name: String) -> Bool {
        let isPlain = name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x5f || $0 == 0x2d
        }
        let hooks = ["prompt", "tabexpansion2", "pause", "oss", "mkdir", "exec", "help", "more", "cd..", "clear-host"]
        return isPlain && !name.isEmpty && tables.cmdlets.entries(named: name).isEmpty
            && tables.cmdlets.alias(name) == nil && tables.cmdlets.windowsAlias(name) == nil
            && tables.cmdlets.entries(named: "get-" + name).isEmpty && !hooks.contains(name)
            && !name.hasPrefix("psconsolehost")
    }
}
