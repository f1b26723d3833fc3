package import MMCore
package import MMOperations

/// The counts, durations and outcomes of a process's calls; never their content.
package final class PoolMetrics: Sendable {
    /// The upper bounds of the histogram's buckets, in seconds.
    static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]
    /// How many of the last answers the mean duration covers.
    private static let recent = 100

    struct Kind: Hashable {
        let operation: String
        let outcome: String
    }

    struct Counts: Sendable {
        var calls: [Kind: Int] = [:]
        var total = 0
        var errors = 0
        var underWay = 0
        var buckets = [Int](repeating: 0, count: PoolMetrics.bounds.count)
        var seconds = 0.0
        var last: [Double] = []
        var nextOfLast = 0
    }

    private let begun = ContinuousClock.now
    private let counts = Mutex(Counts())

    /// Creates metrics with all counts at zero.
    package init() {}

    /// The current counts.
    var current: Counts { counts.withLock { $0 } }

    /// How long the metrics have been collected, in seconds.
    var uptime: Double { (ContinuousClock.now - begun) / .seconds(1) }

    /// Counts a call while it is carried out.
    /// - Parameters:
    ///   - operation: what is called.
    ///   - work: carries it out.
    package func counted(
        _ operation: AnyOperation, _ work: () async throws(MMError) -> OperationAnswer
    ) async throws(MMError) -> OperationAnswer {
        let (name, begun) = (operation.declaration.name, ContinuousClock.now)
        begin()
        do throws(MMError) {
            let answer = try await work()
            end(name, nil, after: .now - begun, reported: !answer.errors.isEmpty)
            return answer
        } catch {
            end(name, error, after: .now - begun)
            throw error
        }
    }

    /// Counts a call that starts.
    func begin() {
        counts.withLock { $0.underWay += 1 }
    }

    /// Counts a call that ended.
    /// - Parameters:
    ///   - operation: the operation's name; it must be in the catalogue, so that callers can't create names without
    ///     limit.
    ///   - error: the error that the call ended with, if any.
    ///   - duration: how long the call took.
    ///   - reported: whether the call succeeded but reported errors.
    func end(_ operation: String, _ error: MMError?, after duration: Duration, reported: Bool = false) {
        let seconds = duration / .seconds(1)
        counts.withLock { counts in
            counts.underWay -= 1
            counts.total += 1
            let outcome = error?.code.word ?? (reported ? "done_with_errors" : "done")
            counts.calls[Kind(operation: operation, outcome: outcome), default: 0] += 1
            if let error, Self.isFailure(error.code) { counts.errors += 1 }
            counts.seconds += seconds
            if let bucket = Self.bounds.firstIndex(where: { seconds <= $0 }) { counts.buckets[bucket] += 1 }
            if counts.last.count < Self.recent {
                counts.last.append(seconds)
            } else {
                counts.last[counts.nextOfLast] = seconds
                counts.nextOfLast = (counts.nextOfLast + 1) % Self.recent
            }
        }
    }

    /// Returns whether an error counts as a failure. Sign-in, confirmation and cancellation don't.
    package static func isFailure(_ code: MMErrorCode) -> Bool {
        ![.signInNeeded, .confirmationNeeded, .cancelled].contains(code)
    }
}
