public import MMCore
internal import MMIdentity

/// The pages of a collection, one after the other; the next one is fetched while the last is worked on.
///
/// Memory holds two pages at most. Next links are followed unchanged, with the first request's headers, on the same service's
/// hosts only; a link that comes twice ends it.
public struct GraphPages: AsyncSequence, Sendable {
    /// A page.
    public typealias Element = GraphPage
    /// What can go wrong.
    public typealias Failure = MMError

    let client: GraphClient
    let request: GraphRequest
    let limits: PageLimits
    let deadline: Deadline

    /// Starts at the first page.
    public func makeAsyncIterator() -> Iterator {
        Iterator(PageWalk(self))
    }

    /// Walks over the pages.
    public struct Iterator: AsyncIteratorProtocol {
        private let walk: PageWalk

        init(_ walk: PageWalk) {
            self.walk = walk
        }

        /// The next page, or `nil` after the last.
        public mutating func next() async throws(MMError) -> GraphPage? {
            try await walk.next()
        }

        /// The next page, or `nil` after the last.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(MMError) -> GraphPage? {
            try await walk.next()
        }
    }
}

extension GraphClient {
    /// The pages of a collection.
    /// - Parameters:
    ///   - request: the first page; a `GET`.
    ///   - limits: how much is read.
    ///   - deadline: when to give up.
    public func pages(
        _ request: GraphRequest, limits: PageLimits = PageLimits(), deadline: Deadline = .after(.seconds(300))
    ) -> GraphPages {
        GraphPages(client: self, request: request, limits: limits, deadline: deadline)
    }
}

/// The state of one walk. One task at a time may ask it, as with every iterator.
final class PageWalk: Sendable {
    private struct State {
        var ahead: Task<Result<GraphPage, MMError>, Never>?
        var seen: Set<Int> = []
        var pages = 0
        var items = 0
        var isOver = false
    }

    private let pages: GraphPages
    private let state = Mutex(State())

    init(_ pages: GraphPages) {
        self.pages = pages
    }

    deinit { state.withLock { $0.ahead?.cancel() } }

    func next() async throws(MMError) -> GraphPage? {
        let (isOver, ahead) = state.withLock { ($0.isOver, $0.ahead) }
        guard !isOver else { return nil }
        let page: GraphPage
        do throws(MMError) {
            if let ahead {
                let result = await withTaskCancellationHandler {
                    await ahead.value
                } onCancel: {
                    ahead.cancel()
                }
                page = try result.get()
            } else {
                page = try await Self.first(pages)
            }
            return try advance(page)
        } catch {
            state.withLock { state in
                state.isOver = true
                state.ahead = nil
            }
            throw error
        }
    }

    /// Counts a page, cuts it where the limit is, and sets out for the next.
    private func advance(_ page: GraphPage) throws(MMError) -> GraphPage {
        let limits = pages.limits
        let left = state.withLock { state -> Int? in
            state.pages += 1
            state.ahead = nil
            let left = limits.items.map { max(0, $0 - state.items) }
            state.items += page.items.count
            return left
        }
        var page = page
        if let left, page.items.count > left {
            page = GraphPage(
                items: Array(page.items.prefix(left)), envelope: page.envelope, isCollection: page.isCollection)
        }
        let isFull = state.withLock { state in
            (limits.items.map { state.items >= $0 } ?? false) || state.pages >= limits.pages
        }
        guard let link = page.nextLink, !isFull else {
            state.withLock { $0.isOver = true }
            return page
        }
        let url = try check(link)
        let pages = self.pages
        let task = Task { await Result { () async throws(MMError) in try await Self.page(pages, at: url) } }
        state.withLock { $0.ahead = task }
        return page
    }

    /// The address of a next link, once it is known that the token may go there.
    private func check(_ link: String) throws(MMError) -> String {
        let client = pages.client
        guard client.cloud.admits(link, for: client.resource) else {
            let place = WebAddress(link)?.origin ?? "an address that can't be read"
            throw MMError(
                .denied,
                "The next page of \(pages.request.target.path) is said to be at \(place), which is none of "
                    + "\(client.service.rawValue)'s hosts: it was not asked for.",
                hint: "The pages so far are complete. No token was sent there.", details: ["host": .string(place)])
        }
        let isNew = state.withLock { $0.seen.insert(link.hashValue).inserted }
        guard isNew else {
            throw MMError(
                .remoteFailed, "The pages of \(pages.request.target.path) go in circles: a next link came twice.",
                hint: "The pages so far may repeat. Narrow the request and try again.")
        }
        return link
    }

    private static func first(_ pages: GraphPages) async throws(MMError) -> GraphPage {
        guard pages.request.method == "GET" else {
            throw MMError(
                .invalidInput, "Only GET requests have pages, not \(pages.request.method).",
                hint: "Leave out all and top.",
                details: ["field": "method"])
        }
        guard let size = PageSize.suggested(for: pages.request.target, wanted: pages.limits.items) else {
            return try GraphPage(
                try await pages.client.send(pages.request, deadline: pages.deadline).body, of: pages.request)
        }
        let sized = try pages.request.with(target: pages.request.target.addingQuery("$top", String(size)))
        do throws(MMError) {
            return try GraphPage(try await pages.client.send(sized, deadline: pages.deadline).body, of: pages.request)
        } catch {
            // Some collections know no `$top`, some a smaller most: it was our idea, so it is dropped again.
            guard error.details["status"]?.int == 400 || error.code == .limitExceeded else { throw error }
            return try GraphPage(
                try await pages.client.send(pages.request, deadline: pages.deadline).body, of: pages.request)
        }
    }

    private static func page(_ pages: GraphPages, at url: String) async throws(MMError) -> GraphPage {
        try GraphPage(
            try await pages.client.send(pages.request, to: url, deadline: pages.deadline).body, of: pages.request)
    }
}
