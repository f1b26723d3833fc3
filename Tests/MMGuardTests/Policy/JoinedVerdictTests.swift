import MMCore
import Testing

@testable import MMGuard

@Suite("Verdicts of what is permitted together")
struct JoinedVerdictTests {
    private func verdict(_ script: String) -> Verdict {
        GuardEngine().judge(script: script, in: ScriptContext(module: "exo"), policy: .standard)
    }

    private static let forwarding = "Set-Mailbox ann -ForwardingSmtpAddress eve@fabrikam.example"

    @Test(
        "ask for all that any of them asks for, whichever is the strictest and in whatever order",
        arguments: [false, true])
    func classes(isReversed: Bool) throws {
        let scripts = ["Get-Mailbox ann", Self.forwarding, "Remove-Mailbox ann"]
        let verdicts = (isReversed ? scripts.reversed() : scripts).map(verdict)
        let joined = try #require(Verdict.joined(verdicts))
        #expect(joined.decision == .ask && joined.guardClass == .destructive)
        #expect(joined.classes.contains(.external) && joined.classes.contains(.destructive))
        #expect(joined.asking.count == verdicts.flatMap(\.asking).count)
        #expect(joined.findings.first == verdict("Remove-Mailbox ann").findings.first)
        let request = ConfirmationRequest(
            connection: "Demo", module: "exo", title: "t", text: "t", verdict: joined,
            checks: ConnectionPersonChecks(.terminal, classes: ["external": .key]),
            approvals: ConnectionApprovals(1, classes: ["external": 2]))
        #expect(request.approvals == 2 && request.check == .key)
    }

    @Test("keep every preview, and are none where there is nothing")
    func previews() throws {
        let engine = GuardEngine()
        func send(_ to: String) throws -> Verdict {
            let body: JSONValue = [
                "message": ["subject": "s", "toRecipients": [["emailAddress": ["address": .string(to)]]]]
            ]
            return engine.judge(
                GuardedRequest(
                    method: "POST", target: try RequestTarget(parsing: "/me/sendMail", service: .graph),
                    body: .json(body)), policy: .standard)
        }
        let joined = try #require(
            Verdict.joined([try send("a@x.example"), verdict(Self.forwarding), try send("b@x.example")]))
        #expect(joined.previews.count == 2)
        #expect(Verdict.joined([Verdict]()) == nil)
        #expect(Verdict.joined([verdict(Self.forwarding)]) == verdict(Self.forwarding))
    }

    @Test("of many changes are asked about as a change to many", arguments: [(10, GuardDecision.allow), (11, .ask)])
    func many(count: Int, decision: GuardDecision) throws {
        let joined = try #require(Verdict.joined((0..<count).map { verdict("Set-Mailbox u\($0) -Office x") }))
        let told = joined.changing(count, by: "Taking back \(count) changes", instead: "Look first.")
        #expect(told.decision == decision)
        #expect(told.asking.contains { $0.rule == "bulk" } == (decision == .ask))
        #expect(joined.changing(count, by: "x", instead: "y").guardClass == .write)
    }

    @Test("on requests count the objects, alone or in a batch", arguments: [(10, GuardDecision.allow), (11, .ask)])
    func requests(count: Int, decision: GuardDecision) throws {
        let engine = GuardEngine()
        func request(_ method: String, _ path: String, _ body: JSONValue? = nil) throws -> GuardedRequest {
            GuardedRequest(
                method: method, target: try RequestTarget(parsing: path, service: .graph),
                body: body.map(RequestBody.json) ?? .none)
        }
        func isHeld(_ requests: [GuardedRequest]) -> Bool {
            let verdict = engine.judge(requests, policy: .standard)
            #expect(verdict?.asking.contains { $0.rule == "bulk" } == (verdict?.decision == .ask))
            return verdict?.decision == .ask
        }
        let places = (0..<count).map { "/users/u\($0)" }
        let changes = try places.map { try request("PATCH", $0, ["city": "Rome"]) }
        #expect(isHeld(changes + changes) == (decision == .ask))
        let lists = try (0..<count).map { try request("POST", "/me/todo/lists", ["displayName": .string("l\($0)")]) }
        #expect(isHeld(lists) == (decision == .ask))
        let reads = try places.map { try request("GET", $0) }
        #expect(!isHeld(reads + changes.prefix(1)))
        let items = places.map { place -> JSONValue in
            ["id": .string(place), "method": "PATCH", "url": .string(place), "body": ["city": "Rome"]]
        }
        let batch = try request("POST", "/$batch", ["requests": .array(items)])
        #expect(isHeld([batch]) == (decision == .ask))
        #expect(engine.judge(batch, policy: .standard).decision == decision)
        let text = JSONWriter.string(["requests": .array(items)])
        #expect(
            engine.judge(
                script: "Invoke-MgGraphRequest -Method POST -Uri '/v1.0/$batch' -Body '\(text)'",
                in: ScriptContext(module: "graph"), policy: .standard
            ).decision == decision)
        #expect(engine.judge([], policy: .standard) == nil)
    }
}
