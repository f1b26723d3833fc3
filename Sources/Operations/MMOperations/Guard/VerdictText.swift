import MMGuard

/// A verdict in words, with the place underlined as compilers do.
enum VerdictText {
    /// The text of a verdict.
    static func of(_ verdict: Verdict) -> String {
        var lines = ["\(verdict.decision.rawValue)  \(verdict.guardClass.rawValue)  (rule \(verdict.rule))"]
        if let place = verdict.place { lines += place.underlined }
        lines.append(verdict.reason)
        if let instead = verdict.instead { lines.append("Instead: \(instead)") }
        lines += verdict.warnings.map { "Warning: \($0)" }
        for preview in verdict.previews { lines += [""] + preview.lines }
        return lines.joined(separator: "\n")
    }
}
