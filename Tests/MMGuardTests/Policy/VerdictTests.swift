import MMCore
import MMGuard
import Testing

@Suite("Verdicts, told", .timeLimit(.minutes(5)))
struct VerdictTests {
    @Test(
        "the place is underlined where it stands",
        arguments: [
            (
                "Get-Mailbox; Remove-Mailbox ann",
                ["1 | Get-Mailbox; Remove-Mailbox ann", "                 ^^^^^^^^^^^^^^^^^^"]
            ),
            ("1\n\tRemove-Mailbox é", ["2 | \tRemove-Mailbox é", "    \t^^^^^^^^^^^^^^^^"]),
            ("'😀'; & $x", ["1 | '😀'; & $x", "           ^^"]),
            ("Get-Mailbox (", ["1 | Get-Mailbox (", "                 ^"]),
        ])
    func underlined(script: String, expected: [String]) throws {
        let verdict = GuardEngine().judge(script: script, policy: .standard)
        #expect(try #require(verdict.place).underlined == expected)
    }

    @Test("a verdict is told in JSON with everything that decided it")
    func json() {
        let object = GuardEngine().judge(script: "Remove-Mailbox ann; & $x", policy: .standard).json
        #expect(object["verdict"] == "ask")
        #expect(object["class"] == "destructive")
        #expect(object["rule"] == "seed-warned")
        #expect(object["place"]?["line"] == 1)
        #expect(object["findings"]?.array?.count == 2)
        let read = GuardEngine().judge(script: "Get-Mailbox", policy: .standard).json
        #expect(read["verdict"] == "allow")
        #expect(read["place"] == nil)
    }

    @Test("the policy of a connection follows its registry entry")
    func connectionPolicy() throws {
        let connection = try Self.connection(
            #"{"guard": {"policy": "strict", "ask": ["read"], "deny": ["write", "dynamic"]}, "skipSendGuards": true}"#)
        let policy = GuardPolicy(of: connection, environment: [:])
        #expect(policy.name == .strict)
        #expect(policy.decision(for: .read) == .ask)
        #expect(policy.decision(for: .write) == .deny)
        #expect(policy.dynamic == .deny)
        #expect(!policy.sendGuards)
        let guarded = try connection.with(["skipSendGuards": false])
        #expect(GuardPolicy(of: guarded, environment: [:]).sendGuards)
        #expect(
            GuardPolicy(of: guarded, environment: [:], allowances: [.warnedCommands, .confirmedParameter]).warnsOnly)
    }

    @Test(
        "commands that earlier servers warned about are asked about where the entry itself wants a question",
        arguments: [
            (#"{}"#, GuardDecision.allow), (#"{"guard": {"policy": "standard", "allow": ["send"]}}"#, .allow),
            (#"{"guard": {"policy": "standard", "ask": ["send"]}}"#, .allow),
            (#"{"guard": {"policy": "standard", "ask": ["destructive"]}}"#, .ask),
            (#"{"guard": {"policy": "standard", "approvals": 2}}"#, .ask),
            (#"{"guard": {"policy": "standard", "approvals": {"destructive": 2}}}"#, .ask),
            (#"{"guard": {"policy": "standard", "approvals": {"send": 2}}}"#, .allow),
            (#"{"person": "pin"}"#, .ask),
            (#"{"guard": {"policy": "standard", "deny": ["destructive"]}}"#, .deny),
        ])
    func warned(entry: String, decision: GuardDecision) throws {
        let policy = GuardPolicy(
            of: try Self.connection(entry), environment: [:], allowances: [.warnedCommands, .confirmedParameter])
        let finding = GuardFinding(rule: "x", classes: .destructive, kind: .warned, reason: "x")
        #expect(policy.decision(for: finding) == decision)
    }

    @Test(
        "a denial by the connection's settings names them, and no other does",
        arguments: [
            (#"{"guard": "readonly"}"#, "New-Mailbox -Name ann", "Contoso is readonly."),
            (#"{"guard": {"policy": "strict"}}"#, "Add-RoleGroupMember x -Member ann", "Contoso is strict."),
            (#"{"guard": {"deny": ["write"]}}"#, "New-Mailbox -Name ann", "The settings of Contoso deny write."),
            ("{}", "Connect-ExchangeOnline", nil), (#"{"guard": "readonly"}"#, "Get-Mailbox", nil),
        ] as [(String, String, String?)])
    func remedy(entry: String, script: String, start: String?) throws {
        let policy = GuardPolicy(of: try Self.connection(entry), environment: [:])
        let verdict = GuardEngine().judge(script: script, policy: policy)
        guard let start else {
            #expect(verdict.instead?.contains("mm connections edit Contoso") != true)
            return
        }
        let error = try #require(verdict.error())
        #expect(error.code == .denied)
        #expect(error.hint?.hasPrefix(start) == true && error.hint?.contains("mm connections edit Contoso") == true)
    }

    private static func connection(_ entry: String) throws -> Connection {
        let path = "/tmp/mm-guard-registry-\(RandomBytes.text(bytes: 8)).json"
        try ProtectedFile.replace(path, with: Array("{\"connections\":{\"Contoso\":\(entry)}}".utf8))
        defer { try? ProtectedFile.remove(path) }
        return try ConnectionRegistry(path: path).snapshot().connection(named: "Contoso")
    }
}
