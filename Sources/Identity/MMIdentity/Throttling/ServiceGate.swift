package import MMCore

/// Delays the requests of one call until their service may be asked. It honours the waits that any call was told, in
/// this process or another.
package struct ServiceGate: Sendable {
    /// The longest single wait.
    package let longestWait: Duration
    private let pace: ServicePace
    private let service: String
    private let connection: String
    private let clock: WallClock
    private let jitter: @Sendable () -> Double
    private let pause: @Sendable (Duration) async throws -> Void
    private let report: @Sendable (String) -> Void
    /// The time at which this call may continue according to the answers it got itself, in case the shared file is
    /// unavailable.
    private var own: Timestamp?

    /// Creates a gate for one call.
    /// - Parameters:
    ///   - pace: the pace that all callers share.
    ///   - service: the name of the service, such as `graph`.
    ///   - connection: the name of the connection.
    ///   - longestWait: the longest single wait.
    ///   - report: called when the gate waits for a second or more.
    package init(
        _ pace: ServicePace, service: String, connection: String, longestWait: Duration, clock: WallClock,
        jitter: @escaping @Sendable () -> Double = { Double.random(in: 0...1) },
        pause: @escaping @Sendable (Duration) async throws -> Void,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.pace = pace
        self.service = service
        self.connection = connection
        self.longestWait = longestWait
        self.clock = clock
        self.jitter = jitter
        self.pause = pause
        self.report = report
    }

    /// Waits until a request may be sent.
    /// - Returns: the time at which it is sent.
    /// - Throws: `.throttled`, before anything is sent, when the wait would exceed what this call may take.
    ///   `.cancelled`.
    package func pass(until deadline: Deadline) async throws(MMError) -> Timestamp {
        while true {
            let mine = own.map { $0 - clock.now } ?? .zero
            var wait = mine
            if mine <= .zero {
                guard let shared = await pace.take() else { return clock.now }
                wait = shared
            }
            guard wait <= longestWait, wait < deadline.remaining else { throw held(wait) }
            // Spread out callers that wait for the same moment.
            let total = wait + min(wait / 10, .seconds(1)) * min(max(jitter(), 0), 1)
            if total >= .seconds(1) {
                report("\(service) is throttling requests: waiting \(total.wholeSeconds) s before the next request")
            }
            do { try await pause(min(total, max(deadline.remaining, wait))) } catch {
                throw MMError(.cancelled, "The request was cancelled while it waited for \(service).")
            }
        }
    }

    /// Records that an attempt was throttled, so that this call and all others wait.
    package mutating func slowDown(for wait: Duration, sent: Timestamp) async {
        own = clock.now + wait
        await pace.slowDown(for: wait, sent: sent)
    }

    /// Records that a request sent at a given time was carried out.
    package func goOn(sent: Timestamp) async { await pace.goOn(sent: sent) }

    private func held(_ wait: Duration) -> MMError {
        let until = (clock.now + wait).roundedUp.iso8601
        return MMError(
            .throttled,
            "\(service) is throttling \(connection): nothing was sent, because the next "
                + "request is possible only in \(wait.wholeSeconds) s, at \(until).",
            hint: "Try again then, or allow more time.", retry: .after(wait),
            details: ["service": .string(service), "connection": .string(connection), "until": .string(until)])
    }
}

extension Duration {
    /// Whole seconds, rounded up.
    package var wholeSeconds: Int64 { components.seconds + (components.attoseconds > 0 ? 1 : 0) }
}

extension Timestamp {
    /// The first full second that is not before this time.
    var roundedUp: Timestamp { Timestamp(seconds: seconds + (nanoseconds > 0 ? 1 : 0)) }
}
