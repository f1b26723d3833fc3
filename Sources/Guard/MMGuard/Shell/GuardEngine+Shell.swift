import ShellSyntax

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
    package func judge(
        shell command: String, in context: ShellContext, policy: GuardPolicy, remembering memory: inout ShellMemory
    ) -> Verdict {
        let judge = ShellJudge(context: context, memory: memory)
        let findings = judge.findings(in: command)
        memory = judge.record.memory
        return Verdict(findings: findings, policy: policy)
    }

    /// A quote that a command doesn't close, which no shell would run and no person needs to be asked about.
    /// - Returns: what it is and where it begins, both counted from 1; `nil` for any other text.
    package static func unfinishedQuote(in command: String) -> (construct: String, line: Int, column: Int)? {
        do throws(ShellRefusal) {
            _ = try ShellScript.parse(command, as: .whole)
            return nil
        } catch {
            guard error.isUnfinishedQuote else { return nil }
            let before = Array(command.utf8.prefix(error.offset))
            let line = before[(before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0)...]
            return (error.construct, error.line, String(decoding: line, as: UTF8.self).count + 1)
        }
    }

    /// The verdict over a text that is typed into a program that runs.
    package func judge(
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
