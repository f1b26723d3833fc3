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
        /// - Throws: as ``GraphClient/send(_:deadline:)``.
        public mutating func next() async throws(MMError) -> GraphPage? {
            try await walk.next()
        }

        /// The next page, or `nil` after the last.
        /// - Throws: as ``GraphClient/send(_:deadline:)``.
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
        /// What keeps the walk from the next page; told after the page that says where it is.
        var obstacle: MMError?
        /// Where the next page is, once the last one that was handed out has said so.
        var nextLink: String?
        /// How many items were handed out.
        var handedOut = 0
    }

    private let pages: GraphPages
    private let state = Mutex(State())

    init(_ pages: GraphPages) {
        self.pages = pages
    }

    deinit { state.withLock { $0.ahead?.cancel() } }

    func next() async throws(MMError) -> GraphPage? {
        let (isOver, ahead, obstacle) = state.withLock { state in
            defer { state.obstacle = nil }
            return (state.isOver, state.ahead, state.obstacle)
        }
        if let obstacle { throw obstacle }
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
        } catch {
            end()
            throw resumable(error)
        }
        do throws(MMError) {
            return try advance(page)
        } catch {
            end()
            throw error
        }
    }

    private func end() {
        state.withLock { state in
            state.isOver = true
            state.ahead = nil
        }
    }

    /// An error after the first page says how much came before it, and how to go on from there.
    private func resumable(_ error: MMError) -> MMError {
        let (items, link) = state.withLock { ($0.handedOut, $0.nextLink) }
        guard let link else { return error }
        var error = error
        error.details["items"] = .int(Int64(items))
        error.details["nextLink"] = .string(link)
        let went = "\(items) items came before this. To go on after them, give the next link as the endpoint: \(link)"
        error.hint = [error.hint, went].compactMap { $0 }.joined(separator: " ")
        return error
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
        let items = page.items.count
        guard let link = page.nextLink, !isFull else {
            state.withLock { $0.isOver = true }
            return page
        }
        guard pages.client.cloud.admits(link, for: pages.client.resource) else {
            // The page itself is as good as any other.
            let obstacle = foreign(link)
            state.withLock { state in
                state.isOver = true
                state.obstacle = obstacle
            }
            return page
        }
        let url = try fresh(link)
        state.withLock { state in
            state.nextLink = link
            state.handedOut += items
        }
        let pages = self.pages
        let task = Task { await Result { () async throws(MMError) in try await Self.page(pages, at: url) } }
        state.withLock { $0.ahead = task }
        return page
    }

    private func foreign(_ link: String) -> MMError {
        let place = WebAddress(link)?.origin ?? "an address that can't be read"
        return MMError(
            .denied,
            "The next page of \(pages.request.target.path) is said to be at \(place), which is none of "
                + "\(pages.client.service.rawValue)'s hosts: it was not asked for.",
            hint: "The pages so far are complete. No token was sent there.", details: ["host": .string(place)])
    }

    /// A next link that was not followed before.
    private func fresh(_ link: String) throws(MMError) -> String {
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
