import MMCore
import MMDesk

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

/// Tells a caller how many items came, how fast, and why the next ones take a while.
final class ItemProgress: Sendable {
    private struct State {
        var items = 0
        var total: Int?
        var pace = WorkPace(counting: .items)
    }

    private let state = Mutex(State())
    private let limit: Int?
    private let report: @Sendable (ProgressReport) -> Void

    /// Reports go to whoever called.
    /// - Parameter limit: how many items are wanted at most; `nil` for all.
    init(limit: Int? = nil, _ report: @escaping @Sendable (ProgressReport) -> Void) {
        self.limit = limit
        self.report = report
    }

    /// So many more items came.
    /// - Parameter total: how many there are, where the service said it.
    func came(_ count: Int, of total: Int? = nil) {
        report(
            state.withLock { state in
                state.items += count
                if let total { state.total = limit.map { min($0, total) } ?? total }
                return ProgressReport(
                    done: Double(state.items), total: state.total.map(Double.init),
                    message: state.pace.text(done: state.items, total: state.total))
            })
    }

    /// Something is waited for.
    func waits(_ reason: String) {
        let (done, total) = state.withLock { ($0.items, $0.total) }
        report(ProgressReport(done: Double(done), total: total.map(Double.init), message: reason))
    }
}
