extension GuardEngine {
    /// The verdict over a shell command.
    /// - Parameters:
    ///   - command: the text exactly as it will be run.
    ///   - context: where it will run.
    ///   - policy: how strictly.
    public func judge(shell command: String, in context: ShellContext, policy: GuardPolicy) -> Verdict {
        var memory = ShellMemory()
        return judge(shell: command, in: context, policy: policy, remembering: &memory)
    }

    /// The verdict over a shell command in a session in which others ran before.
    /// - Parameters:
    ///   - command: the text exactly as it will be run.
    ///   - context: where it will run.
    ///   - policy: how strictly.
    ///   - memory: what the session wrote before; afterwards also what this text writes.
    public func judge(
        shell command: String, in context: ShellContext, policy: GuardPolicy, remembering memory: inout ShellMemory
    ) -> Verdict {
        let judge = ShellJudge(context: context, memory: memory)
        let findings = judge.findings(in: command)
        memory = judge.record.memory
        return Verdict(findings: findings, policy: policy)
    }

    /// The verdict over a text that is typed into a program that runs.
    public func judge(
        typed text: TypedText, in context: ShellContext, policy: GuardPolicy, remembering memory: inout ShellMemory
    ) -> Verdict {
        let judge = ShellJudge(context: context, memory: memory)
        let findings = judge.findings(typed: text)
        memory = judge.record.memory
        return Verdict(findings: findings, policy: policy)
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
