import MMCore

/// A body that is read piece by piece, once, by one reader.
///
/// The source is held back while there is no reader, and released with the last reference.
package struct HTTPBody: AsyncSequence, Sendable {
    /// A chunk of the body.
    package typealias Element = [UInt8]
    /// The error that may end the body early.
    package typealias Failure = HTTPError

    private let source: Source

    /// Creates a body that is read from `next` until it returns nil.
    /// - Parameters:
    ///   - next: returns the next chunk, or nil at the end.
    ///   - isReady: whether `next` would return at once.
    ///   - release: called once when the body can no longer be read.
    package init(
        next: @escaping @Sendable () async throws(HTTPError) -> [UInt8]?,
        isReady: @escaping @Sendable () -> Bool = { false },
        release: @escaping @Sendable () -> Void = {}
    ) {
        source = Source(next: next, isReady: isReady, release: release)
    }

    /// Whether more of the body, or its end, has already arrived.
    package var isReady: Bool { source.isReady() }

    /// Creates a body that is already complete, for tests and stand-ins.
    package init(_ pieces: [[UInt8]]) {
        let rest = RemainingPieces(pieces)
        self.init(next: { () async throws(HTTPError) -> [UInt8]? in rest.take() })
    }

    /// Returns an iterator that continues where the last one stopped.
    package func makeAsyncIterator() -> Iterator {
        Iterator(source: source)
    }

    /// Iterates over the body's chunks.
    package struct Iterator: AsyncIteratorProtocol {
        fileprivate let source: Source

        /// Returns the next chunk, or nil at the end.
        package mutating func next() async throws(HTTPError) -> [UInt8]? {
            try await source.next()
        }

        /// Returns the next chunk, or nil at the end.
        package mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(HTTPError) -> [UInt8]? {
            try await source.next()
        }
    }

    fileprivate final class Source: Sendable {
        let next: @Sendable () async throws(HTTPError) -> [UInt8]?
        let isReady: @Sendable () -> Bool
        let release: @Sendable () -> Void

        init(
            next: @escaping @Sendable () async throws(HTTPError) -> [UInt8]?,
            isReady: @escaping @Sendable () -> Bool, release: @escaping @Sendable () -> Void
        ) {
            self.next = next
            self.isReady = isReady
            self.release = release
        }

        deinit { release() }
    }
}

private final class RemainingPieces: Sendable {
    private let pieces: Mutex<ArraySlice<[UInt8]>>

    init(_ pieces: [[UInt8]]) {
        self.pieces = Mutex(pieces[...])
    }

    func take() -> [UInt8]? {
        pieces.withLock { $0.popFirst() }
    }
}
