import MMCore
import PowerShellSyntax
import Testing

@testable import MMGuard

@Suite("Verdicts that were given before", .timeLimit(.minutes(5)))
struct KnownVerdictTests {
    private let engine = GuardEngine()

    private func judge(
        _ script: String, _ context: ScriptContext = ScriptContext(module: "exo"), _ policy: GuardPolicy = .standard,
        confirmed: Bool = false, by engine: GuardEngine
    ) -> (verdict: Verdict, memory: SessionMemory) {
        engine.judgeInSession(
            script: script, parsed: PowerShellParser.parse(script), in: context, policy: policy, confirmed: confirmed)
    }

    @Test("the same question has the same answer, also what the session remembers")
    func same() {
        for script in [
            "Get-Mailbox ann", "$m = Get-Mailbox ann", "Remove-Mailbox ann", "Get-Mailbox ann; iex $x",
        ] {
            let first = judge(script, by: engine)
            for _ in 1...3 {
                let again = judge(script, by: engine)
                #expect(again.verdict == first.verdict)
                #expect(again.memory == first.memory)
            }
            #expect(judge(script, by: GuardEngine()).verdict == first.verdict)
        }
    }

    /// A question that was asked before, with one part of it changed.
    struct Changed: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var script = "Get-Mailbox ann"
        var memory = SessionMemory.fresh
        var policy = GuardPolicy.standard
    }

    private static var functionDefined: SessionMemory {
        GuardEngine().judgeInSession(
            script: "function Get-Mailbox { Remove-Mailbox ceo }",
            parsed: PowerShellParser.parse("function Get-Mailbox { Remove-Mailbox ceo }"),
            in: ScriptContext(module: "exo"), policy: .standard, confirmed: false
        ).memory
    }

    @Test(
        "another text, session or policy is judged by itself",
        arguments: [
            Changed(testDescription: "one letter more", script: "Get-Mailbox ann; Remove-Mailbox ann"),
            Changed(testDescription: "a function of the session's own", memory: functionDefined),
            Changed(testDescription: "a session that ran code nobody read", memory: SessionMemory(isOpaque: true)),
            Changed(
                testDescription: "a policy that asks about reads",
                policy: GuardPolicy(.standard, overrides: [.read: .ask])),
            Changed(
                testDescription: "a policy that denies reads", policy: GuardPolicy(.strict, overrides: [.read: .deny])),
        ])
    func changed(question: Changed) {
        #expect(judge("Get-Mailbox ann", by: engine).verdict.decision == .allow)
        #expect(judge("Get-Mailbox ann", by: engine).verdict.decision == .allow)
        let other = judge(
            question.script, ScriptContext(module: "exo", memory: question.memory), question.policy, by: engine)
        #expect(other.verdict.decision != .allow)
        // The first question still has its first answer.
        #expect(judge("Get-Mailbox ann", by: engine).verdict.decision == .allow)
    }

    // `String` takes these for equal; PowerShell doesn't.
    @Test(
        "a letter that only looks the same makes another text",
        arguments: [
            ("Get-Mailbox ann\u{37e} Remove-Mailbox ann", "Get-Mailbox ann; Remove-Mailbox ann"),
            ("Get-Mailbox \"\u{1fef}$(Remove-Mailbox ann)\"", "Get-Mailbox \"`$(Remove-Mailbox ann)\""),
        ])
    func looksTheSame(one: String, other: String) {
        #expect(one == other)
        for (first, second) in [(one, other), (other, one)] {
            let guarding = GuardEngine()
            _ = judge(first, by: guarding)
            #expect(judge(second, by: guarding).verdict == judge(second, by: GuardEngine()).verdict)
        }
    }

    @Test("other rules of the owner count from the first script on")
    func rules() throws {
        #expect(judge("Get-Mailbox ann", by: engine).verdict.decision == .allow)
        let rules = #"{"version":1,"rules":[{"id":"b","cmdlets":["get-mailbox"],"class":"secret"}]}"#
        let strict = GuardEngine(userRules: try UserRuleFile(bytes: Array(rules.utf8)))
        #expect(judge("Get-Mailbox ann", by: strict).verdict.decision == .ask)
    }

    @Test("what is asked about, changes something, is long or comes after others is not kept")
    func kept() {
        let known = KnownVerdicts()
        func isKept(_ script: String, _ memory: SessionMemory = .fresh) -> Bool {
            let context = ScriptContext(module: "exo", memory: memory)
            guard
                let question = KnownVerdicts.Question(
                    script: script, context: context, policy: .standard, isConfirmed: false)
            else { return false }
            known.note(judge(script, context, by: engine), for: question)
            return known.answer(to: question) != nil
        }
        #expect(isKept("Get-Mailbox ann"))
        #expect(!isKept("Remove-Mailbox ann"))
        #expect(!isKept("Set-Mailbox ann -CustomAttribute1 x"))
        #expect(!isKept("Get-Mailbox ann #" + String(repeating: "x", count: 5_000)))
        var memory = SessionMemory.fresh
        memory.names.insert("name")
        #expect(!isKept("Get-Mailbox ann", memory))
    }
}
