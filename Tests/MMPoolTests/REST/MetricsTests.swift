import MMCore
import MMHTTP
import MMOperations
import Testing

@testable import MMPool
@testable import MMSessions

@Suite("Metrics", .timeLimit(.minutes(5)))
struct MetricsTests {
    private static func report() -> MetricsReport {
        let metrics = PoolMetrics()
        for (error, milliseconds) in [
            (nil, 4), (nil, 40), (MMError(.conflict, "no"), 400), (MMError(.signInNeeded, "sign in"), 4_000),
            (nil, 400_000),
        ] as [(MMError?, Int)] {
            metrics.begin()
            metrics.end("run", error, after: .milliseconds(milliseconds))
        }
        metrics.begin()
        func session(_ module: String, _ state: SessionState, memory: Int?) -> SessionReport<SessionKey> {
            SessionReport(
                key: SessionKey(connection: "Côte \"d\\Or\n", module: module), state: state, account: nil,
                createdAt: Timestamp(seconds: 0), lastUsed: nil, commands: 7, waiting: 1, memory: memory)
        }
        var counters = PoolCounters()
        counters.signIns = 3
        counters.keepAlives = 11
        counters.keepAliveFailures = 2
        counters.restarts = 1
        return MetricsReport(
            metrics,
            sessions: [
                session("exo", .busy, memory: 1_000_000), session("teams", .signingIn(prompt: [:]), memory: nil),
            ], counters: counters, keepAliveInterval: .seconds(300))
    }

    @Test("the JSON has the members of the first pool, with the same meanings")
    func json() {
        let json = Self.report().json
        #expect(
            json.keys == [
                "uptime_seconds", "uptime_human", "total_requests", "total_errors", "error_rate", "total_auths",
                "avg_response_ms", "last_100_responses", "sessions", "active_sessions", "keepalive",
            ])
        #expect(json["total_requests"] == 5)
        #expect(json["total_errors"] == 1)
        #expect(json["error_rate"] == 20.0)
        #expect(json["total_auths"] == 3)
        #expect(json["avg_response_ms"] == 80_888.8)
        #expect(json["last_100_responses"] == 5)
        #expect(json["active_sessions"] == 1)
        #expect(json["sessions"]?[1]?["state"] == "auth_pending")
        #expect(json["keepalive"]?["interval_seconds"] == 300)
        #expect(json["keepalive"]?["total_pings"] == 11)
        #expect(json["keepalive"]?["failures"] == 2)
        #expect(json["keepalive"]?["last_pings"]?.object != nil)
    }

    @Test("Prometheus gets the same: every family has a type, buckets grow, names are escaped")
    func prometheus() throws {
        let lines = Self.report().prometheus.split(separator: "\n").map(String.init)
        for line in [
            "mm_requests_total{operation=\"run\",outcome=\"done\"} 3",
            "mm_requests_total{operation=\"run\",outcome=\"conflict\"} 1", "mm_errors_total 1",
            "mm_requests_under_way 1", "mm_request_duration_seconds_bucket{le=\"0.005\"} 1",
            "mm_request_duration_seconds_bucket{le=\"0.05\"} 2", "mm_request_duration_seconds_bucket{le=\"0.5\"} 3",
            "mm_request_duration_seconds_bucket{le=\"300\"} 4", "mm_request_duration_seconds_bucket{le=\"+Inf\"} 5",
            "mm_request_duration_seconds_count 5", "mm_sessions{state=\"busy\"} 1",
            "mm_sessions{state=\"signing in\"} 1", "mm_sessions{state=\"ready\"} 0", "mm_sessions_waiting 2",
            "mm_session_memory_bytes{session=\"Côte \\\"d\\\\Or\\n/exo\"} 1000000", "mm_session_restarts_total 1",
            "mm_sign_ins_total 3", "mm_keepalive_failures_total 2",
        ] { #expect(lines.contains(line), "\(line)") }
        var types: Set<String> = []
        for line in lines {
            let words = line.split(separator: " ")
            if line.hasPrefix("# TYPE ") {
                #expect(types.insert(String(words[2])).inserted, "\(line)")
            } else if !line.hasPrefix("#") {
                let name = String(line.prefix { $0 != "{" && $0 != " " })
                let family = ["_bucket", "_sum", "_count"].reduce(name) { name, end in
                    name.hasSuffix(end) && types.contains(String(name.dropLast(end.count)))
                        ? String(name.dropLast(end.count)) : name
                }
                #expect(types.contains(family), "\(line)")
                #expect(words.last.flatMap { Double($0) } != nil, "\(line)")
            }
        }
    }

    @Test("calls over HTTP are counted, and each reader gets its own form")
    func route() async throws {
        let home = try RESTHome()
        let service = home.service([
            ScriptedOperation("works") { _, _ in .value("done") },
            ScriptedOperation("fails", with: MMError(.remoteFailed, "no")),
        ])
        let pool = try SocketPool(home, service)
        for name in ["works", "fails", "nothing"] { _ = try await pool.send("POST", "/v1/operations/\(name)") }
        let json = try await pool.send("GET", "/metrics", ["Accept": "*/*"])
        #expect(json.json["total_requests"] == 2)
        #expect(json.json["total_errors"] == 1)
        let scraper = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1"
        let text = try await pool.send("GET", "/metrics", ["Accept": scraper])
        #expect(text.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(text.text.contains("mm_requests_total{operation=\"fails\",outcome=\"remote_failed\"} 1\n"))
        await pool.stop()
    }
}
