import MMOperations
import MMSessions

extension MetricsReport {
    /// The metrics in Prometheus's format (prometheus.io, “Exposition formats”, text format 0.0.4).
    package var prometheus: String {
        var page = PrometheusPage()
        page.family("mm_uptime_seconds", "gauge", "How long the pool has been up.", [([], uptime)])
        page.family(
            "mm_requests_total", "counter", "Calls that ended, by operation and outcome.",
            counts.calls.map {
                ([("operation", $0.key.operation), ("outcome", $0.key.outcome)], Double($0.value))
            }.sorted { $0.0.map(\.1).joined(separator: "\u{0}") < $1.0.map(\.1).joined(separator: "\u{0}") })
        page.family("mm_errors_total", "counter", "Calls that failed.", [([], Double(counts.errors))])
        page.family("mm_requests_under_way", "gauge", "Calls under way.", [([], Double(counts.underWay))])
        page.histogram(
            "mm_request_duration_seconds", "How long calls took.", bounds: PoolMetrics.bounds, buckets: counts.buckets,
            sum: counts.seconds, count: counts.total)
        page.family("mm_sign_ins_total", "counter", "Sign-ins that succeeded.", [([], Double(counters.signIns))])
        let states = ["starting", "signing in", "ready", "busy", "failed", "lost", "stopped"]
        page.family(
            "mm_sessions", "gauge", "Sessions by state.",
            states.map { state in
                ([("state", state)], Double(sessions.count { $0.state.word == state }))
            })
        page.family(
            "mm_session_memory_bytes", "gauge", "Memory of each session's process.",
            sessions.compactMap { session in
                session.memory.map { ([("session", session.key.description)], Double($0)) }
            })
        page.family(
            "mm_session_commands_total", "counter", "Commands of each session.",
            sessions.map { ([("session", $0.key.description)], Double($0.commands)) })
        page.family(
            "mm_session_requests_total", "counter", "Requests that sessions sent, by host and status.",
            sentRows.map { ([("host", $0.kind.host), ("status", "\($0.kind.status)")], Double($0.count)) })
        page.family(
            "mm_sessions_waiting", "gauge", "Callers that wait for a session.",
            [([], Double(sessions.reduce(0) { $0 + $1.waiting }))])
        let totals: [(String, String, Int)] = [
            ("mm_session_starts_total", "Sessions started.", counters.starts),
            ("mm_session_restarts_total", "Sessions started again after their process was lost.", counters.restarts),
            ("mm_sessions_reaped_total", "Sessions cleared away that nobody used.", counters.reaped),
            ("mm_keepalives_total", "Health questions asked of idle sessions.", counters.keepAlives),
            ("mm_keepalive_failures_total", "Health questions that failed.", counters.keepAliveFailures),
        ]
        for (name, help, total) in totals { page.family(name, "counter", help, [([], Double(total))]) }
        if let memory {
            page.family("mm_memory_bytes", "gauge", "Memory of the pool's own process.", [([], Double(memory))])
        }
        return page.text
    }
}
