import Glibc
import MMCore
import MMSystem
import Testing

@Suite("Refreshing tokens while processes are killed", .timeLimit(.minutes(15)))
struct RefreshFaultTests {
    @Test("leaves a valid cache and needs no new sign-in, wherever a process is killed")
    func killedAnywhere() async throws {
        // Tokens that are valid for a minute are refreshed by every call.
        let tenant = try await Tenant(lifetime: 60)
        try await tenant.signIn()
        let cache = "\(tenant.home.path)/.mm-graph-tokens/Demo.json"
        var window = try await Self.elapsed { _ = try await tenant.mm(["graph", "Demo", "/me"]) }
        var random = SystemRandomNumberGenerator()
        var killed = 0
        for round in 0..<200 {
            let command = ChildCommand(Programs.mm, ["graph", "Demo", "/me"], environment: tenant.home.environment)
            let child = try await ChildProcess.start(command)
            try await Task.sleep(for: window * Double.random(in: 0...1, using: &random))
            // The delay adapts to the machine, so that about half of the kills hit a running process.
            let isAlive = child.exited == nil
            window = isAlive ? window * 1.1 : window * 0.9
            if isAlive { killed += 1 }
            child.signal(SIGKILL)
            _ = await child.exit()
            let bytes = try #require(try ProtectedFile.read(cache))
            let document = try JSONParser.parse(bytes)
            #expect(document["RefreshToken"]?.object?.isEmpty == false, "round \(round)")
            if round % 20 == 19 {
                let alive = try await tenant.mm(["graph", "Demo", "/me"])
                #expect(alive.code == 0, "round \(round): \(alive.error)")
            }
        }
        #expect(killed > 20)
    }

    @Test("happens once for simultaneous callers from many processes")
    func together() async throws {
        let tenant = try await Tenant(lifetime: 60)
        try await tenant.signIn()
        let before = try await tenant.requests(to: "/oauth2/v2.0/token")
        try await withThrowingTaskGroup(of: Int32.self) { group in
            for _ in 0..<8 { group.addTask { try await tenant.mm(["graph", "Demo", "/me"]).code } }
            for try await code in group { #expect(code == 0) }
        }
        // A process that starts after another has ended may find its token too old; simultaneous ones share a refresh.
        #expect(try await tenant.requests(to: "/oauth2/v2.0/token") - before < 8)
    }

    private static func elapsed(_ work: () async throws -> Void) async throws -> Duration {
        let start = ContinuousClock.now
        try await work()
        return ContinuousClock.now - start
    }
}
