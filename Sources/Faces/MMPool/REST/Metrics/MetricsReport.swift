package import MMCore
package import MMHTTP
package import MMOperations
package import MMSessions
import MMSystem

/// The current metrics of the calls and of the sessions behind them.
package struct MetricsReport: Sendable {
    let counts: PoolMetrics.Counts
    let uptime: Double
    let sessions: [SessionReport<SessionKey>]
    let counters: PoolCounters
    let keepAliveInterval: Duration
    let memory: Int?
    /// The requests that sessions have sent, by host and status.
    let sent: [SentRequests.Kind: Int]
    /// The metrics of the cluster; empty outside one.
    private(set) var cluster: [MetricFamily] = []

    /// Collects the current metrics.
    /// - Parameters:
    ///   - metrics: the metrics of the calls.
    ///   - services: provides the sessions.
    package init(_ metrics: PoolMetrics, _ services: OperationServices) async {
        await self.init(
            metrics, sessions: services.sessions.reports(), counters: services.sessions.counters,
            keepAliveInterval: services.sessions.settings.keepAliveAfter, sent: services.sent.counts)
        cluster = await services.leases?.families() ?? []
    }

    /// Creates a report on the given sessions.
    package init(
        _ metrics: PoolMetrics, sessions: [SessionReport<SessionKey>], counters: PoolCounters,
        keepAliveInterval: Duration,
        sent: [SentRequests.Kind: Int] = [:]
    ) {
        self.sent = sent
        counts = metrics.current
        uptime = metrics.uptime
        self.sessions = sessions
        self.counters = counters
        self.keepAliveInterval = keepAliveInterval
        memory = OwnMemory.resident()
    }

    /// Returns whether a client prefers Prometheus's text format to JSON.
    package static func prefersPrometheus(_ headers: HTTPHeaders) -> Bool {
        MediaTypes.best(of: ["application/json", "text/plain"], for: headers) == "text/plain"
    }

    /// The media type of Prometheus's text format.
    package static let prometheusType = "text/plain; version=0.0.4; charset=utf-8"

    /// Returns the report in the form that the client prefers: JSON or Prometheus's text format.
    package func response(for headers: HTTPHeaders) -> HTTPServerResponse {
        var response =
            Self.prefersPrometheus(headers)
            ? .text(prometheus, type: Self.prometheusType)
            : HTTPServerResponse.json(JSONWriter.bytes(.object(json)))
        response.headers.set("Cache-Control", "no-store")
        return response
    }

    /// The report as JSON. Monitoring systems rely on these members.
    package var json: JSONObject {
        let rate = counts.total == 0 ? 0 : Double(counts.errors) / Double(counts.total) * 100
        let mean = counts.last.isEmpty ? 0 : counts.last.reduce(0, +) / Double(counts.last.count) * 1000
        let rows = sessions.map { session -> JSONValue in
            [
                "session_id": .string(session.key.description), "state": .string(session.state.metricsName),
                "authenticated": .bool(session.state.isSignedIn),
                "last_command": session.lastUsed.map { .string($0.iso8601) } ?? .null,
                "memory_bytes": session.memory.map { .int(Int64($0)) } ?? .null,
            ]
        }
        let whole = Int64(uptime)
        return [
            "uptime_seconds": .double(Self.rounded(uptime)),
            "uptime_human": .string("\(whole / 3600)h \(whole / 60 % 60)m \(whole % 60)s"),
            "total_requests": .int(Int64(counts.total)), "total_errors": .int(Int64(counts.errors)),
            "error_rate": .double(Self.rounded(rate)), "total_auths": .int(Int64(counters.signIns)),
            "avg_response_ms": .double(Self.rounded(mean)), "last_100_responses": .int(Int64(counts.last.count)),
            "sessions": .array(rows),
            "active_sessions": .int(Int64(sessions.count { $0.state.isSignedIn })),
            "keepalive": [
                "interval_seconds": .int(keepAliveInterval.components.seconds),
                "total_pings": .int(Int64(counters.keepAlives)), "failures": .int(Int64(counters.keepAliveFailures)),
                "last_pings": [:],
            ],
        ]
    }

    /// The requests that sessions have sent, sorted by host and status.
    var sentRows: [(kind: SentRequests.Kind, count: Int)] {
        sent.sorted { ($0.key.host, $0.key.status) < ($1.key.host, $1.key.status) }.map { ($0.key, $0.value) }
    }

    /// Rounds to one decimal place.
    private static func rounded(_ number: Double) -> Double { (number * 10).rounded() / 10 }
}

extension MetricsReport {
    /// The metrics in Prometheus's format (prometheus.io, “Exposition formats”, text format 0.0.4).
    package var prometheus: String {
        var page = PrometheusPage()
        for family in families { page.add(family) }
        return page.text
    }

    /// The metrics from which each output format is written.
    package var families: [MetricFamily] {
        var families = [
            MetricFamily("mm_uptime_seconds", "Uptime of the pool.", .gauge([.init([], uptime)])),
            MetricFamily(
                "mm_requests_total", "Completed calls, by operation and outcome.",
                .counter(
                    counts.calls.map {
                        MetricFamily.Sample(
                            [("operation", $0.key.operation), ("outcome", $0.key.outcome)], Double($0.value))
                    }.sorted { Self.order($0) < Self.order($1) })),
            MetricFamily("mm_errors_total", "Calls that failed.", .counter([.init([], Double(counts.errors))])),
            MetricFamily("mm_requests_under_way", "Running calls.", .gauge([.init([], Double(counts.underWay))])),
            MetricFamily(
                "mm_request_duration_seconds", "Duration of calls.",
                .histogram(
                    .init(
                        bounds: PoolMetrics.bounds, buckets: counts.buckets, sum: counts.seconds, count: counts.total)
                )),
            MetricFamily(
                "mm_sign_ins_total", "Sign-ins that succeeded.", .counter([.init([], Double(counters.signIns))])),
        ]
        families += sessionFamilies + cluster
        if let memory {
            families.append(
                MetricFamily(
                    "mm_memory_bytes", "Memory of the pool's own process.", .gauge([.init([], Double(memory))])))
        }
        return families
    }

    private static func order(_ sample: MetricFamily.Sample) -> String {
        sample.labels.map(\.1).joined(separator: "\u{0}")
    }

    private var sessionFamilies: [MetricFamily] {
        let states = ["starting", "signing in", "ready", "busy", "failed", "lost"]
        let families = [
            MetricFamily(
                "mm_sessions", "Sessions by state.",
                .gauge(
                    states.map { state in .init([("state", state)], Double(sessions.count { $0.state.word == state })) }
                )
            ),
            MetricFamily(
                "mm_session_memory_bytes", "Memory of each session's process.",
                .gauge(
                    sessions.compactMap { session in
                        session.memory.map { .init([("session", session.key.description)], Double($0)) }
                    })),
            MetricFamily(
                "mm_session_commands_total", "Commands of each session.",
                .counter(sessions.map { .init([("session", $0.key.description)], Double($0.commands)) })),
            MetricFamily(
                "mm_session_requests_total", "Requests that sessions sent, by host and status.",
                .counter(
                    sentRows.map {
                        .init([("host", $0.kind.host), ("status", "\($0.kind.status)")], Double($0.count))
                    })),
            MetricFamily(
                "mm_sessions_waiting", "Callers waiting for a session.",
                .gauge([.init([], Double(sessions.reduce(0) { $0 + $1.waiting }))])),
        ]
        let totals: [(String, String, Int)] = [
            ("mm_session_starts_total", "Sessions started.", counters.starts),
            ("mm_session_restarts_total", "Sessions started again after their process was lost.", counters.restarts),
            ("mm_sessions_reaped_total", "Idle sessions that were closed.", counters.reaped),
            ("mm_keepalives_total", "Health checks of idle sessions.", counters.keepAlives),
            ("mm_keepalive_failures_total", "Failed health checks.", counters.keepAliveFailures),
        ]
        return families + totals.map { MetricFamily($0.0, $0.1, .counter([.init([], Double($0.2))])) }
    }
}
