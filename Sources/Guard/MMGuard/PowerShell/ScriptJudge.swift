import MMCore
import PowerShellSyntax

/// Judges a script by its syntax tree.
struct ScriptJudge: Sendable {
    let tables: GuardTables
    /// The rules that are switched off, in tests only.
    var muted: Set<ConstructRule> = []

    /// The maximum length of a script, in UTF-16 code units; longer ones are not judged.
    static let longest = 2 << 20

    /// - Parameter parsed: the tree of this same text, if it is known already.
    func judge(
        _ source: String, parsed: ParsedScript? = nil, context: ScriptContext, policy: GuardPolicy, confirmed: Bool
    ) -> Verdict {
        judged(source, parsed: parsed, context: context, policy: policy, confirmed: confirmed).verdict
    }

    /// Returns the verdict, and the session's memory after the script has run.
    func judged(
        _ source: String, parsed: ParsedScript?, context: ScriptContext, policy: GuardPolicy, confirmed: Bool
    ) -> (verdict: Verdict, memory: SessionMemory) {
        var walk = ScriptWalk(tables: tables, context: context, muted: muted)
        // Without a tree nothing is known about the script.
        inspect(source, parsed, &walk)
        // What a part further below sets may be read above it, so the walk begins anew with the names of all of them.
        while !walk.setElsewhere.isSubset(of: walk.variables.shared) {
            walk = ScriptWalk(
                tables: tables, context: context, muted: muted,
                shared: walk.setElsewhere.union(walk.variables.shared))
            inspect(source, parsed, &walk)
        }
        let text = walk.found.isEmpty ? nil : SourceLines(source)
        var seen: Set<Seen> = []
        // A loop is walked several times and reports the same findings again.
        let findings = walk.found.filter { seen.insert(Seen($0)).inserted }.compactMap { found -> GuardFinding? in
            let kept =
                context.isBehindWire
                ? BehindWire.kept(found.finding, tables.cmdlets, isDryRun: context.isDryRun, isNative: context.isNative)
                : found.finding
            guard var finding = kept else { return nil }
            finding.place = text?.place(found.extent)
            return finding
        }
        var verdict = Verdict(
            findings: tables.user.apply(to: findings), policy: policy, confirmed: confirmed,
            previews: walk.previews.map(\.preview))
        // Unreadable code may do anything any number of times, and the calls of functions aren't counted.
        let isRead =
            walk.defined.isEmpty
            && !walk.found.contains { $0.finding.kind == .dynamic || $0.finding.kind == .unknown }
        if isRead { verdict.counted = walk.targets.known }
        verdict.notes = walk.notes
        return (verdict, context.memory.after(walk, isConfirmed: verdict.decision == .ask))
    }

    private struct Seen: Hashable {
        let rule: String
        let subject: String?
        let extent: SourceExtent
        let classes: GuardClassSet

        init(_ found: ScriptWalk.Found) {
            (rule, subject) = (found.finding.rule, found.finding.subject)
            (extent, classes) = (found.extent, found.finding.classes)
        }
    }

    private func inspect(_ source: String, _ parsed: ParsedScript?, _ walk: inout ScriptWalk) {
        let length = source.utf16.count
        if walk.context.isTainted, !muted.contains(.unparsed) {
            walk.report(
                GuardFinding(
                    rule: "tainted-session", classes: .write, kind: .dynamic,
                    reason: walk.context.memory.wasConfirmed
                        ? "This session ran code that a person confirmed but the guard could not analyse, so commands may have been redefined."
                        : "This session ran code that the guard could not analyse, so commands may have been redefined.",
                    instead: "Reset the session, then run this again."),
                SourceExtent(start: 0, end: 0))
        }
        guard length <= Self.longest || muted.contains(.tooLong) else {
            return walk.report(.tooLong, SourceExtent(start: 0, end: 0))
        }
        let script = parsed ?? PowerShellParser.parse(source)
        if let offset = hiddenCharacter(source, comments: script.comments) {
            walk.report(.hiddenCharacters, SourceExtent(start: offset, end: offset + 1))
        }
        guard let root = script.root else {
            return inspect(script.errors.first, &walk)
        }
        if let requirements = script.requirements,
            walk.context.signIn == nil || !KnownPackages.satisfy(requirements, natively: walk.context.isNative)
        {
            walk.report(.requires, SourceExtent(start: 0, end: 0))
        }
        walk.walk(root)
        walk.useNamedTypes(in: source)
        walk.reportRecursion()
    }

    /// Reports a text without a tree: PowerShell itself would reject it, or it is too complicated for this parser.
    private func inspect(_ error: ParseError?, _ walk: inout ScriptWalk) {
        let extent = error?.extent ?? SourceExtent(start: 0, end: 0)
        guard let error, error.isOfPowerShell else { return walk.report(.tooDeep, extent) }
        guard !muted.contains(.unparsed) else { return }
        if ["TypeNotFound", "CustomAttributeTypeNotFound", "ModuleNotFoundDuringParse"].contains(error.id) {
            // PowerShell knows the modules of the session, and their types.
            walk.givesNames = true
            return walk.report(
                GuardFinding(
                    rule: ConstructRule.unparsed.rawValue, classes: .write, kind: .dynamic,
                    reason: "It names a type or a module that only the session may have, so the text can't be judged.",
                    instead: "Leave it out, or write the steps without a class."), extent)
        }
        walk.report(
            GuardFinding(
                rule: ConstructRule.unparsed.rawValue, classes: .write, kind: .broken,
                reason: "PowerShell can't run this text: \(error.words).",
                instead: error.id == "RedirectionNotSupported"
                    ? "Write a value in the place of a placeholder such as <name>, without the brackets."
                    : ConstructRule.unparsed.instead,
                subject: error.id), extent)
    }

    /// Returns the offset of the first invisible character: a format character, NUL or byte order mark. In a comment,
    /// where text copied from a web page often leaves some, only those count that show its text in another order.
    private func hiddenCharacter(_ source: String, comments: [Range<Int>]) -> Int? {
        // Plain ASCII, as nearly all scripts are, contains none.
        let isPlain = source.utf8.withContiguousStorageIfAvailable { bytes in
            for byte in bytes where byte >= 0x80 || byte == 0 { return false }
            return true
        }
        if isPlain == true { return nil }
        var offset = 0
        var before: Unicode.Scalar?
        var joiner: Int?
        for scalar in source.unicodeScalars {
            if let joiner, !Self.isPicture(scalar) { return joiner }
            joiner = nil
            if scalar.value == 0x200D, let before, Self.isPicture(before) || before.value == 0xFE0F {
                // A joiner is allowed where it combines two emoji into one.
                joiner = offset
            } else if scalar.value == 0 || (scalar.value >= 0x80 && scalar.properties.generalCategory == .format),
                !Self.hasNoWidth(scalar) || !comments.contains(where: { $0.contains(offset) })
            {
                return offset
            }
            offset += scalar.value > 0xffff ? 2 : 1
            before = scalar
        }
        return joiner
    }

    /// Returns whether a character is invisible and nothing else: spaces and joiners of no width.
    private static func hasNoWidth(_ scalar: Unicode.Scalar) -> Bool {
        [0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF].contains(scalar.value)
    }

    private static func isPicture(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value > 0x2000 && scalar.properties.isEmoji
    }
}

/// The text of a script with access by UTF-16 offsets, for showing positions.
struct SourceLines {
    private let units: [UInt16]
    private let lineStarts: [Int]
    private static let longestText = 200
    private static let longestLine = 400

    init(_ source: String) {
        units = Array(source.utf16)
        var starts = [0]
        var position = 0
        while position < units.count {
            switch units[position] {
            case 13:
                if position + 1 < units.count, units[position + 1] == 10 { position += 1 }
                starts.append(position + 1)
            case 10: starts.append(position + 1)
            default: break
            }
            position += 1
        }
        lineStarts = starts
    }

    /// Returns the position of an extent.
    func place(_ extent: SourceExtent) -> SourcePlace {
        let start = min(max(extent.start, 0), units.count)
        let end = min(max(extent.end, start), units.count)
        var low = 0
        var high = lineStarts.count
        while low + 1 < high {
            let middle = (low + high) / 2
            if lineStarts[middle] <= start { low = middle } else { high = middle }
        }
        let lineStart = lineStarts[low]
        var lineEnd = low + 1 < lineStarts.count ? lineStarts[low + 1] : units.count
        while lineEnd > lineStart, units[lineEnd - 1] == 10 || units[lineEnd - 1] == 13 { lineEnd -= 1 }
        return SourcePlace(
            line: low + 1, column: start - lineStart + 1, offset: start, length: end - start,
            text: text(start, min(end, start + Self.longestText)),
            lineText: text(lineStart, min(lineEnd, lineStart + Self.longestLine)))
    }

    private func text(_ start: Int, _ end: Int) -> String {
        start < end ? PowerShellSyntax.SourceText.string(units[start..<end]) : ""
    }
}

/// The findings that still matter for a script whose session is confined and can only reach the network through the
/// proxy.
///
/// A script's text needn't prove what it does there: what it sends is judged when it is sent, and its effects on the
/// machine end at the confinement. The text still shows the intention, so what it states plainly requires confirmation
/// before anything starts.
enum BehindWire {
    /// What stops the effects that a construct could hide.
    enum Keeper: Sendable {
        /// The judge of requests: whatever runs there can only send requests.
        case wire
        /// The confinement of the session: its files, programs and variables are its own, and it has no tokens.
        case walls
    }

    /// Returns a finding as it counts in such a session; `nil` if it requires no confirmation.
    /// - Parameters:
    ///   - isDryRun: whether the proxy holds back all changes.
    ///   - isNative: whether the native engine runs it in place of PowerShell, so that its built-in commands only
    ///     affect the run itself.
    static func kept(
        _ finding: GuardFinding, _ cmdlets: CmdletTable, isDryRun: Bool, isNative: Bool
    ) -> GuardFinding? {
        if isNative, isOfRun(finding, cmdlets) { return nil }
        if isDryRun, finding.rule == "unknown-command" { return nil }
        let isPlainChange = finding.kind == .unknown && says(finding, cmdlets)
        guard isPlainChange || keeper(of: finding, cmdlets) == nil else { return nil }
        var finding = finding
        if finding.kind == .unknown { finding.kind = .classified }
        return finding
    }

    /// Returns what stops the effects that a finding is about; `nil` if the text still requires confirmation.
    static func keeper(of finding: GuardFinding, _ cmdlets: CmdletTable) -> Keeper? {
        switch finding.kind {
        case .dynamic where finding.rule == "tainted-session": return .wire
        case .dynamic: return ConstructRule(rawValue: finding.rule)?.keeper
        case .unknown where finding.rule == "session-name": return .wire
        case .unknown:
            return finding.classes == .write ? .wire : nil
        case .classified where finding.rule == "cmdlet" && !finding.classes.contains(.send):
            let entries = cmdlets.entries(named: finding.subject ?? "")
            guard !entries.isEmpty, entries.allSatisfy({ $0.product == .builtin }) else { return nil }
            return finding.classes.contains(.external) ? .wire : .walls
        default: return nil
        }
    }

    /// Returns whether a finding is about effects that stay within a run of the native engine: PowerShell's built-in
    /// commands work on the run's own files and values there, or aren't carried out at all.
    private static func isOfRun(_ finding: GuardFinding, _ cmdlets: CmdletTable) -> Bool {
        // The engine holds no tokens: a property that contains a token elsewhere is just a name in a service's answer
        // here.
        if finding.rule == ConstructRule.secretProperty.rawValue { return true }
        guard finding.kind != .blocked, finding.minimumDecision == nil, let name = finding.subject else { return false }
        let entries = cmdlets.entries(named: cmdlets.alias(name) ?? name)
        if !entries.isEmpty { return entries.allSatisfy { $0.product == .builtin } }
        // A name without a dash can't be a cmdlet of a service, because those have a verb and a noun.
        return finding.rule == "unknown-command" && !name.contains("-")
    }

    /// Returns whether the name of a command shows that it changes something, although no table knows it. Programs have
    /// no verb.
    private static func says(_ finding: GuardFinding, _ cmdlets: CmdletTable) -> Bool {
        if finding.rule == "unproven-command" { return true }
        guard finding.rule == "unknown-command", let name = finding.subject, let dash = name.firstIndex(of: "-") else {
            return finding.classes != .write
        }
        return finding.classes != .write
            || cmdlets.classOfVerb(name[..<dash].asciiLowercased).map { $0 != .read } ?? false
    }
}

extension ConstructRule {
    /// The part that stops the effects which this construct could hide, in a confined session behind the proxy; `nil`
    /// if the text still requires confirmation, because it can't be read, or because it refers to another sign-in or
    /// network access.
    var keeper: BehindWire.Keeper? {
        switch self {
        case .unparsed, .tooLong, .tooDeep, .hiddenCharacters, .parameterName, .networkParameter, .otherSession,
            .secretProperty:
            nil
        case .dynamicName, .callBlock, .scopedName, .wildcardName, .foreignModule, .outsideCommand, .verbatim,
            .functionDefinition, .typeDefinition, .trap, .dataSection, .namedBlock, .parameterBlock, .usingStatement,
            .requires, .backgroundJob, .splat, .usingVariable, .scriptBlock, .computedMember, .methodCall,
            .staticMember, .typeName, .attribute, .operatorUse, .hashKey, .unknownParameter, .jobParameter, .memberForm,
            .filterArgument, .moduleSwitch, .requestAddress, .switchStatement, .catchType:
            .wire
        case .scriptFile, .exitStatement, .loop, .variableTarget, .automaticVariable, .driveVariable,
            .scopedVariable, .redirection, .localPath, .variableParameter, .preferenceValue:
            .walls
        }
    }
}
