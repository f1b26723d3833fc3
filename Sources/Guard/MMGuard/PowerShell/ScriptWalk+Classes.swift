internal import MMCore
internal import PowerShellSyntax

extension ScriptWalk {
    /// Reports the class of a known cmdlet, raised by its parameters and, in Graph's modules, by the request it sends.
    mutating func classify(_ call: CommandCall) {
        let entry = call.entry
        // A request that the text doesn't tell is judged when it is sent.
        if context.isBehindWire, entry.lists.contains(.method) { return }
        let sent = entry.product == .graph ? request(of: call) : nil
        var classes = sent?.overrides ?? false ? GuardClassSet.write : entry.classes
        var reasons: [String] = []
        for raise in call.command.raises where holds(raise, call) {
            classes.formUnion(raise.classes)
            reasons.append("-\(raise.parameter) (\(raise.reason))")
        }
        if let sent, sent.found.classes != .read {
            classes.formUnion(sent.found.classes)
            if sent.found.classes != .write { reasons.append(sent.found.why) }
        }
        // This parameter counts on any command.
        let forwards = call.arguments.contains {
            $0.mayBe("forwardingsmtpaddress") && ($0.written?.count ?? 0) > 9
        }
        if forwards { classes.insert(.external) }
        let writesFile = !context.isBehindWire && call.writesLocalFile
        if writesFile {
            classes.insert(.write)
            reasons.append("a file on this machine")
        }
        let isPreview = call.isPreview(isBehindWire: context.isBehindWire)
        if isPreview || call.isOnDataFile { classes = .read }
        if entry.product == .builtin, !classes.isDisjoint(with: [.privilege, .session]) { givesNames = true }
        let isForwardRule =
            entry.isNamed("set-inboxrule")
            && call.arguments.contains { $0.written?.asciiLowercased.contains("forward") ?? false }
        let kind: GuardFinding.Kind =
            if entry.lists.contains(.blocked) { .blocked } else if isMissing(entry) {
                .missing
            } else if isPreview, context.isBehindWire {
                .classified
            } else if entry.lists.contains(.sendGuard) {
                .sendGuard
            } else if entry.lists.contains(.warned) || forwards || isForwardRule {
                .warned
            } else if entry.lists.contains(.unproven) || (sent.map { !$0.found.isKnown && classes == .write } ?? false)
            {
                .unknown
            } else { .classified }
        if classes != .read {
            if entry.product != .builtin {
                changes += 1
                countTargets(of: call)
            }
        }
        let isRead = classes == .read && kind == .classified
        guard !isRead || !tables.user.rules.isEmpty else { return }
        let isBulk =
            classes != .read && entry.product != .builtin
            && (isForMany(place: call.place, input: call.input) || call.hasWideIdentity)
        if isRepeated(rule(of: entry, kind: kind), classes, kind), !isBulk, tables.user.rules.isEmpty { return }
        // A service's cmdlet only sends, and the wire of a dry run lets nothing through; who is signed in stays all the same.
        let isHeldBack =
            context.isDryRun && entry.product != .builtin && !writesFile && !classes.contains(.session)
            && kind != .blocked && kind != .missing
        if classes.contains(.send), !isHeldBack { report(preview(of: call), call.extent) }
        let words = (tables.cmdlets.reasons(of: entry).filter { $0 != "verb-lies" && $0 != "local" } + reasons)
        let finding = GuardFinding(
            rule: rule(of: entry, kind: kind), classes: classes.subtracting(kind == .unknown ? .read : []).orWrite,
            kind: kind, reason: reason(entry, kind: kind, classes: classes, words: words),
            instead: instead(entry, kind: kind, classes: classes), subject: entry.name)
        var findings = isRead || isHeldBack ? [] : [finding]
        if isBulk, !isHeldBack { findings.append(bulk(entry.name)) }
        reportCommand(findings, named: entry.name, bound: call.arguments, call.extent)
    }

    /// Counts what a command changes: as often as it runs, for what comes in.
    mutating func countTargets(of call: CommandCall) {
        let times = ValueFacts.product(repeats, call.place > 0 ? call.input.count : 1)
        targets.add(call.entry.name, times: times, at: call.extent)
    }

    /// The finding for a change to many objects.
    func bulk(_ name: String) -> GuardFinding {
        .bulk(name, instead: "Count them first with the reading part alone, then let a person confirm the number.")
    }

    private func reason(
        _ entry: CmdletEntry, kind: GuardFinding.Kind, classes: GuardClassSet, words: [String]
    ) -> String {
        let why = words.isEmpty ? "" : " (\(words.joined(separator: ", ")))"
        if kind == .unknown {
            return "\(entry.name): no table tells the request that it sends, and its verb alone proves nothing\(why)."
        }
        if entry.product == .builtin, let own = BuiltinReasons.reason(entry.name) { return "\(entry.name) \(own)." }
        return "\(entry.name) \(classes.strictest.meaning)\(why)."
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

    private func rule(of entry: CmdletEntry, kind: GuardFinding.Kind) -> String {
        switch kind {
        case .blocked: "seed-blocked"
        case .warned: "seed-warned"
        case .sendGuard: "seed-send"
        case .missing: "module-missing"
        case .unknown: "unproven-command"
        case .classified, .dynamic, .broken: "cmdlet"
        }
    }

    private func instead(_ entry: CmdletEntry, kind: GuardFinding.Kind, classes: GuardClassSet) -> String? {
        switch kind {
        case .blocked: return "A person does this with their own tools, outside of this server."
        case .missing: return "Its module is not installed: use Invoke-AzRestMethod with the resource's path."
        case .sendGuard: return "Show the message to the person and let them confirm it."
        case .unknown: return "Send the request itself, with method and path, or let a person confirm it."
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

    // MARK: Raising parameters

    private func holds(_ raise: CmdletRaise, _ call: CommandCall) -> Bool {
        let name = raise.folded
        var isNamed = false
        for (index, argument) in call.arguments.enumerated() where argument.mayBe(name) {
            if raise.condition.holds(argument.value == nil ? nil : call.constant(index)) { return true }
            isNamed = true
        }
        if isNamed { return false }
        if call.place > 0, let own = call.command.parameters,
            own.contains(where: { $0.takesPipeline && $0.isNamed(name) })
        {
            return true
        }
        // For commands without a parameter table: a positional value that is one of the raising ones.
        guard !call.hasTable, case .values = raise.condition else { return false }
        return call.arguments.indices.contains { index in
            call.arguments[index].written == nil && call.constant(index) != .dynamic
                && raise.condition.holds(call.constant(index))
        }
    }
}

extension GuardClassSet {
    /// The same, and write where nothing is left.
    fileprivate var orWrite: GuardClassSet { isEmpty ? .write : self }
}
