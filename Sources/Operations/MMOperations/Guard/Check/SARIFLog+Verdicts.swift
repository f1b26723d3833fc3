import MMCore
import MMGuard

extension SARIFLog {
    /// Adds the findings of a verdict on a text.
    mutating func add(_ verdict: Verdict, on text: CheckedText, policy: GuardPolicy) {
        for finding in verdict.asking {
            let decision = max(policy.decision(for: finding), .ask)
            add(
                Finding(
                    rule: Rule(
                        id: finding.rule, summary: finding.reason,
                        help: finding.instead ?? "mm guard rules \(finding.rule) explains the rule."),
                    level: decision == .deny ? .error : .warning,
                    message: [finding.reason, finding.instead].compactMap(\.self).joined(separator: " "),
                    path: text.file ?? "stdin", region: finding.place.map(Self.region),
                    properties: [
                        "verdict": .string(decision.rawValue), "class": .string(finding.classes.strictest.rawValue),
                    ]))
        }
    }

    private static func region(_ place: SourcePlace) -> JSONObject {
        [
            "startLine": .int(Int64(max(1, place.line))), "startColumn": .int(Int64(max(1, place.column))),
            "charOffset": .int(Int64(place.offset)), "charLength": .int(Int64(place.length)),
            "snippet": ["text": .string(place.text)],
        ]
    }
}
