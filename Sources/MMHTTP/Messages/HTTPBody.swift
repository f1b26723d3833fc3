import MMCore

/// A body that is read piece by piece, by one reader, once.
///
/// The source is held back while nobody reads, and told to end when the last reference goes.
package struct HTTPBody: AsyncSequence, Sendable {
    /// A piece of the body.
    package typealias Element = [UInt8]
    /// What may end the body early.
    package typealias Failure = HTTPError

    private let source: Source

    /// A body read from `next` until it gives nil.
    /// - Parameters:
    ///   - next: gives the next piece, or nil at the end.
    ///   - release: called once when nobody can read any more.
    package init(
        next: @escaping @Sendable () async throws(HTTPError) -> [UInt8]?,
        release: @escaping @Sendable () -> Void = {}
    ) {
        source = Source(next: next, release: release)
    }

    /// A body that is already here: for tests and stand-ins.
    package init(_ pieces: [[UInt8]]) {
        let rest = RemainingPieces(pieces)
        self.init(next: { () async throws(HTTPError) -> [UInt8]? in rest.take() })
    }

    /// Reads on from where the last reader stopped.
    package func makeAsyncIterator() -> Iterator {
        Iterator(source: source)
    }

    /// Reads the body's pieces.
    package struct Iterator: AsyncIteratorProtocol {
        fileprivate let source: Source

        /// The next piece, or nil at the end.
        package mutating func next() async throws(HTTPError) -> [UInt8]? {
            try await source.next()
        }

        /// The next piece, or nil at the end.
        package mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(HTTPError) -> [UInt8]? {
            try await source.next()
        }
    }

    fileprivate final class Source: Sendable {
        let next: @Sendable () async throws(HTTPError) -> [UInt8]?
        let release: @Sendable () -> Void

        init(
            next: @escaping @Sendable () async throws(HTTPError) -> [UInt8]?, release: @escaping @Sendable () -> Void
        ) {
            self.next = next
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
