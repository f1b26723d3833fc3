public import MMCore

/// The guard's verdict on a script or request, with its reasons.
public struct Verdict: Sendable, Hashable {
    /// Allow, ask or deny.
    public internal(set) var decision: GuardDecision
    /// All classes found.
    public internal(set) var classes: GuardClassSet
    /// The rule that decided.
    public internal(set) var rule: String
    /// The reason in words, for people and models.
    public internal(set) var reason: String
    /// What to do instead, or next.
    public var instead: String?
    /// The position of the deciding part in the script.
    public var place: SourcePlace?
    /// Previews of all messages that would be sent in a person's name.
    package var previews: [SendPreview]
    /// What may proceed but should be mentioned: commands of the warned list, where that only warns.
    public var warnings: [String]
    /// Remarks to show beside the answer, such as that the script's own sign-in has no effect.
    package internal(set) var notes: [String] = []
    /// Everything found, the deciding one first.
    public internal(set) var findings: [GuardFinding]
    /// The findings that are not simply allowed, in the order in which they occur.
    package internal(set) var asking: [GuardFinding]

    /// The maximum number of objects of one kind that a script changes, if its own lists and limits show it.
    package internal(set) var counted: Int?

    /// The strictest class.
    public var guardClass: GuardClass { classes.strictest }

    /// Creates the verdict on findings: the strongest decision wins; among equals the strictest class, then the first
    /// position.
    /// - Parameters:
    ///   - findings: what was found; no findings mean a plain read.
    ///   - policy: the connection's policy.
    ///   - confirmed: whether the caller passed `confirmed: true`.
    ///   - previews: the messages that would be sent.
    init(
        findings: [GuardFinding], policy: GuardPolicy, confirmed: Bool = false, previews: [SendPreview] = []
    ) {
        var ordered = findings.map { (finding: $0, decision: policy.decision(for: $0, confirmed: confirmed)) }
        asking = ordered.filter { $0.decision != .allow }.map(\.finding)
        // The sort is stable: the order of enumeration is that of the source.
        let ranked = ordered.enumerated().sorted { left, right in
            if left.element.decision != right.element.decision { return left.element.decision > right.element.decision }
            let ranks = (left.element.finding.classes.strictest.rank, right.element.finding.classes.strictest.rank)
            if ranks.0 != ranks.1 { return ranks.0 > ranks.1 }
            return left.offset < right.offset
        }
        ordered = ranked.map(\.element)
        self.findings = ordered.map(\.finding)
        classes = findings.reduce(into: GuardClassSet()) { $0.formUnion($1.classes) }
        if classes.isEmpty { classes = .read }
        self.previews = previews
        warnings = ordered.filter { $0.decision == .allow && $0.finding.kind == .warned }.map(\.finding.reason)
        guard let first = ordered.first else {
            decision = policy.decision(for: .read)
            rule = "read"
            reason = "It only reads."
            return
        }
        decision = first.decision
        rule = first.finding.rule
        reason = first.finding.reason
        instead = policy.remedy(for: first.finding) ?? first.finding.instead
        place = first.finding.place
    }
}

extension Verdict {
    /// Returns the verdict on several actions that are permitted or held back together: the strictest verdict decides,
    /// and its demands hold for all. The classes of all actions are joined, so that the people and checks which a
    /// connection requires for any of them are required.
    /// - Returns: `nil` for no verdicts.
    package static func joined(_ verdicts: some Collection<Verdict>) -> Verdict? {
        func rank(_ verdict: Verdict) -> (GuardDecision, Int) { (verdict.decision, verdict.guardClass.rank) }
        guard var joined = verdicts.first else { return nil }
        // Of several equally strict verdicts the first one counts.
        for other in verdicts.dropFirst() where rank(joined) < rank(other) { joined = other }
        guard verdicts.count > 1 else { return joined }
        let deciding = joined.findings
        joined.classes = verdicts.reduce(into: GuardClassSet()) { $0.formUnion($1.classes) }
        joined.asking = verdicts.flatMap(\.asking)
        joined.previews = verdicts.flatMap(\.previews)
        joined.notes = verdicts.flatMap(\.notes)
        joined.warnings = verdicts.flatMap(\.warnings)
        joined.findings = deciding + verdicts.flatMap(\.findings).filter { !deciding.contains($0) }
        joined.counted = nil
        return joined
    }

    /// Returns the verdict with further findings, which the text or request itself doesn't show.
    package func adding(_ findings: [GuardFinding], policy: GuardPolicy, confirmed: Bool = false) -> Verdict {
        guard !findings.isEmpty else { return self }
        let counted = counted
        var joined = Verdict.joined([self, Verdict(findings: findings, policy: policy, confirmed: confirmed)]) ?? self
        joined.counted = counted
        return joined
    }

    /// Returns the verdict with `ask` in place of `allow`.
    package func asking(by rule: String, because reason: String) -> Verdict {
        guard decision == .allow else { return self }
        var verdict = self
        (verdict.decision, verdict.rule, verdict.reason) = (.ask, rule, reason)
        (verdict.instead, verdict.place) = (nil, nil)
        return verdict
    }

    /// Returns the verdict with another reason if it asks: a reason for the whole, in place of the part's that decided.
    package func explained(by reason: String) -> Verdict {
        guard decision == .ask else { return self }
        var verdict = self
        verdict.reason = reason
        return verdict
    }

    /// Returns the verdict for actions that together change this many objects. Many objects need a confirmation, as
    /// they do in a script.
    /// - Parameter act: the description of the action if it changes many objects: "Taking back 40 changes".
    package func changing(_ objects: Int, by act: String, instead: String) -> Verdict {
        guard objects > TargetCount.few else { return self }
        let finding = GuardFinding.bulk(act, instead: instead)
        var verdict = asking(by: finding.rule, because: finding.reason)
        verdict.asking.append(finding)
        verdict.findings.append(finding)
        return verdict
    }
}

extension Verdict {
    /// Returns the verdict as an error for a caller: the finding, the reason, and the alternative.
    /// - Parameter pending: the entry of the ledger if a person can confirm it.
    /// - Returns: `.denied` or `.confirmationNeeded`; `nil` if the verdict allows.
    package func error(pending: PendingConfirmation? = nil) -> MMError? {
        guard decision != .allow else { return nil }
        var details: JSONObject = [
            "verdict": .string(decision.rawValue), "class": .string(guardClass.rawValue), "rule": .string(rule),
        ]
        if let place {
            details["line"] = .int(Int64(place.line))
            details["column"] = .int(Int64(place.column))
            details["text"] = .string(place.text)
        }
        if !previews.isEmpty { details["preview"] = .array(previews.flatMap(\.lines).map(JSONValue.string)) }
        let at =
            place.map { place in
                let text = place.text.isEmpty ? "" : ": \(place.text.prefix(80))"
                return " (line \(place.line), column \(place.column)\(text))"
            } ?? ""
        // The sentence may be followed by others.
        let sentence = (reason.hasSuffix(".") ? String(reason.dropLast()) : reason) + at + "."
        if findings.first?.kind == .broken {
            return MMError(.invalidInput, sentence, hint: instead, details: details)
        }
        if decision == .deny {
            return MMError(.denied, "Denied: \(sentence)", hint: instead, details: details)
        }
        guard let pending else {
            return MMError(
                .confirmationNeeded, "A person must confirm this: \(sentence)", hint: instead, details: details)
        }
        details["token"] = .string(pending.token)
        details["expiresAt"] = .string(pending.expiresAt.iso8601)
        return MMError(
            .confirmationNeeded, "A person must confirm this (mm confirm \(pending.token)): \(sentence)",
            hint:
                "Ask them to run: mm confirm \(pending.token). Then repeat exactly this call.\(instead.map { " Or: " + $0 } ?? "")",
            retry: .never, details: details)
    }
}

extension Verdict {
    /// The verdict as JSON, for scripts and models.
    public var json: JSONObject {
        var object: JSONObject = [
            "verdict": .string(decision.rawValue), "class": .string(guardClass.rawValue),
            "classes": .array(classes.classes.map { .string($0.rawValue) }), "rule": .string(rule),
            "reason": .string(reason),
        ]
        if let instead { object["instead"] = .string(instead) }
        if let place { object["place"] = .object(place.json) }
        if !previews.isEmpty { object["preview"] = .array(previews.flatMap(\.lines).map(JSONValue.string)) }
        if !warnings.isEmpty { object["warnings"] = .array(warnings.map(JSONValue.string)) }
        if findings.count > 1 { object["findings"] = .array(findings.map { .object($0.json) }) }
        return object
    }
}

extension GuardFinding {
    /// The finding as JSON.
    public var json: JSONObject {
        var object: JSONObject = [
            "rule": .string(rule), "class": .string(classes.strictest.rawValue), "reason": .string(reason),
        ]
        if let instead { object["instead"] = .string(instead) }
        if let subject { object["subject"] = .string(subject) }
        if let place { object["place"] = .object(place.json) }
        return object
    }
}

extension SourcePlace {
    /// The position as JSON.
    public var json: JSONObject {
        [
            "line": .int(Int64(line)), "column": .int(Int64(column)), "offset": .int(Int64(offset)),
            "length": .int(Int64(length)), "text": .string(text),
        ]
    }

    /// The line with its number, and below it carets under the position, as a person is shown it. Tabs are kept, so
    /// that the carets are aligned with the text. The carets don't go beyond the end of the line.
    public var underlined: [String] {
        let number = "\(line) | "
        var units = 0
        var before = ""
        var under = 0
        for character in lineText {
            let width = String(character).utf16.count
            if units < column - 1 {
                before.append(character == "\t" ? "\t" : " ")
            } else if units < column - 1 + max(length, 1) {
                under += 1
            }
            units += width
        }
        let margin = String(repeating: " ", count: number.count)
        return [number + lineText, margin + before + String(repeating: "^", count: max(under, 1))]
    }
}

extension GuardRuleDescription {
    /// The rule as JSON.
    public var json: JSONObject {
        var object: JSONObject = ["id": .string(id), "kind": .string(kind), "explanation": .string(explanation)]
        if let guardClass { object["class"] = .string(guardClass) }
        if let instead { object["instead"] = .string(instead) }
        if !patterns.isEmpty { object["patterns"] = .array(patterns.map(JSONValue.string)) }
        return object
    }
}

extension Verdict {
    /// Creates the verdict on permitting requests of some classes in advance, before any of them is known.
    /// - Parameters:
    ///   - classes: the classes to permit.
    ///   - policy: the connection's policy.
    package init(allowing classes: [GuardClass], policy: GuardPolicy) {
        self.init(
            findings: classes.map { one in
                GuardFinding(
                    rule: one.rawValue, classes: GuardClassSet(one),
                    reason:
                        "All requests of the class \(one.rawValue) from the program would be sent without asking. This class "
                        + "\(one.meaning).")
            }, policy: policy)
    }
}
