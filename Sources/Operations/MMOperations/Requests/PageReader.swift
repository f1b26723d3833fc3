import MMCore
import MMGraph

/// Reads a collection's pages one after the other and reports how many items came.
actor PageReader {
    private var pages: GraphPages.Iterator
    private let progress: ItemProgress

    /// A reader at the first page.
    /// - Parameters:
    ///   - pages: the collection.
    ///   - progress: is told how many items came.
    init(_ pages: GraphPages, progress: ItemProgress) {
        self.pages = pages.makeAsyncIterator()
        self.progress = progress
    }

    /// The next page; `nil` at the end.
    func next() async throws(MMError) -> GraphPage? {
        var iterator = pages
        let page = try await iterator.next(isolation: self)
        pages = iterator
        if let page { progress.came(page.items.count, of: page.count) }
        return page
    }
}
