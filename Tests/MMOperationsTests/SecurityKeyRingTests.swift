import Glibc
import MMCore
import MMSystem
import Testing

@testable import MMOperations

/// A security key of software: a pair of P-256 by openssl, which signs what a real one would.
private struct SoftwareKey: SecurityKeyDevice {
    static let openssl = ExecutableSearch.find("openssl", path: "/usr/bin:/bin")

    let folder: String
    /// Whether somebody touches it.
    var isTouched = true
    /// For whom it signs.
    var party = PluggedSecurityKey.party
    /// What it calls its pair.
    var id: [UInt8] = Array("pair one".utf8)
    /// What it signs in place of the challenge.
    var other: [UInt8]?

    private func run(_ arguments: [String]) throws(MMError) {
        guard let program = Self.openssl else { throw MMError(.internalError, "There is no openssl.") }
        var words = ([program] + arguments).map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        var process = pid_t()
        var status: Int32 = 0
        guard posix_spawn(&process, program, nil, nil, words, environ) == 0, waitpid(process, &status, 0) == process,
            status == 0
        else { throw MMError(.internalError, "openssl failed: \(arguments).") }
    }

    private func file(_ name: String) -> String { "\(folder)/\(id.count)-\(name)" }

    func register(_ challenge: [UInt8]) throws(MMError) -> SecurityKeyPair {
        try run(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", file("key")])
        try run(["ec", "-in", file("key"), "-pubout", "-outform", "DER", "-out", file("public")])
        let encoded = try ProtectedFile.read(file("public"), limit: 1024) ?? []
        return SecurityKeyPair(id: id, point: Array(encoded.suffix(64)))
    }

    func sign(_ challenge: [UInt8], with pairs: [[UInt8]]) throws(MMError) -> SecurityKeyTouch {
        guard pairs.contains(id) else { throw MMError(.forbidden, "no credentials") }
        let data = SHA256.digest(Array(party.utf8)) + [isTouched ? 1 : 0, 0, 0, 0, 7]
        try ProtectedFile.replace(file("message"), with: data + (other ?? challenge))
        try run(["dgst", "-sha256", "-sign", file("key"), "-out", file("signature"), file("message")])
        return SecurityKeyTouch(
            id: id, data: data, signature: try ProtectedFile.read(file("signature"), limit: 1024) ?? [])
    }
}

@Suite(
    "Confirming by the touch of a security key", .timeLimit(.minutes(10)),
    .enabled(if: SoftwareKey.openssl != nil, "needs openssl (apt-get install openssl)"),
    .enabled(if: PluggedSecurityKey.isSupported, "needs libfido2 (apt-get install libfido2-1)"))
struct SecurityKeyRingTests {
    private let home = JobHome()

    private func key() -> SoftwareKey {
        mkdir(home.path, 0o700)
        return SoftwareKey(folder: home.path)
    }

    private func ring(_ key: SoftwareKey) -> SecurityKeyRing {
        SecurityKeyRing(paths: home.services.paths, device: key)
    }

    @Test("a registered key that is touched for the request confirms it")
    func touch() async throws {
        let ring = ring(key())
        try await ring.add("desk")
        #expect(try ring.names() == ["desk"])
        try await ring.prove("digest of a request")
        var status = stat()
        #expect(stat(home.services.paths.securityKeys, &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test(
        "nothing else does: no touch, another's signature, another request, another party, a key that is not registered"
    )
    func refusals() async throws {
        let good = key()
        try await ring(good).add("desk")
        var untouched = good
        untouched.isTouched = false
        var elsewhere = good
        elsewhere.party = "bank.example"
        var otherRequest = good
        otherRequest.other = SHA256.digest(Array("another request".utf8))
        var stranger = good
        stranger.id = Array("pair two, not registered".utf8)
        _ = try stranger.register([])
        for wrong in [untouched, elsewhere, otherRequest, stranger] {
            await #expect(throws: MMError.self) { try await ring(wrong).prove("digest of a request") }
        }
        // Another pair that calls itself by the registered name.
        _ = try good.register([])
        await #expect(throws: MMError.self) { try await ring(good).prove("digest of a request") }
    }

    @Test("the error without a registered key, and without one plugged in, says what to do")
    func remedies() async throws {
        let none = await #expect(throws: MMError.self) { try await ring(key()).prove("digest") }
        #expect(none?.hint?.contains("mm key add") == true)
        try await ring(key()).add("desk")
        let plugged = SecurityKeyRing(paths: home.services.paths)
        let missing = await #expect(throws: MMError.self) { try await plugged.prove("digest") }
        #expect(missing?.code == .forbidden && missing?.hint != nil)
    }

    @Test("keys are told apart by their names and forgotten by them")
    func names() async throws {
        var second = key()
        second.id = Array("another pair".utf8)
        try await ring(key()).add("desk")
        await #expect(throws: MMError.self) { try await ring(second).add("desk") }
        for name in ["", "two words", String(repeating: "x", count: 65)] {
            await #expect(throws: MMError.self) { try await ring(second).add(name) }
        }
        try await ring(second).add("bag")
        try await ring(second).prove("digest")
        try await ring(key()).remove("bag")
        await #expect(throws: MMError.self) { try await ring(second).prove("digest") }
        await #expect(throws: MMError.self) { try await ring(second).remove("bag") }
        try await ring(key()).prove("digest")
    }

    @Test("a file that can't be read confirms nothing")
    func broken() async throws {
        try await ring(key()).add("desk")
        try ProtectedFile.replace(home.services.paths.securityKeys, with: Array("{\"keys\":[{}]}".utf8))
        await #expect(throws: MMError.self) { try await ring(key()).prove("digest") }
        await #expect(throws: MMError.self) { try await ring(key()).add("bag") }
    }
}
