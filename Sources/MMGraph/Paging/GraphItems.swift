public import MMCore

/// The items of a collection across all its pages, decoded as a type of the caller's.
public struct GraphItems<Item: Decodable & Sendable>: AsyncSequence, Sendable {
    /// An item.
    public typealias Element = Item
    /// The error type.
    public typealias Failure = MMError

    let pages: Result<GraphPages, MMError>

    /// Returns an iterator that starts at the first item.
    public func makeAsyncIterator() -> Iterator { Iterator(pages: pages.map { $0.makeAsyncIterator() }) }

    /// Iterates over the items.
    public struct Iterator: AsyncIteratorProtocol {
        private var pages: Result<GraphPages.Iterator, MMError>
        private var items: ArraySlice<ArraySlice<UInt8>> = []

        init(pages: Result<GraphPages.Iterator, MMError>) { self.pages = pages }

        /// Returns the next item, or `nil` after the last.
        /// - Throws: as ``GraphClient/send(_:deadline:)``, and `.remoteFailed` for an item that can't be decoded.
        public mutating func next() async throws(MMError) -> Item? { try await next(isolation: nil) }

        /// Returns the next item, or `nil` after the last.
        /// - Throws: as ``GraphClient/send(_:deadline:)``, and `.remoteFailed` for an item that can't be decoded.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(MMError) -> Item? {
            while items.isEmpty {
                var walk = try pages.get()
                guard let page = try await walk.next(isolation: actor) else { return nil }
                pages = .success(walk)
                items = page.items[...]
            }
            let item: JSONValue
            do throws(JSONError) {
                item = try JSONParser.parse(Array(items.removeFirst()))
            } catch {
                throw MMError(.remoteFailed, "An item of the answer can't be read as JSON: \(error).")
            }
            return try item.decoded(as: Item.self)
        }
    }
}
