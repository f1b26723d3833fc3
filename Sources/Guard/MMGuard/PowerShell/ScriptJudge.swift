internal import PowerShellSyntax

/// Judges a script by its syntax tree.
struct ScriptJudge: Sendable {
    let tables: GuardTables
    /// Rules that are switched off: only tests do that.
    var muted: Set<ConstructRule> = []

    /// Longer scripts are not judged, in UTF-16 code units.
    static let longest = 2 << 20

    /// - Parameter parsed: the tree of this very text, where it is known already.
    func judge(
        _ source: String, parsed: ParsedScript? = nil, context: ScriptContext, policy: GuardPolicy, confirmed: Bool
    ) -> Verdict {
        judged(source, parsed: parsed, context: context, policy: policy, confirmed: confirmed).verdict
    }

    /// The verdict, and what the session remembers once the script has run.
    func judged(
        _ source: String, parsed: ParsedScript?, context: ScriptContext, policy: GuardPolicy, confirmed: Bool
    ) -> (verdict: Verdict, memory: SessionMemory) {
        var walk = ScriptWalk(tables: tables, context: context, muted: muted)
        // Without a tree nothing is known.
        inspect(source, parsed, &walk)
        let text = walk.found.isEmpty ? nil : SourceLines(source)
        var seen: Set<Seen> = []
        // A loop is walked several times and finds the same things again.
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
        // What can't be read may do anything any number of times, and a function runs as often as it is called.
        let isRead =
            walk.functions.isEmpty
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
                        ? "This session ran code that was confirmed rather than understood, so names may mean something else."
                        : "This session ran code that can't be read, so names may mean something else.",
                    instead: "Reset the session, then run this again."),
                SourceExtent(start: 0, end: 0))
        }
        guard length <= Self.longest || muted.contains(.tooLong) else {
            return walk.report(.tooLong, SourceExtent(start: 0, end: 0))
        }
        if let offset = hiddenCharacter(source) {
            walk.report(.hiddenCharacters, SourceExtent(start: offset, end: offset + 1))
        }
        let script = parsed ?? PowerShellParser.parse(source)
        guard let root = script.root else {
            return inspect(script.errors.first, &walk)
        }
        if let requirements = script.requirements,
            walk.context.signIn == nil || !KnownPackages.satisfy(requirements)
        {
            walk.report(.requires, SourceExtent(start: 0, end: 0))
        }
        walk.walk(root)
    }

    /// A text without a tree: PowerShell itself would refuse it, or it is too complicated to be read here.
    private func inspect(_ error: ParseError?, _ walk: inout ScriptWalk) {
        let extent = error?.extent ?? SourceExtent(start: 0, end: 0)
        guard let error, error.id != "ScriptTooComplicated" else { return walk.report(.tooDeep, extent) }
        guard !muted.contains(.unparsed) else { return }
        walk.report(
            GuardFinding(
                rule: ConstructRule.unparsed.rawValue, classes: .write, kind: .broken,
                reason: "PowerShell can't run this text: \(Self.words(of: error.id)).",
                instead: ConstructRule.unparsed.instead,
                subject: error.id), extent)
    }

    /// The engine's id for an error in words: `EmptyPipeElement` is an empty pipe element.
    private static func words(of id: String) -> String {
        var text = ""
        for letter in id {
            if letter.isUppercase, let last = text.last, last != " ", !last.isUppercase { text += " " }
            text += letter.lowercased()
        }
        return text
    }

    /// The offset of the first character that nobody sees: format characters, NUL, byte order marks.
    private func hiddenCharacter(_ source: String) -> Int? {
        // Plain text, as nearly all of it is, holds none.
        let isPlain = source.utf8.withContiguousStorageIfAvailable { bytes in
            for byte in bytes where byte >= 0x80 || byte == 0 { return false }
            return true
        }
        if isPlain == true { return nil }
        var offset = 0
        for scalar in source.unicodeScalars {
            if scalar.value == 0 || (scalar.value >= 0x80 && scalar.properties.generalCategory == .format) {
                return offset
            }
            offset += scalar.value > 0xffff ? 2 : 1
        }
        return nil
    }
}
