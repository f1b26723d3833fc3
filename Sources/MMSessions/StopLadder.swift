/// How a command is stopped, as a pure value: rung by rung, each firmer than the one before, until the command has ended.
///
/// Who owns it carries out what a rung asks for, and climbs when the rung's time is over.
package struct StopLadder<Rung: Sendable & Hashable, Reason: Sendable & Hashable>: Sendable, Hashable {
    /// A rung and the time that it is given.
    package struct Step: Sendable, Hashable {
        /// What is done.
        package let rung: Rung
        /// How long it may take until the next one.
        package let time: Duration

        /// A step.
        package init(_ rung: Rung, _ time: Duration = .zero) {
            self.rung = rung
            self.time = time
        }
    }

    private let steps: [Step]
    private var position: Int?
    private var hasEnded = false
    /// Why the command is stopped; `nil` while it is not.
    package private(set) var reason: Reason?

    /// A command that nobody stops yet.
    /// - Parameter steps: the rungs in their order.
    package init(_ steps: [Step]) { self.steps = steps }

    /// The rung that was reached.
    package var rung: Rung? { position.map { steps[$0].rung } }

    /// The command is to stop.
    /// - Parameters:
    ///   - reason: why. The first reason counts.
    ///   - isWeaker: whether the reason that was given before gives way to this one.
    /// - Returns: whether climbing begins now; not when the command is being stopped already, or has ended.
    package mutating func stop(_ reason: Reason, outranking isWeaker: (Reason) -> Bool = { _ in false }) -> Bool {
        guard !hasEnded else { return false }
        guard let given = self.reason else {
            self.reason = reason
            return true
        }
        if isWeaker(given) { self.reason = reason }
        return false
    }

    /// Climbs to the next rung: the first one, or the time of the last one is over.
    /// - Parameter isHopeless: whether the rungs between would come to nothing: the last one is next.
    /// - Returns: the rung; `nil` when the command has ended or is not being stopped, or no rung is left.
    package mutating func climb(toLast isHopeless: Bool = false) -> Step? {
        guard reason != nil, !hasEnded else { return nil }
        var next = position.map { $0 + 1 } ?? 0
        if isHopeless { next = max(next, steps.count - 1) }
        guard next < steps.count else { return nil }
        position = next
        return steps[next]
    }

    /// The command has ended: no rung follows.
    package mutating func end() { hasEnded = true }
}
