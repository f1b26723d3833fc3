extension UserRuleFile {
    /// The findings of a command after the user's rules: what was found for it, tightened, and weakened only where a rule
    /// names what it loosens.
    func apply(to findings: [GuardFinding], command: String, parameters: [String]) -> [GuardFinding] {
        apply(rules.filter { $0.matches(command: command, parameters: parameters) }, findings, subject: command)
    }

    /// The findings of a request after the user's rules.
    func apply(
        to findings: [GuardFinding], service: String, method: String, forms: [[String]], line: String
    ) -> [GuardFinding] {
        apply(rules.filter { $0.matches(service: service, method: method, forms: forms) }, findings, subject: line)
    }

    /// All findings after the rules that speak of built-in rules by name.
    func apply(to findings: [GuardFinding]) -> [GuardFinding] {
        guard rules.contains(where: { if case .rule = $0.matter { true } else { false } }) else { return findings }
        return findings.flatMap { finding in
            apply(rules.filter { $0.matches(rule: finding.rule) }, [finding], subject: nil)
        }
    }

    private func apply(_ matching: [UserRule], _ findings: [GuardFinding], subject: String?) -> [GuardFinding] {
        var findings = findings
        for rule in matching {
            if !rule.loosens.isEmpty { findings = findings.compactMap { loosened($0, by: rule) } }
            let isWeakening = rule.decision == .allow || rule.guardClass == .read
            guard !isWeakening else { continue }
            findings.append(
                GuardFinding(
                    rule: "user:\(rule.id)",
                    classes: rule.guardClass.map { GuardClassSet($0) } ?? findings.first?.classes ?? .read,
                    reason: "\(subject.map { "\($0): " } ?? "")\(rule.reason).", instead: rule.instead,
                    place: findings.first?.place, subject: subject, minimumDecision: rule.decision))
        }
        return findings
    }

    /// A finding of a rule that is named as loosened: gone where the user allows it, else with the user's class.
    private func loosened(_ finding: GuardFinding, by rule: UserRule) -> GuardFinding? {
        guard rule.loosens.contains(finding.rule) else { return finding }
        if rule.decision == .allow || rule.guardClass == .read { return nil }
        var finding = finding
        finding.kind = .classified
        if let one = rule.guardClass { finding.classes = GuardClassSet(one) }
        return finding
    }
}
