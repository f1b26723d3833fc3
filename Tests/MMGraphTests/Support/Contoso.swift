import MMCore
import MMHTTP
import MMIdentity
import TestSupport
import Testing

@testable import MMGraph

/// A signed-in connection to the tenant of the fixtures, with its own home folder.
final class Contoso: Sendable {
    static let tenant = "0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811"
    static let app = "5a1c9e70-2d34-4b6f-8e19-c0ffee5eed01"
    static let objectID = "b7e2f4a0-91cd-4e3b-a6d5-1f0c2e3d4a5b"

    let home: TestHome
    let network: FakeNetwork
    let waits = Waits()

    init(_ network: FakeNetwork) throws {
        home = try TestHome()
        self.network = network
        // The recorded cache with tokens that are valid longer.
        let cache = String(decoding: JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json")), as: UTF8.self)
            .replacing("1767230421", with: "4000000000")
        try home.write("Contoso.json", Array(cache.utf8))
    }

    var connection: Connection {
        get throws {
            try Connection(
                name: "Contoso",
                entry: [
                    "appId": .string(Self.app), "tenantId": .string(Self.tenant),
                    "expectedEmail": "adele.admin@contoso.example", "sharepoint_host": "contoso",
                ])
        }
    }

    func client(_ service: RequestService = .graph, transport: (any HTTPTransport)? = nil) throws -> GraphClient {
        try GraphClient(
            identity: identity(transport ?? network), connection: try connection, service: service,
            sharePointLabel: nil, jitter: { 1 })
    }

    /// The service whose waits pass at once.
    func identity(_ transport: any HTTPTransport) -> IdentityService {
        let waits = waits
        return IdentityService(paths: home.paths, transport: transport, clock: waits.clock) { wait in
            waits.add(wait)
            try Task.checkCancellation()
        }
    }

    /// A success of the token endpoint.
    static func tokens(_ access: String) -> HTTPResponse {
        let claims: JSONObject = [
            "aud": .string(app), "iss": .string("https://login.microsoftonline.com/\(tenant)/v2.0"),
            "exp": 4_000_000_000,
            "oid": .string(objectID), "tid": .string(tenant), "preferred_username": "adele.admin@contoso.example",
        ]
        let token = "e30.\(Base64.text(JSONWriter.bytes(.object(claims)), alphabet: .url))."
        return .json(
            JSONWriter.string([
                "token_type": "Bearer", "access_token": .string(access), "expires_in": 3600,
                "refresh_token": "next", "id_token": .string(token), "scope": "https://graph.microsoft.com/.default",
            ]))
    }
}

/// Requested pauses; they pass at once and advance the clock.
final class Waits: Sendable {
    private let list = Mutex<[Duration]>([])
    func add(_ wait: Duration) { list.withLock { $0.append(wait) } }
    var all: [Duration] { list.withLock { $0 } }
    /// The pauses that services or the retry policy asked for; the rest are gaps between consecutive requests.
    var told: [Duration] { all.filter { $0 >= .milliseconds(450) } }
    /// The time of day.
    var clock: WallClock {
        WallClock { self.all.reduce(Timestamp(seconds: 1_767_225_600)) { $0 + $1 } }
    }
}
