import MMCore

/// Begins spans and keeps those that have ended until they are sent. Nothing here waits: where the queue is full, spans are
/// dropped and counted.
package final class Tracer: Sendable {
    private struct Queue {
        var spans: [EndedSpan] = []
        var dropped = 0
    }

    private let sampler: TraceSampler
    private let limit: Int
    private let clock: WallClock
    private let queue = Mutex(Queue())
    /// Told that as many spans wait as fit into a batch.
    private let isDue: @Sendable () -> Void
    private let batch: Int

    init(
        sampler: TraceSampler = .standard, limit: Int = 2048, batch: Int = 512, clock: WallClock = .system,
        isDue: @escaping @Sendable () -> Void = {}
    ) {
        (self.sampler, self.limit, self.batch, self.clock, self.isDue) = (sampler, limit, batch, clock, isDue)
    }

    /// Begins a span.
    /// - Parameter parent: who asks for it; `nil` begins a trace.
    package func begin(_ name: String, _ kind: Span.Kind = .internal, under parent: TraceContext? = nil) -> Span {
        let trace = parent?.trace ?? Self.id(bytes: 16)
        let context = TraceContext(
            trace: trace, span: Self.id(bytes: 8), isSampled: sampler.records(trace, under: parent),
            state: parent?.state)
        return Span(name, kind, context, parent: parent?.span, at: clock.now, of: self)
    }

    /// How many spans found no room so far.
    package var dropped: Int { queue.withLock { $0.dropped } }

    /// How many wait.
    var waiting: Int { queue.withLock { $0.spans.count } }

    func take(_ span: EndedSpan) {
        let isFull = queue.withLock { queue in
            guard queue.spans.count < limit else {
                queue.dropped += 1
                return false
            }
            queue.spans.append(span)
            return queue.spans.count % batch == 0
        }
        if isFull { isDue() }
    }

    /// Takes the oldest spans out of the queue.
    func removeFirst(_ count: Int) -> [EndedSpan] {
        queue.withLock { queue in
            let some = Array(queue.spans.prefix(count))
            queue.spans.removeFirst(some.count)
            return some
        }
    }

    /// Counts spans that nobody took.
    func lose(_ count: Int) { queue.withLock { $0.dropped += count } }

    /// A random id, never all zeros.
    private static func id(bytes: Int) -> String {
        var text = ""
        for _ in 0..<(bytes / 8) {
            let digits = String(max(RandomBytes.number(), 1), radix: 16)
            text += String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }
        return text
    }
}
