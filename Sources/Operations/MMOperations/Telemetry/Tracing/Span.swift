package import MMCore

/// A unit of work of this process, which belongs to a trace.
///
/// Only values known to contain neither content nor secrets become attributes: names of operations and connections,
/// methods, path templates, states.
package final class Span: Sendable {
    /// The role of a span; the numbers are those of OTLP.
    package enum Kind: Int64, Sendable {
        /// Work within this process.
        case `internal` = 1
        /// A call from another program.
        case server = 2
        /// A request to another program.
        case client = 3
    }

    private struct State {
        var attributes: [(key: String, value: JSONValue)] = []
        var isEnded = false
    }

    /// The span to which work in this task belongs.
    @TaskLocal package static var current: Span?

    /// The name of the span.
    package let name: String
    let kind: Kind
    /// Its context, for the programs that it calls.
    package let context: TraceContext
    let parent: String?
    private let begun: Timestamp
    private let start = ContinuousClock.now
    private let state = Mutex(State())
    private let tracer: Tracer

    init(_ name: String, _ kind: Kind, _ context: TraceContext, parent: String?, at begun: Timestamp, of tracer: Tracer)
    {
        (self.name, self.kind, self.context, self.parent, self.begun) = (name, kind, context, parent, begun)
        self.tracer = tracer
    }

    /// Sets an attribute to a string, a number or a boolean. `nil` is ignored.
    package func note(_ key: String, _ value: JSONValue?) {
        guard let value else { return }
        state.withLock { state in
            state.attributes.removeAll { $0.key == key }
            state.attributes.append((key, value))
        }
    }

    /// Begins a child span.
    package func child(_ name: String, _ kind: Kind = .internal) -> Span {
        tracer.begin(name, kind, under: context)
    }

    /// Adds a child span that has already ended, such as a request that a session sent.
    /// - Parameters:
    ///   - name: its name.
    ///   - kind: its role.
    ///   - begun: its start.
    ///   - lasted: its duration.
    ///   - attributes: the attributes, as for `note`.
    ///   - fault: the kind of failure; `nil` for success.
    package func past(
        _ name: String, _ kind: Kind, begun: Timestamp, lasted: Duration,
        _ attributes: [(key: String, value: JSONValue)], fault: String?
    ) {
        let part = child(name, kind)
        guard context.isSampled else { return }
        tracer.take(
            EndedSpan(
                name: name, kind: kind, context: part.context, parent: part.parent, begun: begun, lasted: lasted,
                attributes: attributes, fault: fault))
    }

    /// Ends the span; a second call has no effect.
    /// - Parameter fault: the kind of failure, such as an error code; `nil` for success.
    package func end(fault: String? = nil) {
        let attributes: [(key: String, value: JSONValue)]? = state.withLock { state in
            guard !state.isEnded else { return nil }
            state.isEnded = true
            return state.attributes
        }
        guard let attributes, context.isSampled else { return }
        tracer.take(
            EndedSpan(
                name: name, kind: kind, context: context, parent: parent, begun: begun,
                lasted: ContinuousClock.now - start, attributes: attributes, fault: fault))
    }

    /// Runs work within this span.
    package func around<Result: Sendable>(
        _ work: @Sendable () async throws(MMError) -> Result
    ) async throws(MMError) -> Result {
        // `withValue` throws untyped errors, so the error comes out as a value.
        let outcome: Swift.Result<Result, MMError> = await Self.$current.withValue(self) {
            do throws(MMError) {
                let value = try await work()
                return .success(value)
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }
}

/// An ended span that waits to be sent.
struct EndedSpan: Sendable {
    let name: String
    let kind: Span.Kind
    let context: TraceContext
    let parent: String?
    let begun: Timestamp
    let lasted: Duration
    let attributes: [(key: String, value: JSONValue)]
    let fault: String?
}

/// The context of a span within its trace, as it is passed between programs (W3C Trace Context, level 1).
package struct TraceContext: Sendable, Hashable {
    /// The trace id, 32 hexadecimal digits.
    package let trace: String
    /// The parent span id of what follows, 16 hexadecimal digits.
    package let span: String
    /// Whether the spans of this trace are recorded.
    package let isSampled: Bool
    /// The state of other tracing systems, passed on unread.
    package let state: String?

    init(trace: String, span: String, isSampled: Bool, state: String?) {
        (self.trace, self.span, self.isSampled, self.state) = (trace, span, isSampled, state)
    }

    /// Reads the headers `traceparent` and `tracestate`.
    /// - Returns: `nil` where they don't conform to the specification, so that a new trace begins.
    package init?(parent: String?, state: String? = nil) {
        guard let parent else { return nil }
        let parts = parent.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 4, parts[0].utf8.count == 2, parts[1].utf8.count == 32, parts[2].utf8.count == 16,
            parts[3].utf8.count == 2, parts.prefix(4).allSatisfy(Self.isHex), parts[0] != "ff",
            // Later versions may have more parts; version 00 has exactly four.
            parts[0] != "00" || parts.count == 4, parts[1].utf8.contains(where: { $0 != 0x30 }),
            parts[2].utf8.contains(where: { $0 != 0x30 }), let flags = UInt8(parts[3], radix: 16)
        else { return nil }
        self.init(
            trace: parts[1], span: parts[2], isSampled: flags & 1 == 1, state: state.flatMap(Self.validState))
    }

    /// The value of the header `traceparent`.
    package var parent: String { "00-\(trace)-\(span)-\(isSampled ? "01" : "00")" }

    private static func isHex(_ text: String) -> Bool {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    private static func validState(_ text: String) -> String? {
        guard !text.isEmpty, text.utf8.count <= 512, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            return nil
        }
        return text
    }
}

/// Begins spans and queues ended ones until they are sent. It never blocks: if the queue is full, spans are dropped and
/// counted.
package final class Tracer: Sendable {
    private struct Queue {
        var spans: [EndedSpan] = []
        var dropped = 0
    }

    private let sampler: TraceSampler
    private let limit: Int
    private let clock: WallClock
    private let queue = Mutex(Queue())
    /// Called when enough spans for a batch are waiting.
    private let isDue: @Sendable () -> Void
    private let batch: Int

    init(
        sampler: TraceSampler, limit: Int, batch: Int, clock: WallClock, isDue: @escaping @Sendable () -> Void
    ) {
        (self.sampler, self.limit, self.batch, self.clock, self.isDue) = (sampler, limit, batch, clock, isDue)
    }

    /// Begins a span.
    /// - Parameter parent: the caller's context; `nil` begins a trace.
    package func begin(_ name: String, _ kind: Span.Kind, under parent: TraceContext?) -> Span {
        let trace = parent?.trace ?? Self.id(bytes: 16)
        let context = TraceContext(
            trace: trace, span: Self.id(bytes: 8), isSampled: sampler.records(trace, under: parent),
            state: parent?.state)
        return Span(name, kind, context, parent: parent?.span, at: clock.now, of: self)
    }

    /// The number of spans dropped so far because the queue was full.
    package var dropped: Int { queue.withLock { $0.dropped } }

    /// The number of waiting spans.
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

    /// Removes and returns the oldest spans of the queue.
    func removeFirst(_ count: Int) -> [EndedSpan] {
        queue.withLock { queue in
            let some = Array(queue.spans.prefix(count))
            queue.spans.removeFirst(some.count)
            return some
        }
    }

    /// Returns a random id, never all zeros.
    private static func id(bytes: Int) -> String {
        var text = ""
        for _ in 0..<(bytes / 8) {
            let digits = String(max(RandomBytes.number(), 1), radix: 16)
            text += String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }
        return text
    }
}

/// The sampling of traces (`OTEL_TRACES_SAMPLER`).
struct TraceSampler: Sendable, Hashable {
    /// Whether the caller's decision is followed.
    let followsParent: Bool
    /// The fraction of traces beginning here that is recorded.
    let ratio: Double

    static let standard = TraceSampler(followsParent: true, ratio: 1)

    /// Reads the two variables of the specification.
    /// - Throws: `invalidInput` with the known names.
    init(name: String?, argument: String?) throws(MMError) {
        let name = name ?? "parentbased_always_on"
        followsParent = name.hasPrefix("parentbased_")
        switch followsParent ? String(name.dropFirst("parentbased_".count)) : name {
        case "always_on": ratio = 1
        case "always_off": ratio = 0
        case "traceidratio":
            guard let share = Double(argument ?? "1"), (0...1).contains(share) else {
                throw MMError(
                    .invalidInput, "OTEL_TRACES_SAMPLER_ARG can't be `\((argument ?? "").prefix(40))`.",
                    hint: "Use a number from 0 to 1.")
            }
            ratio = share
        default:
            throw MMError(
                .invalidInput, "OTEL_TRACES_SAMPLER can't be `\(name.prefix(40))`.",
                hint: "Use always_on, always_off, traceidratio, or one of them after parentbased_.")
        }
    }

    private init(followsParent: Bool, ratio: Double) { (self.followsParent, self.ratio) = (followsParent, ratio) }

    /// Whether a trace is recorded. The decision depends only on the trace id, so that all programs decide alike.
    func records(_ trace: String, under parent: TraceContext?) -> Bool {
        if followsParent, let parent { return parent.isSampled }
        // The rightmost 56 bits are random by specification.
        guard let number = UInt64(trace.suffix(14), radix: 16) else { return false }
        return number < UInt64(ratio * Double(UInt64(1) << 56))
    }
}
