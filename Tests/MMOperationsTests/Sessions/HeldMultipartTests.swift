import Glibc
import MMCore
import MMEgress
import MMGuard
import MMHTTP
import MMIdentity
import MMSystem
import Testing

@testable import MMOperations

private let curl = ExecutableSearch.find("curl", path: "/usr/bin:/bin")

/// curl makes up another boundary each time it sends a form.
@Suite("A form that waits for a person", .timeLimit(.minutes(5)), .enabled(if: curl != nil, "needs curl"))
struct HeldMultipartTests {
    /// Sends what is meant for any host to one server of this machine.
    private struct Redirected: HTTPTransport {
        let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))
        let port: UInt16

        func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
            try await client.send(turned(request))
        }
        func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
            try await client.open(turned(request))
        }
        func connect(_ request: HTTPRequest) async throws(HTTPError) -> HTTPTunnel {
            try await client.connect(turned(request))
        }

        private func turned(_ request: HTTPRequest) -> HTTPRequest {
            var request = request
            request.url = "http://127.0.0.1:\(port)/"
            request.allowsPlainHTTP = true
            return request
        }
    }

    private struct NoTokens: TokenSource {
        func token(for need: TokenNeed) async throws(MMError) -> Secret { throw MMError(.signInNeeded, "no token") }
    }

    private let home = JobHome()

    private func turn() throws -> CallTurn {
        let context = OperationContext(
            call: CallContext(caller: Caller(surface: .mcp, name: "", server: nil)), deadline: .never,
            record: CallRecord())
        let verdict = GuardEngine.standard.judge(script: "Get-MgUser", module: .graph)
        return CallTurn(
            of: context, CallAuthority(verdict: verdict, text: "Get-MgUser"),
            connection: try Connection(name: "Contoso", tenant: "contoso.example"), module: "graph",
            with: home.services.guardServices)
    }

    /// Sends a form.
    /// - Returns: the status of the answer.
    private func form(_ value: String, over wire: EgressSession) async throws -> String {
        var environment = wire.environment
        environment["PATH"] = "/usr/bin:/bin"
        let done = try await ChildProcess.run(
            ChildCommand(
                try #require(curl),
                [
                    "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-F", "name=\(value)", "-F", "kind=report",
                    "https://contoso.crm4.dynamics.com/api/data/v9.2/Upload",
                ], environment: environment), timeout: .seconds(300))
        return String(decoding: done.output, as: UTF8.self)
    }

    @Test("a later yes lets the same form pass whatever boundary its client makes up, once, and no other form")
    func later() async throws {
        Signals.ignoreBrokenPipes()
        let received = Received()
        let upstream = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { request in
            received.add(String(decoding: request.body, as: UTF8.self))
            return .text("{}")
        }
        let requests = GrantedRequests(guards: home.services.guards, policy: .standard)
        let cloud = try Cloud.named("public", paths: home.services.paths)
        var configuration = EgressConfiguration(
            session: "Contoso/graph", hosts: EgressHosts(cloud: cloud), judge: requests, tokens: NoTokens(),
            folder: home.path, environment: [:],
            events: { event in
                if case .request(let record) = event { _ = requests.ended(record) }
            })
        configuration.transport = Redirected(port: upstream.port)
        let wire = try await EgressSession.start(configuration)

        let first = try turn()
        requests.begin(first)
        #expect(try await form("one", over: wire) == "403")
        let question = try #require(requests.end().report.question)
        let pending = try #require(await first.pending(question))
        #expect(received.all.isEmpty)
        _ = try await home.services.ledger.approve(
            pending.token, digest: pending.digest, by: Approver(person: "Ann", means: "terminal"))

        requests.begin(try turn())
        #expect(try await form("two", over: wire) == "403")
        _ = requests.end()
        requests.begin(try turn())
        #expect(try await form("one", over: wire) == "200")
        _ = requests.end()
        requests.begin(try turn())
        #expect(try await form("one", over: wire) == "403")
        _ = requests.end()
        #expect(received.all.count == 1)
        let sent = received.all.first ?? ""
        #expect(sent.contains("one") && sent.contains("report") && !sent.contains("mm-boundary"), "\(sent)")

        await wire.close()
        await upstream.stop(graceful: .zero)
    }

    /// The bodies that reached the service.
    private final class Received: Sendable {
        private let bodies = Mutex<[String]>([])
        func add(_ body: String) { bodies.withLock { $0.append(body) } }
        var all: [String] { bodies.withLock { $0 } }
    }
}
