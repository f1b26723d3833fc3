import MMCore
import MMGuard
import TestSupport
import Testing

@Suite("The user's own rules", .timeLimit(.minutes(5)))
struct UserRuleTests {
    private func engine(_ rules: String) throws -> GuardEngine {
        GuardEngine(userRules: try UserRuleFile(bytes: Array("{\"version\":1,\"rules\":[\(rules)]}".utf8)))
    }

    private func decision(_ rules: String, _ script: String) throws -> GuardDecision {
        try engine(rules).judge(script: script, policy: .standard).decision
    }

    private func decision(_ rules: String, _ method: String, _ path: String) throws -> GuardDecision {
        let target = try RequestTarget(parsing: path, service: .graph)
        return try engine(rules).judge(GuardedRequest(method: method, target: target), policy: .standard).decision
    }

    @Test("a rule tightens cmdlets by name, wildcard and parameter")
    func cmdlets() throws {
        let deny = #"{"id":"a","cmdlets":["*-Nothing","Set-Mailbox"],"decision":"deny"}"#
            .replacing("*-Nothing", with: "Remove-*")
        #expect(try decision(deny, "Set-Mailbox ann -CustomAttribute1 x") == .deny)
        #expect(try decision(deny, "Remove-Mailbox ann") == .deny)
        #expect(try decision(deny, "Get-Mailbox ann") == .allow)
        let ask = #"{"id":"b","cmdlets":["get-mailbox"],"class":"secret"}"#
        #expect(try decision(ask, "Get-Mailbox ann | select Name") == .ask)
        let parameter = #"{"id":"c","cmdlets":["Set-Mailbox"],"parameters":["CustomAttribute1"],"decision":"ask"}"#
        #expect(try decision(parameter, "Set-Mailbox ann -CustomAttribute1 x") == .ask)
        #expect(try decision(parameter, "Set-Mailbox ann -CustomAttribute2 x") == .allow)
    }

    @Test("a rule tightens requests by method and canonical path")
    func requests() throws {
        let rule = #"{"id":"hr","requests":{"methods":["GET"],"paths":["/users/{}/messages/**"]},"decision":"ask"}"#
        #expect(try decision(rule, "GET", "/me/messages") == .ask)
        #expect(try decision(rule, "GET", "/me/mailFolders/inbox/messages/x") == .ask)
        #expect(try decision(rule, "GET", "/me/events") == .allow)
        #expect(try decision(rule, "GET", "/users('x')/MESSAGES") == .ask)
    }

    @Test("a rule only loosens what it names")
    func loosening() throws {
        let named = #"{"id":"ours","cmdlets":["Get-Contoso*"],"class":"read","loosens":["unknown-command"]}"#
        #expect(try decision(named, "Get-ContosoThing x") == .allow)
        #expect(try decision(named, "Get-OtherThing x") == .ask)
        let unnamed = #"{"id":"ours","cmdlets":["Get-Contoso*"],"class":"read"}"#
        #expect(try decision(unnamed, "Get-ContosoThing x") == .ask)
        let loop = #"{"id":"loops","rules":["loop"],"decision":"allow","loosens":["loop"]}"#
        #expect(try decision(loop, "while ($true) { Get-Mailbox ann }") == .allow)
        #expect(try decision(loop, "while ($true) { Remove-Mailbox ann }") == .ask)
        let other = #"{"id":"x","cmdlets":["Remove-Mailbox"],"decision":"allow","loosens":["unknown-command"]}"#
        #expect(try decision(other, "Remove-Mailbox ann") == .ask)
    }

    @Test("a construct can be denied")
    func constructs() throws {
        #expect(try decision(#"{"id":"x","rules":["dynamic-name"],"decision":"deny"}"#, "& $x") == .deny)
    }

    @Test(
        "a file with a fault is refused whole, with the rule and field named",
        arguments: [
            #"{"version":1}"#, #"{"version":2,"rules":[]}"#, "[]", "{",
            #"{"version":1,"rules":[{"id":"a","cmdlets":["x"]}]}"#,
            #"{"version":1,"rules":[{"cmdlets":["x"],"decision":"deny"}]}"#,
            #"{"version":1,"rules":[{"id":"a","cmdlet":["x"],"decision":"deny"}]}"#,
            #"{"version":1,"rules":[{"id":"a","cmdlets":["x"],"decision":"allow"}]}"#,
            #"{"version":1,"rules":[{"id":"a","cmdlets":["x"],"decision":"never"}]}"#,
            #"{"version":1,"rules":[{"id":"a","cmdlets":["x"],"class":"evil"}]}"#,
            #"{"version":1,"rules":[{"id":"a","cmdlets":["*x*"],"class":"read"}]}"#,
            #"{"version":1,"rules":[{"id":"a","cmdlets":["x"],"requests":{"paths":["/x"]},"decision":"deny"}]}"#,
            #"{"version":1,"rules":[{"id":"a","requests":{"paths":[]},"decision":"deny"}]}"#,
            #"{"version":1,"rules":[{"id":"a","requests":{"service":"ftp","paths":["/x"]},"decision":"deny"}]}"#,
            #"{"version":1,"rules":[{"id":"a","rules":["x"],"decision":"deny"},{"id":"a","rules":["x"],"decision":"deny"}]}"#,
            #"{"version":1,"version":1,"rules":[]}"#,
        ])
    func faults(text: String) {
        #expect {
            try UserRuleFile(bytes: Array(text.utf8))
        } throws: {
            ($0 as? MMError)?.code == .invalidInput && ($0 as? MMError)?.hint != nil
        }
    }

    @Test("no file means no rules")
    func missing() throws {
        #expect(try UserRuleFile.load("/tmp/mm-there-is-no-such-file.json") == .none)
        #expect(UserRuleFile.path(environment: ["MM_GUARD_RULES": "/x/y.json"]) == "/x/y.json")
        #expect(UserRuleFile.path(environment: ["MM_STATE_DIR": "/x"]) == "/x/guard-rules.json")
    }

    @Test("every rule is listed once with an explanation")
    func listing() throws {
        let rules = try engine(#"{"id":"hr","cmdlets":["Get-User"],"decision":"ask","reason":"people are private"}"#)
            .rules()
        #expect(rules.count > 200)
        #expect(rules.allSatisfy { !$0.explanation.isEmpty && !$0.id.isEmpty })
        #expect(rules.contains { $0.id == "user:hr" && $0.explanation.contains("people are private") })
        #expect(rules.contains { $0.id == "seed-blocked" && $0.patterns.contains("New-AzRoleAssignment") })
        let mailbox = GuardEngine().rules(forCmdlet: "set-mailbox")
        #expect(mailbox.first?.patterns.contains { $0.hasPrefix("-ForwardingSmtpAddress") } ?? false)
    }

    @Test("every rule that a verdict names is in the list")
    func verdictsAreListed() throws {
        let engine = GuardEngine()
        let listed = Set(engine.rules().map(\.id))
        var named: Set<String> = []
        for line in try Fixture.jsonLines("guard/bypass-cases.jsonl") + Fixture.jsonLines("guard/read-cases.jsonl") {
            let verdict = engine.judge(script: line["src"]?.string ?? "", policy: .standard)
            named.formUnion([verdict.rule] + verdict.findings.map(\.rule))
        }
        for (script, _, _) in AdminOneLinerTests.changes {
            named.formUnion(engine.judge(script: script, policy: .standard).findings.map(\.rule))
        }
        for line in try Fixture.jsonLines("guard/lookup-cases.jsonl") {
            guard let url = line["url"]?.string, let method = line["method"]?.string,
                let target = try? RequestTarget(parsing: url, service: .graph, normalization: .clean)
            else { continue }
            let body = line["body"].map(RequestBody.json) ?? .none
            named.insert(
                engine.judge(GuardedRequest(method: method, target: target, body: body), policy: .standard).rule)
        }
        #expect(named.subtracting(listed).isEmpty)
    }
}
