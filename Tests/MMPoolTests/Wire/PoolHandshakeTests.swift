import Glibc
import MMCore
import MMSystem
import Testing

@testable import MMPool

@Suite("The handshake of pools", .timeLimit(.minutes(10)))
struct PoolHandshakeTests {
    private static let mm = "/opt/mm/bin/mm"

    private func build(_ version: String, _ path: String = PoolHandshakeTests.mm, written: Int64 = 100) -> PoolBuild {
        PoolBuild(version: version, executable: path, written: written, size: 7)
    }

    @Test("a pool is replaced by a later version, or by a new build of its own program, and by nothing else")
    func givingWay() {
        #expect(build("0.1.0").givesWay(to: build("0.2.0")))
        #expect(build("0.9.0").givesWay(to: build("0.10.0", "/elsewhere/mm", written: 1)))
        #expect(!build("0.2.0").givesWay(to: build("0.1.9", written: 900)))
        #expect(build("0.1.0").givesWay(to: build("0.1.0", written: 101)))
        #expect(!build("0.1.0").givesWay(to: build("0.1.0")))
        #expect(!build("0.1.0").givesWay(to: build("0.1.0", written: 99)))
        #expect(!build("0.1.0").givesWay(to: build("0.1.0", "/elsewhere/mm", written: 900)))
    }

    @Test("a build can be written and read as text, and a handshake as JSON")
    func words() throws {
        let build = build("0.1.0")
        #expect(PoolBuild(version: "0.1.0", executable: Self.mm, text: build.text) == build)
        #expect(PoolBuild(version: "0.1.0", executable: Self.mm, text: "later") == nil)
        let process = try #require(ProcessIdentity(running: getpid()))
        var handshake = PoolHandshake(
            build: build, process: process, started: Timestamp(seconds: 1_767_225_600), key: "abc")
        handshake.isDraining = true
        #expect(PoolHandshake(.object(handshake.json)) == handshake)
        handshake.isNode = true
        #expect(PoolHandshake(.object(handshake.json)) == handshake)
        #expect(Set(handshake.publicJSON.map(\.key)) == ["version", "build", "pid", "started", "wire"])
        for other: JSONValue in [[:], [], "x", ["version": 1], ["version": "1", "pid": "2", "build": "1-2"]] {
            #expect(PoolHandshake(other) == nil)
        }
    }

    @Test("a pool without a protocol version has the first one; for another version the error names what to update")
    func wire() throws {
        let object = PoolHandshake.ofThisProcess().json
        let address = PoolAddress(socket: "/run/pool.sock")
        var old = object
        old["wire"] = nil
        #expect(try #require(PoolHandshake(.object(old))).wire == 1)
        try #require(PoolHandshake(.object(object))).requireSameWire(at: address)
        for (version, remedy) in [(0, "mm pool restart"), (99, "Update this program")] {
            var other = object
            other["wire"] = .int(Int64(version))
            let pool = try #require(PoolHandshake(.object(other)))
            let error = #expect(throws: MMError.self) { try pool.requireSameWire(at: address) }
            #expect(error?.code == .unavailable && error?.details["pool"] == "/run/pool.sock")
            #expect(error?.hint?.contains(remedy) == true)
        }
    }
}
