import MMCore
import MMDesk
import MMGuard
import MMHTTP
import MMIdentity
import TestSupport
import Testing

@testable import MMOperations

/// A service whose delta link has become too old; remembers which addresses were asked.
private final class ForgetfulService: HTTPTransport {
    static let base = "https://graph.microsoft.com/v1.0"
    private let asked = Mutex<[String]>([])
    private let location: String?

    init(location: String?) { self.location = location }

    var addresses: [String] { asked.withLock { $0 } }

    func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        asked.withLock { $0.append(String(request.url.dropFirst(Self.base.count))) }
        var headers: HTTPHeaders = ["Content-Type": "application/json"]
        guard !request.url.contains("token=old") else {
            if let location { headers.set("Location", location) }
            return HTTPResponse(
                status: 410, headers: headers,
                body: Array(#"{"error":{"code":"resyncRequired","message":"Resync required."}}"#.utf8))
        }
        if request.url.contains("token=half") {
            let half = #"{"value":[{"id":"1"}],"@odata.nextLink":"\#(Self.base)/users/delta?$skiptoken=old"}"#
            return HTTPResponse(status: 200, headers: headers, body: Array(half.utf8))
        }
        let next = #"{"value":[{"id":"1"},{"id":"2"}],"@odata.deltaLink":"\#(Self.base)/users/delta?$deltatoken=new"}"#
        return HTTPResponse(status: 200, headers: headers, body: Array(next.utf8))
    }

    func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
        let response = try await send(request)
        return HTTPStream(status: response.status, headers: response.headers, chunks: HTTPBody([response.body]))
    }
}

@Suite("Changes since a link that the service no longer knows", .timeLimit(.minutes(5)))
struct ChangesReaderTests {
    private let home: TestHome

    init() throws { home = try TestHome() }

    @Test(
        "are read anew from where the service says, or from the beginning, and the next link is kept",
        arguments: [
            (ForgetfulService.base + "/users/delta?$deltatoken=fresh", "/users/delta?$deltatoken=fresh"),
            ("/v1.0/users/delta?$deltatoken=relative", "/users/delta?$deltatoken=relative"),
            (nil, "/users/delta?$select=id"),
            // No token goes to an address of somebody else.
            ("https://graph.microsoft.com.evil.example/users/delta?x", "/users/delta?$select=id"),
        ] as [(String?, String)])
    func resync(location: String?, followed: String) async throws {
        let service = ForgetfulService(location: location)
        let (reader, connection) = try reader(service, since: "old")
        let answer = try await reader.answer(connection: connection)
        guard case .items(let items) = answer.body else {
            Issue.record("no rows")
            return
        }
        var rows = 0
        while let batch = try await items.next() { rows += batch.count }
        #expect(rows == 2)
        #expect(service.addresses == ["/users/delta?$deltatoken=old", followed])
        let note = answer.notes.joined()
        #expect(note.contains("full read again"))
        // Rows that were fetched may still fail to reach the reader.
        #expect(try reader.memory.read()?.link != ForgetfulService.base + "/users/delta?$deltatoken=new")
        try await answer.delivered()
        #expect(try reader.memory.read()?.link == ForgetfulService.base + "/users/delta?$deltatoken=new")
    }

    @Test("are read anew by the next call, if the service says so in the middle")
    func resyncInBetween() async throws {
        let (reader, connection) = try reader(ForgetfulService(location: nil), since: "half")
        let answer = try await reader.answer(connection: connection)
        guard case .items(let items) = answer.body else {
            Issue.record("no rows")
            return
        }
        let error = await #expect(throws: MMError.self) { while try await items.next() != nil {} }
        #expect(error?.hint?.contains("Repeat the call") == true)
        #expect(try reader.memory.read() == nil)
    }

    /// Returns a reader of changes whose last call kept a link with a token.
    private func reader(_ service: ForgetfulService, since token: String) throws -> (ChangesReader, Connection) {
        let connection = try Connection(
            name: "Contoso",
            entry: [
                "appId": "5a1c9e70-2d34-4b6f-8e19-c0ffee5eed01", "tenantId": "0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811",
            ])
        let claims =
            #"{"aud":"https://graph.microsoft.com","tid":"0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811","oid":"b7e2f4a0-91cd-4e3b-a6d5-1f0c2e3d4a5b","appid":"5a1c9e70-2d34-4b6f-8e19-c0ffee5eed01","upn":"adele@contoso.example","scp":"User.Read","exp":4000000000}"#
        let bearer = Secret("e30.\(Base64.text(Array(claims.utf8), alphabet: .url)).FAKE")
        let identity = IdentityService(
            paths: home.paths, transport: service,
            methods: ["Contoso": .token(ClosureTokenProvider { _ in ProvidedAccessToken(bearer) })])
        let client = try GuardedClient(identity: identity, connection: connection)
        let request = try GraphRequest(target: client.target("/users/delta?$select=id"))
        let question = ConfirmationRequest(
            on: connection, module: "graph-api", title: "GET", text: request.target.pathAndQuery,
            verdict: GuardEngine().judge(request.guarded, policy: .standard))
        let cleared = try #require(Judged([request], question).allowed)
        let memory = ChangesMemory(
            connection: connection, service: .graph, target: request.target, paths: home.paths)
        try memory.keep(ForgetfulService.base + "/users/delta?$deltatoken=\(token)")
        let reader = ChangesReader(
            client: client, request: request, cleared: cleared, memory: memory, deadline: .after(.seconds(300)),
            progress: ItemProgress { _ in })
        return (reader, connection)
    }
}
