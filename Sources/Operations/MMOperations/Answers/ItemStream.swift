public import MMCore
import MMIdentity

/// A list that is fetched while it is read, a batch of JSON texts at a time, so that memory stays flat however long it is.
public struct ItemStream: Sendable {
    /// Fetches the next batch of items, each the bytes of one JSON text; `nil` at the end. One reader at a time may ask.
    public let next: @Sendable () async throws(MMError) -> [ArraySlice<UInt8>]?
    /// What is to be told behind the list; complete when it has been read to its end.
    package let end: @Sendable () -> AnswerEnd

    /// A list fetched by a function.
    /// - Parameters:
    ///   - first: the first batch, where it is there already; an empty list has none.
    ///   - next: fetches the batches after it.
    public init(
        startingWith first: [ArraySlice<UInt8>]? = nil,
        next: @escaping @Sendable () async throws(MMError) -> [ArraySlice<UInt8>]?
    ) {
        let waiting = FirstBatch(first)
        end = { AnswerEnd() }
        self.next = { () async throws(MMError) in
            if let batch = waiting.take() { return batch }
            return try await next()
        }
    }

    /// A list with something to tell behind it.
    /// - Parameters:
    ///   - end: what is to be told behind it.
    ///   - next: fetches the batches.
    package init(
        end: @escaping @Sendable () -> AnswerEnd,
        next: @escaping @Sendable () async throws(MMError) -> [ArraySlice<UInt8>]?
    ) {
        self.end = end
        self.next = next
    }

    /// Holds the batch that was fetched ahead until somebody takes it.
    private final class FirstBatch: Sendable {
        private let batch: Mutex<[ArraySlice<UInt8>]?>

        init(_ batch: [ArraySlice<UInt8>]?) {
            self.batch = Mutex(batch)
        }

        func take() -> [ArraySlice<UInt8>]? {
            batch.withLock { batch in
                defer { batch = nil }
                return batch
            }
        }
    }
}

/// What an answer that flows has to say when it has come to its end.
package struct AnswerEnd: Sendable, Hashable {
    /// Lines for the reader.
    package var notes: [String] = []
    /// What was reported on the way and did not end it; the notes have lines for people of those that the head didn't tell.
    package var errors: [ReportedError] = []
    /// The exit status of the command that was run, where one was.
    package var exitStatus: Int32?

    /// Nothing to say.
    package init() {}

    /// Lines for the reader alone.
    package init(notes: [String]) { self.notes = notes }
}

extension ItemStream {
    /// The same list, fetched on behalf of the caller also when it is read after the call's own work.
    func reading(for assertion: Secret) -> ItemStream {
        ItemStream(end: end) { () async throws(MMError) in
            try await CallerAssertion.with(assertion) { () async throws(MMError) in try await next() }
        }
    }
}
