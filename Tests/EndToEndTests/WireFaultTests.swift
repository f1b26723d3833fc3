import Glibc
import MMCore
import MMSystem
import Testing

@Suite("A session's proxy under faults", .timeLimit(.minutes(20)))
struct WireFaultTests {
    private static let mails = 6

    /// A script that creates some mails, each with its own subject.
    private static func script(_ round: Int) -> String {
        (0..<mails).map {
            "Invoke-StandIn request graph POST /v1.0/me/messages '{\"subject\":\"kill-\(round)-\($0)\"}'"
        }
        .joined(separator: "\n")
    }

    @Test("if killed at any moment, neither a session nor the pool repeats a request, and no token is left")
    func killed() async throws {
        let tenant = try await Tenant(users: 20)
        try await tenant.signIn()
        let rules = """
            {"version": 1, "rules": [{"id": "stand-in", "cmdlets": ["Invoke-StandIn"], "class": "write", \
            "loosens": ["unknown-command"]}]}
            """
        try ProtectedFile.replace("\(tenant.home.path)/.m365-state/guard-rules.json", with: Array(rules.utf8))
        let first = try await tenant.mm(["run", "Demo", "graph", Self.script(0), "--json"])
        try #require(first.code == 0, "\(first)")
        // A request is under way for most of a round.
        try await tenant.fault(["kind": "latency", "path": "/v1.0/me/messages", "milliseconds": 25])

        var random = SystemRandomNumberGenerator()
        let wanted = getenv("MM_KILL_ROUNDS").flatMap { Int(String(cString: $0)) }
        let begun = ContinuousClock.now
        var (rounds, whole, broken) = (1, Set([0]), 0)
        while rounds <= wanted ?? 100, wanted != nil || rounds <= 8 || begun.duration(to: .now) < .seconds(25) {
            let round = rounds
            rounds += 1
            async let run = tenant.mm(["run", "Demo", "graph", Self.script(round), "--json"])
            try await Task.sleep(for: .milliseconds(Int.random(in: 0..<400, using: &random)))
            for pool in tenant.home.pools {
                if round % 2 == 0 {
                    pool.signal(SIGKILL)
                    try await waitUntil { !pool.isRunning }
                } else {
                    for process in Descendants.running(below: pool.pid) { process.signal(SIGKILL) }
                }
            }
            let ran = try await run
            if ran.code == 0 { whole.insert(round) } else { broken += 1 }
            #expect([0, 1, 7].contains(ran.code), "round \(round): \(ran.code) \(ran.error)")
        }
        print("\(rounds) rounds, of which \(broken) broke, within \(begun.duration(to: .now))")
        let sent = try await tenant.control("GET", "requests")["requests"]?.array ?? []
        let listed = try await tenant.mm([
            "graph", "Demo", "/me/messages?$select=subject&$filter=startswith(subject,'kill-')&$top=999", "--json",
        ])
        var counts: [String: Int] = [:]
        for mail in try #require(listed.json?.array, "\(listed)") {
            counts[mail["subject"]?.string ?? "", default: 0] += 1
        }
        #expect(counts.values.allSatisfy { $0 == 1 }, "\(counts.filter { $0.value > 1 })")
        for round in whole {
            for mail in 0..<Self.mails { #expect(counts["kill-\(round)-\(mail)"] == 1, "\(round)-\(mail)") }
        }
        // A request that was received but not carried out would be a repetition too.
        let posted = sent.count { $0["method"] == "POST" && $0["path"] == "/v1.0/me/messages" }
        if sent.count < 500 { #expect(posted == counts.count) }
        #expect(try await tenant.mm(["audit", "verify"]).code == 0)

        // Only the connection's own cache contains tokens, whatever was killed.
        let caches = try tenant.home.files().filter { $0.path.contains("/.mm-graph-tokens/") }
        let secrets = caches.compactMap { try? JSONParser.parse($0.bytes) }.flatMap(TokenSecrets.of)
        try #require(!secrets.isEmpty)
        for file in try tenant.home.files() where !file.path.contains("/.mm-graph-tokens/") {
            for secret in secrets {
                #expect(ByteSearch.find(Array(secret.utf8), in: file.bytes) == nil, "\(file.path)")
            }
        }
        // The next session in the same home cleans up what killed pools left.
        let alive = try await tenant.mm(["run", "Demo", "graph", "'alive'", "--engine", "pwsh"])
        #expect(alive.code == 0, "\(alive)")
        #expect(try await tenant.mm(["pool", "stop"]).code == 0)
        let authorities = try tenant.home.files().filter { $0.path.hasSuffix("session-ca.pem") }.map(\.path)
        #expect(authorities.isEmpty, "\(authorities)")
        await tenant.stop()
    }
}
