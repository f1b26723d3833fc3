import Glibc
import MMCore
import MMShell
import MMSystem
import TestSupport
import Testing

@testable import MMLegacy

@Suite("Where sessions of several servers are", .timeLimit(.minutes(10)))
struct RedisSessionDirectoryTests {
    private static let path = "/usr/local/bin:/usr/bin:/bin"
    private static let server = ExecutableSearch.find("redis-server", path: path)

    @Test(
        "one server at a time holds a session, and renews it until the session has been idle long enough",
        .enabled(if: server != nil, "redis-server is not installed"))
    func claims() async throws {
        let home = try TestHome()
        let socket = home.path + "/redis"
        var command = ChildCommand(
            Self.server ?? "", ["--port", "0", "--unixsocket", socket, "--save", "", "--dir", home.path],
            environment: ["PATH": Self.path])
        command.output = .null
        command.error = .null
        let redis = try await ChildProcess.start(command)
        defer { redis.signalGroup(SIGKILL) }
        let environment = ["MM_CLUSTER": "redis+unix://\(socket)"]
        #expect(try RedisSessionDirectory(environment: [:]) == nil)
        let (one, two) = (
            try #require(try RedisSessionDirectory(environment: environment)),
            try #require(try RedisSessionDirectory(environment: environment))
        )
        let isThere = await eventually {
            do {
                try await one.release("a", from: "http://one")
                return true
            } catch {
                return false
            }
        }
        #expect(isThere)
        #expect(try await one.claim("a", for: "http://one", lease: .seconds(600)).holder == "http://one")
        let seen = try await two.claim("a", for: "http://two", lease: .seconds(600))
        #expect(seen.holder == "http://one")
        // A claim is short, so that a dead server delays nobody for the idle time of a session.
        #expect(ContinuousClock.now.duration(to: seen.until) <= RedisSessionDirectory.patience)
        #expect(await one.renewAll())
        #expect(await !two.renewAll())
        try await two.release("a", from: "http://two")
        #expect(try await two.claim("a", for: "http://two", lease: .seconds(600)).holder == "http://one")
        try await one.release("a", from: "http://one")
        #expect(try await two.claim("a", for: "http://two", lease: .zero).holder == "http://two")
        #expect(await !two.renewAll())
        _ = await redis.terminate(grace: .seconds(300))
        let error = await #expect(throws: MMError.self) {
            try await two.claim("b", for: "http://two", lease: .seconds(9))
        }
        #expect(error?.code == .unavailable)
    }
}
