internal import MMCore
internal import PowerShellSyntax

extension ScriptWalk {
    /// Reports the class of a known cmdlet, raised by its parameters.
    /// - Parameter place: the place in the pipeline: behind the first, properties of what comes in bind by name.
    mutating func classify(_ command: CommandSyntax, entry: CmdletEntry, bound: [BoundArgument], place: Int) {
        var classes = entry.classes
        var reasons: [String] = []
        for raise in tables.cmdlets.raises(of: entry) where holds(raise, bound: bound, entry: entry, place: place) {
            classes.formUnion(raise.classes)
            reasons.append("-\(raise.parameter) (\(raise.reason))")
        }
        // The seed looks for this parameter on any command.
        let forwards = bound.contains { $0.mayBe("forwardingsmtpaddress") && ($0.written?.count ?? 0) > 9 }
        if forwards { classes.insert(.external) }
        if writesLocalFile(bound, entry: entry) {
            classes.insert(.write)
            reasons.append("a file on this machine")
        }
        if isWhatIf(bound, entry: entry) || readsDataFile(bound, entry: entry) { classes = .read }
        let isForwardRule =
            entry.isNamed("set-inboxrule")
            && bound.contains { $0.written?.asciiLowercased.contains("forward") ?? false }
        let kind: GuardFinding.Kind =
            if entry.lists.contains(.blocked) { .blocked } else if isMissing(entry) {
                .missing
            } else if entry.lists.contains(.sendGuard) {
                .sendGuard
            } else if entry.lists.contains(.warned) || forwards || isForwardRule { .warned } else { .classified }
        let isRead = classes == .read && kind == .classified
        guard !isRead || !tables.user.rules.isEmpty else { return }
        let isBulk = !hasBulk && classes != .read && entry.product != .builtin && (isBulk || hasWideIdentity(bound))
        if isBulk { hasBulk = true }
        if isRepeated(rule(of: entry, kind: kind), classes, kind), !isBulk, tables.user.rules.isEmpty { return }
        if classes.contains(.send), previews.count < 20 { previews.append(SendPreview(of: entry.name, bound: bound)) }
        let words = (tables.cmdlets.reasons(of: entry).filter { $0 != "verb-lies" && $0 != "local" } + reasons)
        let why = words.isEmpty ? "" : " (\(words.joined(separator: ", ")))"
        let finding = GuardFinding(
            rule: rule(of: entry, kind: kind), classes: classes, kind: kind,
            reason: "\(entry.name) \(classes.strictest.meaning)\(why).",
            instead: instead(entry, kind: kind, classes: classes), subject: entry.name)
        var findings = isRead ? [] : [finding]
        if isBulk {
            findings.append(
                GuardFinding(
                    rule: "bulk", classes: .write, reason: "\(entry.name) would change many objects at once.",
                    instead: "Count them first with the reading part alone, then let a person confirm the number.",
                    subject: entry.name, atLeast: .ask))
        }
        reportCommand(findings, named: entry.name, bound: bound, command.extent)
    }

    /// Reports what a command is, after the user's rules.
    func reportedFindings(_ findings: [GuardFinding], named name: String, parameters: [String]) -> [GuardFinding] {
        tables.user.rules.isEmpty ? findings : tables.user.apply(to: findings, command: name, parameters: parameters)
    }

    private mutating func reportCommand(
        _ findings: [GuardFinding], named name: String, bound: [BoundArgument], _ extent: SourceExtent
    ) {
        let written = bound.compactMap(\.written)
        for finding in reportedFindings(findings, named: name, parameters: written) { report(finding, extent) }
    }

    private var isBulk: Bool {
        sources.contains { BulkSource.isMany($0, tables: tables, variables: values) }
    }

    private func hasWideIdentity(_ bound: [BoundArgument]) -> Bool {
        bound.contains { argument in
            guard argument.written == nil || argument.name == "identity" else { return false }
            return ConstantValue(argument.value).texts?.contains { $0 == "*" } ?? false
        }
    }

    private func rule(of entry: CmdletEntry, kind: GuardFinding.Kind) -> String {
        switch kind {
        case .blocked: "seed-blocked"
        case .warned: "seed-warned"
        case .sendGuard: "seed-send"
        case .missing: "module-missing"
        case .classified, .dynamic, .unknown: "cmdlet"
        }
    }

    private func instead(_ entry: CmdletEntry, kind: GuardFinding.Kind, classes: GuardClassSet) -> String? {
        switch kind {
        case .blocked: return "A person does this with their own tools, outside of this server."
        case .missing: return "Its module is not installed: use Invoke-AzRestMethod with the resource's path."
        case .sendGuard: return "Show the message to the person and let them confirm it."
        default: break
        }
        switch classes.strictest {
        case .session: return "Sign-in belongs to the server: use its login and reset tools."
        case .secret: return "Ask for the object without its secret, or let a person confirm it."
        case .read, .write: return nil
        default: return "Let a person confirm it; show them what it changes."
        }
    }

    private func isMissing(_ entry: CmdletEntry) -> Bool {
        guard entry.product == .azure, let installed = context.installedAzureModules else { return false }
        let module = tables.cmdlets.module(of: entry)
        return !module.isEmpty && !installed.contains { $0.asciiLowercased == module.asciiLowercased }
    }

    /// `-WhatIf` makes a call a read only where the documentation says that the cmdlet honours it, and only when it is
    /// plainly set.
    private func isWhatIf(_ bound: [BoundArgument], entry: CmdletEntry) -> Bool {
        guard entry.product == .exchange, entry.services == 1, entry.support & 1 != 0 else { return false }
        let settings = bound.filter { ["whatif", "wi"].contains($0.written?.asciiLowercased ?? "") }
        guard settings.count == 1, let only = settings.first else { return false }
        return only.value == nil || ConstantValue(only.value) == .bool(true)
    }

    /// A data file of the working folder is no secret: sessions put it there.
    private func readsDataFile(_ bound: [BoundArgument], entry: CmdletEntry) -> Bool {
        guard entry.product == .builtin, ["get-content", "import-csv", "import-clixml"].contains(where: entry.isNamed)
        else {
            return false
        }
        let named = bound.filter { ["path", "literalpath"].contains(where: $0.mayBe) }
        let paths = named.isEmpty ? bound.filter { $0.written == nil }.prefix(1) : named[...]
        return !paths.isEmpty
            && paths.allSatisfy { ConstantValue($0.value).texts?.allSatisfy(LocalPath.isDataFile) ?? false }
    }

    /// Read commands that can leave a file behind.
    func writesLocalFile(_ bound: [BoundArgument], entry: CmdletEntry) -> Bool {
        guard entry.product != .builtin, entry.classes == .read else { return false }
        let names = [
            "asfile", "outfile", "outputfile", "outputpath", "out", "exportpath", "destinationpath", "destination",
            "filename", "targetpath", "outputfilepath", "outputfolder",
        ]
        let verb = entry.name.prefix { $0 != "-" }.asciiLowercased
        let isExport = ["export", "save", "backup", "receive"].contains(verb)
        return bound.contains { argument in
            guard let written = argument.written?.asciiLowercased else { return false }
            let name = argument.name ?? written
            return names.contains(name) || (isExport && name.hasSuffix("path"))
        }
    }

    // MARK: Raising parameters

    private func holds(_ raise: CmdletRaise, bound: [BoundArgument], entry: CmdletEntry, place: Int) -> Bool {
        let name = raise.parameter.asciiLowercased
        var isNamed = false
        for argument in bound where argument.mayBe(name) {
            if holds(raise.condition, value: argument.value) { return true }
            isNamed = true
        }
        if place > 0, !isNamed, let own = tables.cmdlets.parameters(of: entry),
            own.contains(where: { $0.takesPipeline && $0.isNamed(name) })
        {
            return true
        }
        // A value without a name may be this one.
        let positional = bound.filter { $0.written == nil }
        guard !positional.isEmpty, let own = tables.cmdlets.parameters(of: entry) else {
            return !positional.isEmpty && entry.hasParameters == false && isMatchingValue(raise.condition, positional)
        }
        let places = Set(own.map(\.position).filter { $0 >= 0 }).sorted()
        for parameter in own where parameter.position >= 0 && parameter.isNamed(name) {
            guard let rank = places.firstIndex(of: parameter.position) else { continue }
            // Named parameters of the same places shift the rest forward.
            for argument in positional.prefix(rank + 1) where holds(raise.condition, value: argument.value) {
                return true
            }
        }
        return false
    }

    /// For commands without a parameter table: a positional value that is one of the raising ones.
    private func isMatchingValue(_ condition: CmdletRaise.Condition, _ positional: [BoundArgument]) -> Bool {
        guard case .values = condition else { return false }
        return positional.contains { ConstantValue($0.value) != .dynamic && holds(condition, value: $0.value) }
    }

    private func holds(_ condition: CmdletRaise.Condition, value: ExpressionSyntax?) -> Bool {
        condition.holds(value.map(ConstantValue.init))
    }
}
