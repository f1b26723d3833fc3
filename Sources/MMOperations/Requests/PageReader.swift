import MMCore
import MMGraph

/// Reads a collection's pages one after the other and reports how many items came.
actor PageReader {
    private var pages: GraphPages.Iterator
    private let progress: @Sendable (ProgressReport) -> Void
    private var items = 0

    /// A reader at the first page.
    /// - Parameters:
    ///   - pages: the collection.
    ///   - progress: is told how many items came.
    init(_ pages: GraphPages, progress: @escaping @Sendable (ProgressReport) -> Void) {
        self.pages = pages.makeAsyncIterator()
        self.progress = progress
    }

    /// The next page; `nil` at the end.
    func next() async throws(MMError) -> GraphPage? {
        var iterator = pages
        let page = try await iterator.next(isolation: self)
        pages = iterator
        items += page?.items.count ?? 0
        if page != nil { progress(ProgressReport(done: Double(items), message: "\(items) items")) }
        return page
    }
}
