internal import PowerShellSyntax

/// Judges a script by its syntax tree.
struct ScriptJudge: Sendable {
    let tables: GuardTables
    /// Rules that are switched off: only tests do that.
    var muted: Set<ConstructRule> = []

    /// Longer scripts are not judged, in UTF-16 code units.
    static let longest = 64 << 10

    /// - Parameter parsed: the tree of this very text, where it is known already.
    func judge(
        _ source: String, parsed: ParsedScript? = nil, context: ScriptContext, policy: GuardPolicy, confirmed: Bool
    ) -> Verdict {
        var walk = ScriptWalk(tables: tables, context: context, muted: muted)
        // Without a tree nothing is known.
        inspect(source, parsed, &walk)
        let text = walk.found.isEmpty ? nil : SourceText(source)
        let findings = walk.found.map { found in
            var finding = found.finding
            finding.place = text?.place(found.extent)
            return finding
        }
        return Verdict(
            findings: tables.user.apply(to: findings), policy: policy, confirmed: confirmed, previews: walk.previews)
    }

    private func inspect(_ source: String, _ parsed: ParsedScript?, _ walk: inout ScriptWalk) {
        let length = source.utf16.count
        if context(walk), !muted.contains(.unparsed) {
            walk.report(
                GuardFinding(
                    rule: "tainted-session", classes: .write, kind: .dynamic,
                    reason:
                        "This session ran code that was confirmed rather than understood, so names may mean something else.",
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
            let error = script.errors.first
            return walk.report(
                .unparsed, error?.extent ?? SourceExtent(start: 0, end: 0), subject: error.map { "(\($0.id))" })
        }
        if script.requirements != nil { walk.report(.requires, SourceExtent(start: 0, end: 0)) }
        walk.walk(root)
    }

    private func context(_ walk: ScriptWalk) -> Bool { walk.context.isTainted }

    /// The offset of the first character that nobody sees: format characters, NUL, byte order marks.
    private func hiddenCharacter(_ source: String) -> Int? {
        // Plain text, as nearly all of it is, holds none.
        if source.utf8.allSatisfy({ $0 < 0x80 && $0 != 0 }) { return nil }
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
