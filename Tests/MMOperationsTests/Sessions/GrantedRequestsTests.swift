import MMCore
import MMGuard
import MMHTTP
import MMIdentity
import Testing

@testable import MMEgress
@testable import MMOperations

@Suite("What a session may send", .timeLimit(.minutes(5)))
struct GrantedRequestsTests {
    private let home = JobHome()

    /// Somebody who is there, and says always the same.
    private struct Somebody: ConfirmingPerson {
        let saysYes: Bool
        func showSignIn(_ details: JSONObject) async {}
        func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool { saysYes }
    }

    private func requests() -> GrantedRequests {
        GrantedRequests(guards: home.services.guards, policy: .standard)
    }

    /// The turn of a call whose text only reads.
    private func turn(_ person: (any ConfirmingPerson)? = nil) throws -> CallTurn {
        let context = OperationContext(
            call: CallContext(caller: Caller(surface: .terminal, name: "", server: nil), person: person),
            deadline: .never, record: CallRecord())
        let verdict = GuardEngine.standard.judge(script: "Get-MgUser", module: .graph)
        let connection = try Connection(name: "Contoso", tenant: "contoso.example")
        return CallTurn(
            of: context, CallAuthority(verdict: verdict, text: "Get-MgUser"), connection: connection, module: "graph",
            with: home.services.guardServices)
    }

    private func request(_ method: String, number: UInt64 = 1) throws -> DescribedRequest {
        let cloud = try Cloud.named("public", paths: home.services.paths)
        let name = try #require(PlainHostName("graph.microsoft.com:443"))
        let place = try #require(EgressHosts(cloud: cloud).place(name, isSecure: true))
        return DescribedRequest(
            number: number, session: "Contoso/graph", place: place, method: method,
            target: "/v1.0/users/anna@contoso.example", headers: [:], body: .none, account: nil)
    }

    /// What a request is refused with; nil for one that is sent.
    private func refusal(_ requests: GrantedRequests, _ request: DescribedRequest) async -> String? {
        switch await requests.judge(request) {
        case .allow: nil
        case .refuse(_, let refusal): refusal.code
        case .hold(_, let decision): await decision()?.code
        }
    }

    @Test("between calls it only reads")
    func between() async throws {
        let requests = requests()
        #expect(await refusal(requests, try request("GET")) == nil)
        #expect(await refusal(requests, try request("DELETE")) == "outside_call")
        requests.begin(try turn(Somebody(saysYes: true)))
        _ = requests.end()
        #expect(await refusal(requests, try request("DELETE")) == "outside_call")
    }

    @Test("a call that reads asks before it sends anything else", arguments: [(true, nil), (false, "denied")])
    func asked(_ saysYes: Bool, _ code: String?) async throws {
        let requests = requests()
        requests.begin(try turn(Somebody(saysYes: saysYes)))
        #expect(await refusal(requests, try request("DELETE")) == code)
        let traffic = requests.end()
        #expect(traffic.error == nil && traffic.report.sent.count == (saysYes ? 1 : 0))
    }

    @Test("what lasts goes on as long as its call, and no longer")
    func lasting() async throws {
        let requests = requests()
        requests.begin(try turn(Somebody(saysYes: true)))
        #expect(await refusal(requests, try request("DELETE", number: 7)) == nil)
        #expect(requests.holds(7) && !requests.holds(8))
        _ = requests.end()
        #expect(!requests.holds(7))
        requests.begin(try turn(Somebody(saysYes: true)))
        #expect(!requests.holds(7))
    }

    @Test("where nobody can be asked, the call ends with the question, and a yes lets exactly that request pass later")
    func later() async throws {
        let requests = requests()
        let first = try turn()
        requests.begin(first)
        #expect(await refusal(requests, try request("DELETE")) == "confirmation_needed")
        #expect(await refusal(requests, try request("PATCH", number: 2)) == "confirmation_needed")
        #expect(await refusal(requests, try request("GET", number: 3)) == nil)
        var traffic = requests.end()
        traffic.pending = await first.pending(try #require(traffic.report.question))
        let pending = try #require(traffic.pending)
        let error = try #require(traffic.error)
        #expect(error.code == .confirmationNeeded && error.details["token"] == .string(pending.token))

        _ = try await home.services.ledger.approve(
            pending.token, digest: pending.digest, by: Approver(person: "Ann", means: "terminal"))
        requests.begin(try turn())
        #expect(await refusal(requests, try request("PATCH", number: 4)) == "confirmation_needed")
        requests.begin(try turn())
        #expect(await refusal(requests, try request("DELETE", number: 5)) == nil)
        #expect(requests.end().error == nil)
        requests.begin(try turn())
        #expect(await refusal(requests, try request("DELETE", number: 6)) == "confirmation_needed")
    }
}
