import Glibc
import MMCore
import MMSystem
import Testing

@testable import MMOperations

@Suite("What an owner shows before a yes counts", .timeLimit(.minutes(10)))
struct OwnerProofTests {
    private let home = JobHome()
    private let seconds = Seconds()

    private final class Seconds: Sendable {
        let now = Mutex<Int64>(1_000_000)
    }

    private var proof: OwnerProof {
        OwnerProof(
            paths: home.services.paths,
            clock: WallClock { [seconds] in Timestamp(seconds: seconds.now.withLock { $0 }) })
    }

    private func isRight(_ pin: String) async -> Bool {
        await (try? proof.check(.pin, Secret(pin))) != nil
    }

    @Test("is the PIN, and nothing like it")
    func pin() async throws {
        #expect(!(await isRight("")))
        try await proof.setPIN(Secret("135246"))
        #expect(try proof.hasPIN())
        #expect(await isRight("135246"))
        for wrong in ["", "13524", "1352467", "135247"] { #expect(!(await isRight(wrong))) }
        let file = try #require(try ProtectedFile.read(home.services.paths.confirmationPIN))
        #expect(!String(decoding: file, as: UTF8.self).contains("135246"))
        try await proof.setPIN(nil)
        #expect(!(await isRight("135246")))
    }

    @Test("is refused for a while after five wrong tries, also when it is right then")
    func tries() async throws {
        try await proof.setPIN(Secret("135246"))
        for _ in 0..<4 { #expect(!(await isRight("000000"))) }
        #expect(await isRight("135246"))
        for _ in 0..<5 { #expect(!(await isRight("000000"))) }
        #expect(!(await isRight("135246")))
        seconds.now.withLock { $0 += 901 }
        #expect(await isRight("135246"))
    }

    @Test("has at least six characters", arguments: ["", "12345"])
    func short(pin: String) async {
        await #expect(throws: MMError.self) { try await proof.setPIN(Secret(pin)) }
    }

    @Test("is not guessed where its file can't be read")
    func broken() async throws {
        try await proof.setPIN(Secret("135246"))
        try ProtectedFile.replace(home.services.paths.confirmationPIN, with: Array("{".utf8))
        #expect(!(await isRight("135246")))
    }

    @Test("the password of the login is refused when it is wrong")
    func login() async {
        await #expect(throws: MMError.self) { try await proof.check(.login, Secret("surely not this one")) }
    }
}
