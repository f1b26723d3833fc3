import Glibc
import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Signing in with a machine's identity", .timeLimit(.minutes(5)))
struct ManagedIdentityTests {
    let home: TestHome
    let clock = TestClock()

    init() throws { home = try TestHome() }

    static let identity = "11111111-2222-3333-4444-555555555555"

    private static func answer(_ changes: JSONObject = [:]) -> HTTPResponse {
        let claims: JSONObject = ["appid": .string(identity)]
        return .json([
            "access_token": .string(Contoso.accessToken(claims.with(changes))),
            "expires_on": "1767229199", "resource": "https://graph.microsoft.com", "token_type": "Bearer",
        ])
    }

    private func connection(_ auth: JSONObject = [:]) throws -> Connection {
        let method: JSONObject = ["method": "managed-identity"]
        return try Contoso.app(method.with(auth), more: ["appId": .null])
    }

    private func service(
        _ transport: ScriptedTransport, environment: [String: String] = [:]
    ) -> IdentityService {
        let clock = clock
        return IdentityService(
            paths: home.paths, environment: environment,
            transport: ScriptedTransport { _, _ throws(HTTPError) in throw HTTPError(.proxy, "the proxy was asked") },
            direct: transport, clock: clock.wall
        ) { wait in
            clock.advance(wait.components.seconds)
            try Task.checkCancellation()
        }
    }

    @Test("a virtual machine asks its metadata service without the proxy, and no app registration is needed")
    func metadata() async throws {
        let transport = ScriptedTransport { request, _ in
            request.headers["Metadata"] == nil ? HTTPResponse(status: 400) : Self.answer()
        }
        let token = try await service(transport).token(for: try connection())
        #expect(token.account.appID == Self.identity && token.account.isApp)
        #expect(token.expiresAt == Timestamp(seconds: 1_767_229_199), "the end is told as text of seconds")
        let request = try #require(transport.requests.last)
        #expect(
            request.url
                == "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"
                + "&resource=https%3A%2F%2Fgraph.microsoft.com")
        #expect(request.headers["Metadata"] == "true")
        #expect(transport.requests.count == 2)
        // The cache serves it from here on, under MSAL's name for the machine's own identity.
        _ = try await service(ScriptedTransport { _, _ in HTTPResponse(status: 500) }).token(for: try connection())
        let entry = try #require(try home.object("Contoso.json")["AccessToken"]?.object?.first?.value)
        #expect(entry["client_id"] == "SYSTEM_ASSIGNED_MANAGED_IDENTITY")
    }

    @Test("an end of the token's life that can't be true means an ended token", arguments: [Int64.min, -1, 0])
    func endBeforeAllTime(seconds: Int64) async throws {
        let transport = ScriptedTransport { request, _ in
            guard request.headers["Metadata"] != nil else { return HTTPResponse(status: 400) }
            return .json(["access_token": .string(Contoso.accessToken()), "expires_on": .string("\(seconds)")])
        }
        let token = try? await service(transport).token(for: try connection())
        #expect(!transport.requests.isEmpty)
        #expect(token.map { $0.expiresAt <= clock.wall.now } ?? true)
    }

    @Test(
        "a user-assigned identity is named as each service requires",
        arguments: [
            ("clientId", [:], "client_id"), ("objectId", [:], "object_id"), ("resourceId", [:], "msi_res_id"),
            ("clientId", ["IDENTITY_ENDPOINT": "http://127.0.0.1:41/msi", "IDENTITY_HEADER": "FAKE-key"], "client_id"),
            (
                "resourceId", ["IDENTITY_ENDPOINT": "http://127.0.0.1:41/msi", "IDENTITY_HEADER": "FAKE-key"],
                "mi_res_id"
            ),
            ("clientId", ["MSI_ENDPOINT": "http://127.0.0.1:41/msi", "MSI_SECRET": "FAKE-key"], "clientid"),
        ] as [(String, [String: String], String)])
    func chosen(field: String, environment: [String: String], parameter: String) async throws {
        let transport = ScriptedTransport { _, _ in Self.answer() }
        _ = try await service(transport, environment: environment).token(
            for: try connection([field: .string(Self.identity)]))
        let request = try #require(transport.requests.last)
        #expect(request.url.contains("&\(parameter)=\(Self.identity)"))
    }

    @Test("App Service and Automation are asked at their address with their key")
    func appService() async throws {
        let transport = ScriptedTransport { _, _ in Self.answer() }
        let environment = ["IDENTITY_ENDPOINT": "http://169.254.255.2:8081/msi/token", "IDENTITY_HEADER": "FAKE-key"]
        _ = try await service(transport, environment: environment).token(for: try connection())
        let request = try #require(transport.requests.first)
        #expect(request.url.hasPrefix("http://169.254.255.2:8081/msi/token?api-version=2019-08-01&resource="))
        #expect(request.headers["X-IDENTITY-HEADER"] == "FAKE-key" && request.headers["Metadata"] == "true")
    }

    @Test("Azure Arc gets a key from a file in its folder")
    func arc() async throws {
        let folder = "\(home.path)/tokens"
        try home.write("\(folder)/0815.key", Array("FAKE-arc-key".utf8))
        let transport = ScriptedTransport { request, _ in
            request.headers["Authorization"] == "Basic FAKE-arc-key"
                ? Self.answer()
                : HTTPResponse(status: 401, headers: ["WWW-Authenticate": "Basic realm=/elsewhere/0815.key"])
        }
        let answer = try await grant(transport, folder: folder).token(target(), .graph, claims: nil, deadline: .never)
        #expect(answer.accessToken.reveal() == Contoso.accessToken(["appid": .string(Self.identity)]))
    }

    @Test(
        "a challenge that names no key in that folder reveals no file",
        arguments: [
            "Basic realm=/etc/passwd", "Basic realm=", "Basic", "Basic realm=/var/../.key", "Basic realm=missing.key",
        ])
    func arcTricks(challenge: String) async throws {
        let transport = ScriptedTransport { _, _ in
            HTTPResponse(status: 401, headers: ["WWW-Authenticate": challenge])
        }
        await #expect(throws: MMError.self) {
            try await grant(transport, folder: "\(home.path)/tokens").token(
                target(), .graph, claims: nil, deadline: .never)
        }
        #expect(transport.requests.allSatisfy { $0.headers["Authorization"] == nil })
    }

    @Test("a key that is a link, or not only a key, isn't read")
    func arcFiles() async throws {
        let folder = "\(home.path)/tokens"
        try home.write("\(folder)/big.key", [UInt8](repeating: 0x41, count: 5000))
        try #require(symlink("/etc/hostname", "\(folder)/link.key") == 0)
        for name in ["big.key", "link.key"] {
            let transport = ScriptedTransport { _, _ in
                HTTPResponse(status: 401, headers: ["WWW-Authenticate": "Basic realm=\(folder)/\(name)"])
            }
            let fault = await #expect(throws: MMError.self) {
                try await grant(transport, folder: folder).token(target(), .graph, claims: nil, deadline: .never)
            }
            #expect(fault?.code == .forbidden && fault?.hint?.contains("himds") == true)
            #expect(transport.requests.count == 1)
        }
    }

    private func grant(_ transport: ScriptedTransport, folder: String) -> ManagedIdentityGrant {
        ManagedIdentityGrant(
            identity: .system,
            surroundings: CredentialContext(
                paths: home.paths,
                environment: [
                    "IDENTITY_ENDPOINT": "http://localhost:40342/token", "IMDS_ENDPOINT": "http://localhost:40342",
                ],
                transport: transport, direct: transport, clock: clock.wall, log: .off, pause: { _ in }),
            keyFolder: folder)
    }

    private func target() throws -> SignInTarget {
        try SignInTarget(
            try connection(), by: .managedIdentity(.system), resource: .graph, paths: home.paths, environment: [:])
    }

    @Test("a machine without a metadata service gets an error at once")
    func elsewhere() async throws {
        let transport = ScriptedTransport { _, _ throws(HTTPError) in throw HTTPError(.timeout, "nobody is there") }
        let error = await #expect(throws: MMError.self) { try await service(transport).token(for: try connection()) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("no managed identity") == true && error?.hint?.contains("certificate") == true)
        #expect(transport.requests.count == 1)
        #expect(transport.requests.allSatisfy { $0.timeout <= .seconds(2) })
    }

    @Test("a metadata service that is being updated is asked again, one without an identity isn't")
    func repeated() async throws {
        let busy = ScriptedTransport { request, number in
            if request.headers["Metadata"] == nil { return HTTPResponse(status: 400) }
            return number < 4 ? HTTPResponse(status: 410) : Self.answer()
        }
        _ = try await service(busy).token(for: try connection())
        #expect(busy.requests.count == 5)
        try home.write("Contoso.json", Array("{}".utf8))
        let none = ScriptedTransport { _, _ in
            .json(["error": "invalid_request", "error_description": "Identity not found"], status: 400)
        }
        let error = await #expect(throws: MMError.self) { try await service(none).token(for: try connection()) }
        #expect(error?.code == .invalidInput && error?.message.contains("Identity not found") == true)
        #expect(none.requests.count == 2)
    }

    @Test("an identity pinned by its first token is required from then on")
    func pinned() async throws {
        _ = try await service(ScriptedTransport { _, _ in Self.answer() }).token(for: try connection())
        try home.write("Contoso.json", Array("{}".utf8))
        let other = ScriptedTransport { _, _ in Self.answer(["oid": "99999999-2222-3333-4444-555555555555"]) }
        let error = await #expect(throws: MMError.self) { try await service(other).token(for: try connection()) }
        #expect(error?.code == .forbidden && error?.hint?.contains("--forget-account") == true)
    }

    @Test("an invalid address is reported, and Service Fabric isn't mistaken for App Service")
    func environments() throws {
        let odd = #expect(throws: MMError.self) {
            try MachineIdentityEndpoint.found(in: ["IDENTITY_ENDPOINT": "file:///etc", "IDENTITY_HEADER": "x"])
        }
        #expect(odd?.code == .invalidInput)
        let fabric = #expect(throws: MMError.self) {
            try MachineIdentityEndpoint.found(in: [
                "IDENTITY_ENDPOINT": "https://localhost:1/", "IDENTITY_HEADER": "x", "IDENTITY_SERVER_THUMBPRINT": "y",
            ])
        }
        #expect(fabric?.code == .unsupported)
    }
}
