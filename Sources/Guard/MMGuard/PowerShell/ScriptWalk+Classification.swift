internal import MMCore
internal import PowerShellSyntax

extension ScriptWalk {
    /// Reports the class of a known cmdlet, with the classes that its parameters and, in Graph's modules, its request
    /// add.
    mutating func classify(_ call: CommandCall) {
        let entry = call.entry
        // A request that the text doesn't determine is judged when it is sent.
        if context.isBehindWire, entry.lists.contains(.method) { return }
        let sent = entry.product == .graph ? request(of: call) : nil
        var classes =
            sent.flatMap { $0.overrides ? ($0.found.classes == .read ? .read : .write) : nil } ?? entry.classes
        var reasons: [String] = []
        for raise in call.command.raises where holds(raise, call) {
            classes.formUnion(raise.classes)
            reasons.append("-\(raise.parameter): \(raise.reason)")
        }
        if let sent, sent.found.classes != .read {
            classes.formUnion(sent.found.classes)
            if sent.found.classes != .write { reasons.append(sent.found.why) }
        }
        // This parameter has the same effect on any command.
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
        if isPreview || call.isOnDataFile || call.made != nil { classes = .read }
        if entry.product == .builtin, !classes.isDisjoint(with: [.privilege, .session]) { givesNames = true }
        let isProven = sent?.found.isKnown ?? false
        let isUnknown = !isProven && (entry.lists.contains(.unproven) || sent != nil && classes == .write)
        let kind = kind(of: call, isPreview: isPreview, forwards: forwards, isUnknown: isUnknown)
        var many: GuardFinding?
        if classes != .read, entry.product != .builtin {
            many = change(by: entry.name, times: runs(place: call.place, input: call.input), at: call.extent)
            if call.hasWideIdentity { many = bulk(entry.name) }
        }
        let isRead = classes == .read && kind == .classified
        guard !isRead || !tables.user.rules.isEmpty else { return }
        if isRepeated(rule(of: kind), classes, kind), many == nil, tables.user.rules.isEmpty { return }
        // A service's cmdlet has no effect besides its requests, which a dry run holds back. A change of the sign-in
        // has an effect all the same.
        let isHeldBack =
            context.isDryRun && entry.product != .builtin && !writesFile && !classes.contains(.session)
            && kind != .blocked && kind != .missing
        if classes.contains(.send), !isHeldBack { report(preview(of: call), call.extent) }
        // What the call says of itself tells a person more than all that the cmdlet may be for.
        let words = reasons.isEmpty ? tables.cmdlets.reasons(of: entry) : reasons
        let finding = GuardFinding(
            rule: rule(of: kind), classes: classes.subtracting(kind == .unknown ? .read : []).orWrite,
            kind: kind, reason: reason(entry, kind: kind, classes: classes, words: words),
            instead: instead(kind, classes), subject: entry.name)
        var findings = isRead || isHeldBack ? [] : [finding]
        if let many { findings.append(many) }
        reportCommand(findings, named: entry.name, bound: call.arguments, call.extent)
    }

    /// Returns the kind of finding that a call of a known cmdlet is, by the lists that the cmdlet is on.
    /// - Parameter isUnknown: whether nothing is known about what it does.
    private func kind(of call: CommandCall, isPreview: Bool, forwards: Bool, isUnknown: Bool) -> GuardFinding.Kind {
        let entry = call.entry
        if entry.lists.contains(.blocked) { return .blocked }
        if isMissing(entry) { return .missing }
        if entry.lists.contains(.earlierBlocked) { return .earlierBlocked }
        if isPreview, context.isBehindWire { return .classified }
        if entry.lists.contains(.sendGuard) { return .sendGuard }
        let isForwardRule =
            entry.isNamed("set-inboxrule")
            && call.arguments.contains { $0.written?.asciiLowercased.contains("forward") ?? false }
        if entry.lists.contains(.warned) || forwards || isForwardRule { return .warned }
        return isUnknown ? .unknown : .classified
    }

    /// Notes that a command changes objects of a service.
    /// - Parameter times: how often it runs at most.
    /// - Returns: the finding for a change to many.
    mutating func change(by name: String, times: Int, at extent: SourceExtent) -> GuardFinding? {
        changes += 1
        scope.most = max(scope.most, times)
        targets.add(name, times: times, at: extent)
        return times > TargetCount.few ? bulk(name) : nil
    }

    /// Returns the finding for a change to many objects; `nil` in a dry run, which changes none.
    func bulk(_ name: String) -> GuardFinding? {
        guard !context.isDryRun else { return nil }
        return .bulk(
            name, instead: "First count the objects with a command that only reads, then ask a person to confirm.")
    }

    private func reason(
        _ entry: CmdletEntry, kind: GuardFinding.Kind, classes: GuardClassSet, words: [String]
    ) -> String {
        let why = words.isEmpty ? "" : " (\(words.joined(separator: "; ")))"
        if kind == .unknown {
            return "\(entry.name): its request is unknown, and its verb is not enough to judge it\(why)."
        }
        if entry.product == .builtin {
            return "\(entry.name) \(BuiltinReasons.reason(entry.name, classes.strictest))."
        }
        return "\(entry.name) \(classes.strictest.meaning)\(why)."
    }

    /// Returns the findings for a command, after the user's rules have been applied.
    func reportedFindings(_ findings: [GuardFinding], named name: String, parameters: [String]) -> [GuardFinding] {
        tables.user.rules.isEmpty ? findings : tables.user.apply(to: findings, command: name, parameters: parameters)
    }

    private mutating func reportCommand(
        _ findings: [GuardFinding], named name: String, bound: [BoundArgument], _ extent: SourceExtent
    ) {
        let written = bound.compactMap(\.written)
        for finding in reportedFindings(findings, named: name, parameters: written) { report(finding, extent) }
    }

    private func rule(of kind: GuardFinding.Kind) -> String {
        switch kind {
        case .blocked: "seed-blocked"
        case .earlierBlocked: "seed-blocked-names"
        case .warned: "seed-warned"
        case .sendGuard: "seed-send"
        case .missing: "module-missing"
        case .unknown: "unproven-command"
        case .classified, .dynamic, .broken: "cmdlet"
        }
    }

    /// What to do in place of signing in or out.
    static let signInTools = "The server handles sign-ins: use its login and reset tools."

    private func instead(_ kind: GuardFinding.Kind, _ classes: GuardClassSet) -> String? {
        switch kind {
        case .blocked: return "A person must do this with their own tools, outside this server."
        case .missing: return "Its module is not installed: use Invoke-AzRestMethod with the resource's path."
        case .unknown: return "Send the request directly, with method and path."
        default: break
        }
        switch classes.strictest {
        case .session: return Self.signInTools
        case .secret: return "Read the object without its secret."
        default: return nil
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
        // The command has no parameter table, so any positional value may belong to the parameter that adds a class.
        guard !call.hasTable, case .values = raise.condition else { return false }
        return call.arguments.indices.contains { index in
            call.arguments[index].written == nil && call.constant(index) != .dynamic
                && raise.condition.holds(call.constant(index))
        }
    }
}

extension GuardClassSet {
    /// The same set, or `write` if it is empty.
    fileprivate var orWrite: GuardClassSet { isEmpty ? .write : self }
}
