package import MMCore

/// Something that a process does for a time, and which belongs to a trace.
///
/// Only what is known to hold neither content nor secrets becomes an attribute: names of operations and connections, methods,
/// templates of paths, states.
package final class Span: Sendable {
    /// Whose side of a call a span shows; the numbers are those of OTLP.
    package enum Kind: Int64, Sendable {
        /// Work within this process.
        case `internal` = 1
        /// A call that came from another program.
        case server = 2
        /// A request to another program.
        case client = 3
    }

    private struct State {
        var attributes: [(key: String, value: JSONValue)] = []
        var isEnded = false
    }

    /// The span that work started here belongs to.
    @TaskLocal package static var current: Span?

    /// What it is called.
    package let name: String
    let kind: Kind
    /// Its own place in the trace, for those that it calls.
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

    /// Notes an attribute: a text, a number or a flag. `nil` is left out.
    package func note(_ key: String, _ value: JSONValue?) {
        guard let value else { return }
        state.withLock { state in
            state.attributes.removeAll { $0.key == key }
            state.attributes.append((key, value))
        }
    }

    /// Begins a part of this span's work.
    package func child(_ name: String, _ kind: Kind = .internal) -> Span {
        tracer.begin(name, kind, under: context)
    }

    /// Notes a part of this span's work that is over, such as a request that a session sent.
    /// - Parameters:
    ///   - name: what it is called.
    ///   - kind: whose side of a call it was.
    ///   - begun: when it began.
    ///   - lasted: how long it took.
    ///   - attributes: as `note` takes them.
    ///   - fault: the kind of failure; `nil` where all went well.
    package func past(
        _ name: String, _ kind: Kind = .internal, begun: Timestamp, lasted: Duration,
        _ attributes: [(key: String, value: JSONValue)], fault: String? = nil
    ) {
        let part = child(name, kind)
        guard context.isSampled else { return }
        tracer.take(
            EndedSpan(
                name: name, kind: kind, context: part.context, parent: part.parent, begun: begun, lasted: lasted,
                attributes: attributes, fault: fault))
    }

    /// Ends it; a second end changes nothing.
    /// - Parameter fault: the kind of failure, such as an error's code; `nil` where all went well.
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

    /// Does work within this span.
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

    /// Does work as a part of what the current span does, and measures it; without a current span just does it.
    package static func part<Result: Sendable>(
        _ name: String, _ work: @Sendable () async throws(MMError) -> Result
    ) async throws(MMError) -> Result {
        guard let span = current?.child(name) else { return try await work() }
        do throws(MMError) {
            let value = try await span.around(work)
            span.end()
            return value
        } catch {
            span.end(fault: error.code.word)
            throw error
        }
    }
}

/// A span that waits to be sent.
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
