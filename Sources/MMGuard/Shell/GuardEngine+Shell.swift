extension GuardEngine {
    /// The verdict over a shell command.
    /// - Parameters:
    ///   - command: the text exactly as it will be run.
    ///   - context: where it will run.
    ///   - policy: how strictly.
    public func judge(shell command: String, in context: ShellContext, policy: GuardPolicy) -> Verdict {
        Verdict(findings: ShellJudge(context: context).findings(in: command), policy: policy)
    }

    /// The rules for shell commands, for listing.
    func shellRules() -> [GuardRuleDescription] {
        ShellRule.allCases.map { rule in
            GuardRuleDescription(
                id: rule.rawValue, kind: "shell", guardClass: rule.classes.strictest.rawValue, explanation: rule.reason,
                instead: rule.instead, patterns: [])
        }
    }
}
