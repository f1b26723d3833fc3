import MMCore
import Testing

@testable import MMOperations

@Suite(
    "Passkeys of the page", .timeLimit(.minutes(5)),
    .enabled(if: PluggedSecurityKey.isSupported, "needs libfido2 (apt-get install libfido2-1)"))
struct PasskeyTests {
    private let home = JobHome()
    private static let origin = "http://localhost:5200"
    private static let challenge = SHA256.digest(Array("a challenge".utf8))

    private var ring: SecurityKeyRing { SecurityKeyRing(paths: home.services.paths) }

    private static func client(
        _ type: String, challenge: [UInt8] = challenge, origin: String = origin, more: String = #""crossOrigin":false"#
    ) -> String {
        Base64.text(
            Array(
                "{\"type\":\"\(type)\",\"challenge\":\"\(Base64.text(challenge, alphabet: .url))\",\"origin\":\"\(origin)\",\(more)}"
                    .utf8), alphabet: .url)
    }

    private func register(_ sample: PasskeySample, client: String = client("webauthn.create")) async throws {
        let data = try PasskeyData(
            json: [
                "id": .string(sample.id), "clientData": .string(client), "authenticatorData": .string(sample.creation),
            ], isNew: true)
        try await ring.add(
            try data.newKey(
                challenge: Self.challenge, origin: Self.origin, party: "localhost", name: sample.algorithm, owner: "ann"
            ))
    }

    private func verify(
        _ sample: PasskeySample, client: String = client("webauthn.get"), authenticator: [UInt8]? = nil,
        signature: String? = nil, id: String? = nil, party: String = "localhost", origin: String = origin
    ) async throws -> SecurityKey {
        let data = authenticator.map { Base64.text($0, alphabet: .url) } ?? sample.assertion
        return try await ring.verify(
            try PasskeyData(json: [
                "id": .string(id ?? sample.id), "clientData": .string(client), "authenticatorData": .string(data),
                "signature": .string(signature ?? sample.signature),
            ]), challenge: Self.challenge, origin: origin, party: party)
    }

    @Test("of every algorithm are registered and recognised, once for each count", arguments: PasskeySample.all)
    func recognised(_ sample: PasskeySample) async throws {
        try await register(sample)
        let key = try await verify(sample)
        #expect(key.name == sample.algorithm && key.owner == "ann" && key.isPasskey && key.count == 2)
        // The same count again: the answer was recorded, or the key was copied.
        let again = await #expect(throws: MMError.self) { _ = try await verify(sample) }
        #expect(again?.message.contains("count") == true)
        await #expect(throws: MMError.self) { try await register(sample) }
    }

    @Test("a signature counts for nothing but its challenge, page, person and key", arguments: PasskeySample.all)
    func bound(_ sample: PasskeySample) async throws {
        try await register(sample)
        let wrong: [(String, String)] = [
            (Self.client("webauthn.create"), "type"),
            (Self.client("webauthn.get", challenge: Array(repeating: 7, count: 32)), "challenge"),
            (Self.client("webauthn.get", origin: "http://localhost:5201"), "origin"),
            (Self.client("webauthn.get", more: #""crossOrigin":true"#), "origin"),
            (Self.client("webauthn.get", more: #""topOrigin":"https://evil.example""#), "origin"),
            (Self.client("webauthn.get", more: #""other":1"#), "signature"),
            ("e30", "type"),
        ]
        for (client, word) in wrong {
            let error = await #expect(throws: MMError.self) { _ = try await verify(sample, client: client) }
            #expect(
                error?.code == .forbidden && error?.message.contains(word) == true, "\(word): \(error?.message ?? "")")
        }
        let good = try #require(Base64.bytes(sample.assertion, alphabet: .url))
        // Not there, not verified, another site, another count, cut off.
        for (place, value, word) in [
            (32, 0x04, "nobody"), (32, 0x01, "verify"), (0, good[0] ^ 1, "site"), (36, 9, "signature"),
        ] {
            var changed = good
            changed[place] = UInt8(value)
            let error = await #expect(throws: MMError.self) { _ = try await verify(sample, authenticator: changed) }
            #expect(error?.message.contains(word) == true, "\(word): \(error?.message ?? "")")
        }
        await #expect(throws: MMError.self) { _ = try await verify(sample, authenticator: Array(good.prefix(36))) }
        await #expect(throws: MMError.self) { _ = try await verify(sample, id: "AAAA") }
        await #expect(throws: MMError.self) { _ = try await verify(sample, party: "mm.example.com") }
        let other = try #require(PasskeySample.all.first { $0.algorithm != sample.algorithm })
        await #expect(throws: MMError.self) { _ = try await verify(sample, signature: other.signature) }
        // None of it spoilt the key, and once removed it counts no longer.
        _ = try await verify(sample)
        try await ring.remove(sample.algorithm)
        await #expect(throws: MMError.self) { _ = try await verify(sample) }
    }

    @Test("a passkey is no key of the terminal, and the terminal's are none of a page")
    func apart() async throws {
        try await register(PasskeySample.all[0])
        let error = await #expect(throws: MMError.self) { try await ring.prove("digest") }
        #expect(error?.hint?.contains("mm key add") == true)
    }

    @Test(
        "only the pool's own page has passkeys: over TLS, or as localhost",
        arguments: [
            ("http://localhost:5200", "localhost:5200", true), ("https://mm.example.com", "mm.example.com", true),
            ("https://mm.example.com", "mm.example.com:8443", true), ("http://mm.example.com", "mm.example.com", false),
            ("http://127.0.0.1:5200", "127.0.0.1:5200", false), ("https://[::1]:5200", "[::1]:5200", false),
            ("http://localhost:9999", "localhost:5200", false), ("https://evil.example", "mm.example.com", false),
            ("null", "localhost:5200", false), ("file://localhost", "localhost", false), (nil, "localhost:5200", false),
        ] as [(String?, String, Bool)])
    func pages(_ origin: String?, _ host: String, _ isOwn: Bool) {
        let page = try? PageOrigin(origin: origin, host: host)
        #expect((page != nil) == isOwn)
    }
}
