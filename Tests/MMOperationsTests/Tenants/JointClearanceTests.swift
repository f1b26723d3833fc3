import MMCore
import MMDesk
import MMGraph
import MMGuard
import Testing

@testable import MMOperations

@Suite("The question about several connections", .timeLimit(.minutes(5)))
struct JointClearanceTests {
    @Test(
        "says how many they are, and what it is about where one is left of them",
        arguments: [(1, "It is the rest of a change"), (2, "in 2 connections"), (3, "in 3 connections")])
    func reason(count: Int, reason: String) throws {
        let request = try GraphRequest(
            method: "PATCH", target: RequestTarget(parsing: "/v1.0/users/u", service: .graph), json: ["city": "Rome"])
        let verdict = GuardEngine.standard.judge(request.guarded, policy: .standard)
        let all = (1...count).map { number in
            (
                member: SetFolder.Member(name: "T\(number)", tenant: "t"),
                request: ConfirmationRequest(
                    connection: "T\(number)", module: "graph-api", title: "a", text: "PATCH /v1.0/users/u",
                    verdict: verdict)
            )
        }
        let question = try #require(JointClearance.question(about: all))
        #expect(question.verdict.decision == .ask && question.verdict.reason.contains(reason))
    }

    @Test(
        "lets through what was judged and confirmed, and nothing else: a changed request is refused or asked about",
        arguments: [true, false])
    func others(refusesOthers: Bool) throws {
        let context = OperationContext(
            call: CallContext(caller: Caller(surface: .terminal, name: "test", server: nil)),
            deadline: .after(.seconds(300)), record: CallRecord())
        func request(_ identity: String) -> ConfirmationRequest {
            let script = "Remove-Mailbox \(identity)"
            return ConfirmationRequest(
                connection: "Demo", module: "exo", title: "run in exo", text: script,
                verdict: GuardEngine.standard.judge(
                    script: script, in: ScriptContext(module: "exo"), policy: .standard))
        }
        let clearance = JointClearance(refusesOthers: refusesOthers)
        for name in ["ann", "ben"] {
            #expect(throws: MMError.self) { try clearance.consent(to: request(name), in: context) }
        }
        let question = ConfirmationRequest(
            connection: "Demo", module: "exo", title: "all", text: "both", verdict: request("ann").verdict)
        let consent = try #require(Consent.signed(question, by: ["ada"]))
        let cleared = try #require(Judged(clearance.requests, question).cleared(by: consent))
        clearance.permit(cleared, with: question.digest, approvedBy: nil)
        for name in ["ann", "ben"] {
            let given = try #require(try clearance.consent(to: request(name), in: context))
            #expect(Judged((), request(name)).cleared(by: given) != nil)
            #expect(Judged((), request("eve")).cleared(by: given) == nil)
        }
        if refusesOthers {
            #expect(throws: MMError.self) { try clearance.consent(to: request("eve"), in: context) }
        } else {
            #expect(try clearance.consent(to: request("eve"), in: context) == nil)
        }
    }
}
