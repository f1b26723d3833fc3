/// The escalation by which a command is stopped, as a pure value: step by step, each firmer than the one before, until
/// the command has ended.
///
/// Its owner carries out each step and climbs when the time of the step is over.
package struct StopLadder<Rung: Sendable & Hashable, Reason: Sendable & Hashable>: Sendable, Hashable {
    /// A rung and the time that it is given.
    package struct Step: Sendable, Hashable {
        /// What is being done.
        package let rung: Rung
        /// How long to wait before the next step.
        package let time: Duration

        /// Creates a step.
        package init(_ rung: Rung, _ time: Duration = .zero) {
            self.rung = rung
            self.time = time
        }
    }

    private let steps: [Step]
    private var position: Int?
    private var hasEnded = false
    /// Why the command is being stopped; `nil` while it isn't.
    package private(set) var reason: Reason?

    /// Creates the ladder of a command that isn't being stopped yet.
    /// - Parameter steps: the rungs in their order.
    package init(_ steps: [Step]) { self.steps = steps }

    /// The rung that was reached.
    package var rung: Rung? { position.map { steps[$0].rung } }

    /// The rung after that; `nil` if none is left.
    package var next: Rung? { following < steps.count ? steps[following].rung : nil }

    private var following: Int { position.map { $0 + 1 } ?? 0 }

    /// Requests that the command is stopped.
    /// - Parameters:
    ///   - reason: why. The first reason counts.
    ///   - isWeaker: returns whether the earlier reason gives way to this one.
    /// - Returns: whether to start climbing now; `false` if the command is already being stopped or has ended.
    package mutating func stop(_ reason: Reason, outranking isWeaker: (Reason) -> Bool = { _ in false }) -> Bool {
        guard !hasEnded else { return false }
        guard let given = self.reason else {
            self.reason = reason
            return true
        }
        if isWeaker(given) { self.reason = reason }
        return false
    }

    /// Climbs to the next rung: the first one, or the next after the time of the last one is over.
    /// - Parameter isHopeless: whether the rungs in between would have no effect, so that the last one is next.
    /// - Returns: the rung; `nil` if the command has ended or isn't being stopped, or no rung is left.
    package mutating func climb(toLast isHopeless: Bool = false) -> Step? {
        guard reason != nil, !hasEnded else { return nil }
        var next = following
        if isHopeless { next = max(next, steps.count - 1) }
        guard next < steps.count else { return nil }
        position = next
        return steps[next]
    }

    /// Records that the command has ended: no rung follows.
    package mutating func end() { hasEnded = true }
}
