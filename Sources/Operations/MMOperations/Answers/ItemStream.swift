public import MMCore
import MMIdentity

/// A list that is fetched while it is read, a batch of JSON texts at a time, so that its length doesn't affect memory
/// use.
public struct ItemStream: Sendable {
    /// The function that fetches the next batch of items, each the bytes of one JSON text; `nil` at the end. It may be
    /// called by one reader at a time.
    public let next: @Sendable () async throws(MMError) -> [ArraySlice<UInt8>]?
    /// The function that returns the notes and errors that follow the list; they are complete once the list has been
    /// read to its end.
    package let end: @Sendable () -> AnswerEnd

    /// Creates a list from a function that fetches batches.
    /// - Parameters:
    ///   - first: the first batch, if it has been fetched already. An empty array is a batch without items, not the
    ///     end.
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

    /// Creates a list with notes and errors that follow it.
    /// - Parameters:
    ///   - end: returns the notes and errors that follow the list.
    ///   - next: fetches the batches.
    package init(
        end: @escaping @Sendable () -> AnswerEnd,
        next: @escaping @Sendable () async throws(MMError) -> [ArraySlice<UInt8>]?
    ) {
        self.end = end
        self.next = next
    }

    /// The batch that was fetched ahead, held until it is read.
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

/// What a streamed answer knows only at its end.
package struct AnswerEnd: Sendable, Hashable {
    /// Lines for the reader.
    package var notes: [String] = []
    /// Errors that were reported on the way without ending the answer. For those that were not in the answer's head,
    /// the notes hold lines for people.
    package var errors: [ReportedError] = []
    /// The exit status of the command, if one was run.
    package var exitStatus: Int32?
    /// Whether other people wrote some of the rows, where these don't show that.
    package var isForeign = false

    /// Creates an end without notes or errors.
    package init() {}

    /// Creates an end with notes only.
    package init(notes: [String]) { self.notes = notes }
}

extension ItemStream {
    /// Returns the same list, whose batches are fetched on behalf of the caller even after the call itself has
    /// returned.
    func reading(for assertion: Secret) -> ItemStream {
        ItemStream(end: end) { () async throws(MMError) in
            try await CallerAssertion.with(assertion) { () async throws(MMError) in try await next() }
        }
    }
}
