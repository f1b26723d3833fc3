internal import PowerShellSyntax

extension ScriptWalk {
    /// A function of the script's own: its body is judged where it stands, for any values of its parameters. A name that
    /// means something already, in PowerShell or in a module, would change what later commands do.
    mutating func walk(definition node: FunctionDefinitionSyntax) {
        let name = node.name.asciiLowercased
        let isOwn = isFree(name)
        if !isOwn { report(.functionDefinition, node.extent, subject: node.name) }
        let outer = (scope: scope, awaited: awaited)
        scope = CodeScope()
        awaited = [:]
        // A function may call itself.
        if isOwn { functions[name] = LocalFunction(isChange: functions[name]?.isChange ?? false) }
        let before = (found.count, changes)
        for parameter in node.parameters { walk(functionParameter: parameter) }
        walk(block: node.body, in: .function)
        let isChange = hasChanged(since: before)
        let awaits = awaited ?? [:]
        (scope, awaited) = outer
        if isOwn {
            functions[name] = LocalFunction(
                isChange: isChange || functions[name]?.isChange ?? false, awaits: awaits)
        }
    }

    /// Holds a call of a function to what its body calls: that must be defined by now, or it may be any program.
    mutating func settle(
        awaitedBy name: String, _ function: LocalFunction, _ command: CommandSyntax, isMany: Bool
    ) {
        guard !function.awaits.isEmpty else { return }
        var open = function.awaits
        var seen: Set<String> = [name]
        while let (next, call) = open.popFirst() {
            guard seen.insert(next).inserted else { continue }
            if let known = functions[next] {
                open.merge(known.awaits) { first, second in
                    Await(extent: first.extent, isForMany: first.isForMany || second.isForMany)
                }
                if known.isChange, isMany || call.isForMany { report(bulk(next), command.extent) }
            } else if awaited != nil {
                awaited?[next] = Await(extent: call.extent, isForMany: isMany || call.isForMany)
            } else {
                walkUnknown(next, command)
            }
        }
    }

    /// The functions that a script defines anywhere, in lower case.
    static func definitions(in root: ScriptBlockSyntax) -> Set<String> {
        var names: Set<String> = []
        for statement in (root.body?.statements ?? []) + root.namedBlocks.flatMap(\.block.statements) {
            if case .function(let node) = statement { names.insert(node.name.asciiLowercased) }
        }
        return names
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
        changes > before.changes || found[before.found...].contains { isChange($0.finding) }
    }

    /// Whether a finding is one of a change to something outside of the machine that the script runs on: what the machine's own
    /// commands do, and what can't be read, is asked about where it stands, and no more often for being called often.
    private func isChange(_ finding: GuardFinding) -> Bool {
        guard finding.classes != .read, ConstructRule(rawValue: finding.rule) == nil else { return false }
        if finding.rule == "unknown-command", finding.classes == .write, let name = finding.subject {
            // Without a dash it is no cmdlet of a service, and no other word runs anything natively.
            guard let dash = name.firstIndex(of: "-") else { return !context.isNative }
            if tables.cmdlets.classOfVerb(name[..<dash].asciiLowercased) == .read { return false }
        }
        guard finding.rule == "cmdlet" || finding.rule.hasPrefix("seed-"), let name = finding.subject else {
            return true
        }
        let entries = tables.cmdlets.entries(named: name)
        return entries.isEmpty || !entries.allSatisfy { $0.product == .builtin }
    }

    func isFree(_ name: String) -> Bool {
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
