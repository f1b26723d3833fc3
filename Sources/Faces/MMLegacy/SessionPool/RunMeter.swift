package import MMCore

/// Counts the pool's `/run` calls.
package struct RunMeter: Sendable {
    private let started: Duration
    private var requests = 0
    private var errors = 0
    private var signIns = 0
    /// The last hundred durations in seconds, as a ring buffer.
    private var times: [Double] = []
    private var next = 0

    /// Creates a meter with all counts at zero.
    /// - Parameter now: the current time, on the clock that later calls use.
    package init(now: Duration) { started = now }

    /// Counts a call.
    package mutating func count(_ time: Duration, isError: Bool = false, isSignIn: Bool = false) {
        requests += 1
        if isError { errors += 1 }
        if isSignIn { signIns += 1 }
        let seconds = time / .seconds(1)
        if times.count < 100 {
            times.append(seconds)
        } else {
            times[next] = seconds
            next = (next + 1) % 100
        }
    }

    /// Returns the counts in the session-pool server's form.
    package func report(now: Duration) -> JSONObject {
        let uptime = (now - started) / .seconds(1)
        let whole = Int(uptime)
        let average = times.isEmpty ? 0 : times.reduce(0, +) / Double(times.count)
        return [
            "uptime_seconds": .double(Self.rounded(uptime, 10)),
            "uptime_human": .string("\(whole / 3600)h \(whole / 60 % 60)m \(whole % 60)s"),
            "total_requests": .int(Int64(requests)), "total_errors": .int(Int64(errors)),
            "error_rate": requests == 0
                ? 0 : .double(Self.rounded(Double(errors) / Double(requests) * 100, 100)),
            "total_auths": .int(Int64(signIns)), "avg_response_ms": .double(Self.rounded(average * 1000, 10)),
            "last_100_responses": .int(Int64(times.count)),
        ]
    }

    private static func rounded(_ number: Double, _ steps: Double) -> Double { (number * steps).rounded() / steps }
}
