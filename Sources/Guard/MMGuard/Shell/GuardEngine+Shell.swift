import MMCore
import ShellSyntax

extension GuardEngine {
    /// Returns the verdict on a shell command.
    /// - Parameters:
    ///   - command: the text exactly as it will be run.
    ///   - context: where it will run.
    ///   - policy: the connection's policy.
    public func judge(shell command: String, in context: ShellContext, policy: GuardPolicy) -> Verdict {
        var memory = ShellMemory()
        return judge(shell: command, in: context, policy: policy, remembering: &memory)
    }

    /// Returns the verdict on a shell command in a session in which others ran before.
    /// - Parameters:
    ///   - command: the text exactly as it will be run.
    ///   - context: where it will run.
    ///   - policy: the connection's policy.
    ///   - memory: the state that earlier commands left in the session; this command's effects are added to it.
    package func judge(
        shell command: String, in context: ShellContext, policy: GuardPolicy, remembering memory: inout ShellMemory
    ) -> Verdict {
        verdict(on: command, in: context, policy, remembering: &memory) {
            $0.findings(in: command, isBash: context.isBash)
        }
    }

    /// Finds a quote or substitution that isn't closed. No shell would run such a command, so no person needs to be
    /// asked about it.
    /// - Returns: what isn't closed and its line and column, counted from 1; `nil` for any other text.
    package static func unfinishedPart(in command: String) -> (construct: String, line: Int, column: Int)? {
        do throws(ShellRefusal) {
            _ = try ShellScript.parse(command, as: .whole)
            return nil
        } catch {
            guard error.isUnfinished else { return nil }
            let before = Array(command.utf8.prefix(error.offset))
            let line = before[(before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0)...]
            return (error.construct, error.line, String(decoding: line, as: UTF8.self).count + 1)
        }
    }

    /// Returns whether a table knows a program of this name in a shell.
    package static func knowsProgram(_ name: String) -> Bool {
        guard let call = try? ShellScript.parse(name).commands.first else { return false }
        let judge = ShellJudge(
            of: name, in: ShellContext(isRemote: true), remembering: ShellMemory(), makesFiles: true)
        return !judge.isUnheardOf(call)
    }

    /// Returns the verdict on a text that is typed into a running program.
    package func judge(
        typed text: TypedText, in context: ShellContext, policy: GuardPolicy, remembering memory: inout ShellMemory
    ) -> Verdict {
        verdict(on: text.text, in: context, policy, remembering: &memory) { $0.findings(typed: text) }
    }

    private func verdict(
        on text: String, in context: ShellContext, _ policy: GuardPolicy, remembering memory: inout ShellMemory,
        _ judging: (ShellJudge) -> [GuardFinding]
    ) -> Verdict {
        let judge = ShellJudge(
            of: text, in: context, remembering: memory, makesFiles: policy.decision(for: .write) == .allow)
        var findings = judging(judge)
        memory = judge.record.memory
        if judge.record.allowance.isExhausted {
            findings.append(judge.finding(.nested, subject: "commands within commands"))
        }
        var verdict = Verdict(findings: findings, policy: policy)
        if let first = findings.first(where: { $0.rule == ShellRule.unreachable.rawValue })?.subject {
            verdict.notes.append(
                "“\(first)” may need a network, and this shell has none. The owner can allow one: Docs/Shells.md, “Network”."
            )
        }
        return verdict
    }

    /// Returns the rules for shell commands, for listing.
    func shellRules() -> [GuardRuleDescription] {
        ShellRule.allCases.map { rule in
            GuardRuleDescription(
                id: rule.rawValue, kind: "shell", guardClass: rule.classes.strictest.rawValue, explanation: rule.reason,
                instead: rule.instead, patterns: [])
        }
    }
}
