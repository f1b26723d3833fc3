internal import MMCore
internal import MMHTTP
internal import MMIdentity

/// Holds the requests of one call until their service may be asked. It honours what any call of this connection was
/// told, in this process or another.
struct ServiceGate {
    /// The longest single wait.
    let longestWait: Duration
    private let pace: ServicePace
    private let service: String
    private let connection: String
    private let clock: WallClock
    private let jitter: @Sendable () -> Double
    private let pause: @Sendable (Duration) async throws -> Void
    private let report: @Sendable (String) -> Void
    /// When this call may continue according to what it was told itself, in case the shared file is unavailable.
    private var own: Timestamp?

    /// Creates a gate for one call.
    /// - Parameters:
    ///   - service: the name of the service, such as `graph`.
    ///   - report: called when the gate waits for a second or more.
    init(
        _ identity: IdentityService, connection: Connection, service: String, longestWait: Duration, clock: WallClock,
        log: Log, jitter: @escaping @Sendable () -> Double, pause: @escaping @Sendable (Duration) async throws -> Void,
        report: @escaping @Sendable (String) -> Void
    ) {
        pace = identity.pace(of: connection, service: service, clock: clock, log: log)
        self.service = service
        self.connection = connection.name
        self.longestWait = longestWait
        self.clock = clock
        self.jitter = jitter
        self.pause = pause
        self.report = report
    }

    /// Waits until a request may be sent.
    /// - Returns: the time at which it is sent.
    /// - Throws: `.throttled` when the wait would exceed what this call may take; nothing was sent then. `.cancelled`.
    func pass(until deadline: Deadline) async throws(MMError) -> Timestamp {
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
                report("\(service) asks to slow down: waiting \(total.wholeSeconds) s before the next request")
            }
            do { try await pause(min(total, max(deadline.remaining, wait))) } catch {
                throw MMError(.cancelled, "The request was called off while it waited for \(service).")
            }
        }
    }

    /// Records that an attempt was throttled, so that this call and all others wait.
    /// - Parameters:
    ///   - ending: how the attempt ended.
    ///   - wait: the policy's wait; `nil` when this call gives up, in which case the others still honour what the
    ///     service asked.
    mutating func slowDown(_ ending: RetryPolicy.Ending, _ wait: Duration?, sent: Timestamp) async {
        guard case .status(_, let asked) = ending, let wait = wait ?? asked else { return }
        await slowDown(for: wait, sent: sent)
    }

    private mutating func slowDown(for wait: Duration, sent: Timestamp) async {
        own = clock.now + wait
        await pace.slowDown(for: wait, sent: sent)
    }

    /// Applies what a successful response says about the next request.
    mutating func heed(_ advice: WaitAdvice, sent: Timestamp) async {
        if let wait = advice.untilReset, wait > .zero, wait <= longestWait {
            await slowDown(for: wait, sent: sent)
        } else {
            await pace.goOn(sent: sent)
        }
    }

    private func held(_ wait: Duration) -> MMError {
        MMError(
            .throttled,
            "\(service) has asked \(connection) to slow down: nothing was sent, because it may be asked again only in "
                + "\(wait.wholeSeconds) s.",
            hint: "Try again then, or allow more time.", retry: .after(wait),
            details: ["service": .string(service), "connection": .string(connection)])
    }
}

extension Duration {
    /// Whole seconds, rounded up.
    fileprivate var wholeSeconds: Int64 { components.seconds + (components.attoseconds > 0 ? 1 : 0) }
}
