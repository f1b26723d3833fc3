package import MMOperations
import MMSessions

extension MetricsReport {
    /// The metrics in Prometheus's format (prometheus.io, “Exposition formats”, text format 0.0.4).
    package var prometheus: String {
        var page = PrometheusPage()
        for family in families { page.add(family) }
        return page.text
    }

    /// The metrics, from which each form of them is written.
    package var families: [MetricFamily] {
        var families = [
            MetricFamily("mm_uptime_seconds", "How long the pool has been up.", .gauge([.init([], uptime)])),
            MetricFamily(
                "mm_requests_total", "Calls that ended, by operation and outcome.",
                .counter(
                    counts.calls.map {
                        MetricFamily.Sample(
                            [("operation", $0.key.operation), ("outcome", $0.key.outcome)], Double($0.value))
                    }.sorted { Self.order($0) < Self.order($1) })),
            MetricFamily("mm_errors_total", "Calls that failed.", .counter([.init([], Double(counts.errors))])),
            MetricFamily("mm_requests_under_way", "Calls under way.", .gauge([.init([], Double(counts.underWay))])),
            MetricFamily(
                "mm_request_duration_seconds", "How long calls took.",
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
        let states = ["starting", "signing in", "ready", "busy", "failed", "lost", "stopped"]
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
                "mm_sessions_waiting", "Callers that wait for a session.",
                .gauge([.init([], Double(sessions.reduce(0) { $0 + $1.waiting }))])),
        ]
        let totals: [(String, String, Int)] = [
            ("mm_session_starts_total", "Sessions started.", counters.starts),
            ("mm_session_restarts_total", "Sessions started again after their process was lost.", counters.restarts),
            ("mm_sessions_reaped_total", "Sessions cleared away that nobody used.", counters.reaped),
            ("mm_keepalives_total", "Health questions asked of idle sessions.", counters.keepAlives),
            ("mm_keepalive_failures_total", "Health questions that failed.", counters.keepAliveFailures),
        ]
        return families + totals.map { MetricFamily($0.0, $0.1, .counter([.init([], Double($0.2))])) }
    }
}
