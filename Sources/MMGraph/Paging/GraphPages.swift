public import MMCore
internal import MMIdentity

/// The pages of a collection, in order. The next page is fetched while the current one is being read and processed.
///
/// At most two pages are held in memory. Next links are followed unchanged, with the first request's headers, and only
/// on hosts of the same service. A link that occurs twice is an error.
public struct GraphPages: AsyncSequence, Sendable {
    /// A page.
    public typealias Element = GraphPage
    /// The error type.
    public typealias Failure = MMError

    let client: GraphClient
    package let request: GraphRequest
    /// The link that the first page is read from, where it isn't the request's own target.
    var start: String?
    let limits: PageLimits
    let deadline: Deadline

    /// Returns an iterator that starts at the first page.
    public func makeAsyncIterator() -> Iterator {
        Iterator(PageIteration(self))
    }

    /// Iterates over the pages.
    public struct Iterator: AsyncIteratorProtocol {
        private let walk: PageIteration

        init(_ walk: PageIteration) {
            self.walk = walk
        }

        /// Returns the next page, or `nil` after the last.
        /// - Throws: as ``GraphClient/send(_:deadline:)``.
        public mutating func next() async throws(MMError) -> GraphPage? {
            try await walk.next()
        }

        /// Returns the next page, or `nil` after the last.
        /// - Throws: as ``GraphClient/send(_:deadline:)``.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(MMError) -> GraphPage? {
            try await walk.next()
        }
    }
}

extension GraphClient {
    /// Returns the pages of a collection.
    ///
    /// A deadline covers the whole reading, and with it what the caller does between two pages; without one, each
    /// request has its own time limit.
    /// - Parameters:
    ///   - request: the request for the first page; must be a `GET`.
    ///   - limits: the limits on how much is read.
    ///   - deadline: when to give up the whole reading.
    public func pages(
        _ request: GraphRequest, limits: PageLimits = PageLimits(), deadline: Deadline = .never
    ) -> GraphPages {
        GraphPages(client: self, request: request, limits: limits, deadline: deadline)
    }

    /// Returns the pages that follow a link of an earlier answer, such as a ``GraphPage/deltaLink``.
    /// - Parameters:
    ///   - request: the request that the earlier answer came from.
    ///   - link: the link; one to another host than this service's is an error when the pages are read.
    ///   - deadline: when to give up the whole reading.
    public func pages(
        _ request: GraphRequest, from link: String, deadline: Deadline = .never
    ) -> GraphPages {
        GraphPages(client: self, request: request, start: link, limits: PageLimits(), deadline: deadline)
    }
}

/// The state of one iteration. As with every iterator, one task at a time may use it.
final class PageIteration: Sendable {
    /// A page that is being fetched.
    private typealias Fetch = Task<Result<[UInt8], MMError>, Never>

    private struct State {
        /// The next page, which is being fetched, and the link that leads to it.
        var ahead: (link: String, fetch: Fetch)?
        var seen: Set<Int> = []
        var pages = 0
        var items = 0
        var isOver = false
        /// The reason why the next page can't be fetched; thrown after the page that contained the link.
        var pendingError: MMError?
        /// The next link of the last page that was returned.
        var nextLink: String?
        /// The number of items returned so far.
        var handedOut = 0
    }

    private let pages: GraphPages
    private let state = Mutex(State())

    init(_ pages: GraphPages) {
        self.pages = pages
    }

    deinit { state.withLock { $0.ahead?.fetch.cancel() } }

    func next() async throws(MMError) -> GraphPage? {
        let (isOver, ahead, obstacle) = state.withLock { state in
            defer {
                state.pendingError = nil
                state.ahead = nil
            }
            return (state.isOver, state.ahead?.fetch, state.pendingError)
        }
        if let obstacle { throw obstacle }
        guard !isOver else { return nil }
        let page: GraphPage
        do throws(MMError) {
            let body: [UInt8]
            if let ahead {
                let result = await withTaskCancellationHandler {
                    await ahead.value
                } onCancel: {
                    ahead.cancel()
                }
                body = try result.get()
            } else {
                body = try await Self.first(pages)
            }
            fetchEarly(after: body)
            page = try GraphPage(body, of: pages.request)
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

    /// Starts to fetch the next page before this one is read, if the link precedes the items, as Graph writes it:
    /// reading a large page takes about as long as a near server needs for the next.
    private func fetchEarly(after body: [UInt8]) {
        // With a limit on items, only the items tell whether another page is wanted.
        guard pages.limits.items == nil, let link = GraphPage.link(in: PageScanner.head(of: body)),
            Self.admits(link, pages)
        else { return }
        state.withLock { state in
            guard state.pages + 1 < pages.limits.pages, !state.seen.contains(link.hashValue) else { return }
            state.ahead = (link, fetch(link))
        }
    }

    private func fetch(_ link: String) -> Fetch {
        let pages = pages
        return Task {
            await Result { () async throws(MMError) in
                try await pages.client.send(pages.request, to: link, deadline: pages.deadline).body
            }
        }
    }

    private func end() {
        state.withLock { state in
            state.isOver = true
            state.ahead?.fetch.cancel()
            state.ahead = nil
        }
    }

    /// Adds to an error after the first page how many items preceded it, and how to continue from there.
    private func resumable(_ error: MMError) -> MMError {
        let (items, link) = state.withLock { ($0.handedOut, $0.nextLink) }
        guard let link else { return error }
        var error = error
        error.details["items"] = .int(Int64(items))
        error.details["nextLink"] = .string(link)
        let went =
            "\(items) items came before this. To continue after them, give the next link as the endpoint: \(link)"
        error.hint = [error.hint, went].compactMap { $0 }.joined(separator: " ")
        return error
    }

    /// Counts a page, truncates it at the limit, and starts fetching the next, unless that has been done already.
    private func advance(_ page: GraphPage) throws(MMError) -> GraphPage {
        let limits = pages.limits
        let left = state.withLock { state -> Int? in
            state.pages += 1
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
        if !isFull, let link = page.nextLink ?? page.deltaLink, !Self.admits(link, pages) {
            // The page itself is valid.
            let obstacle = Self.foreignLink(link, page.nextLink == nil ? "later changes" : "next page", pages)
            end()
            state.withLock { $0.pendingError = obstacle }
            return page
        }
        guard let link = page.nextLink, !isFull else {
            end()
            return page
        }
        try note(link)
        state.withLock { state in
            state.nextLink = link
            state.handedOut += items
            guard state.ahead?.link != link else { return }
            state.ahead?.fetch.cancel()
            state.ahead = (link, fetch(link))
        }
        return page
    }

    private static func admits(_ link: String, _ pages: GraphPages) -> Bool {
        pages.client.cloud.admits(link, for: pages.client.resource)
    }

    private static func foreignLink(_ link: String, _ what: String, _ pages: GraphPages) -> MMError {
        let place = WebAddress(link)?.origin
        let whereabouts =
            place.map { "\($0), which is not one of \(pages.client.service.rawValue)'s hosts" } ?? "one without a host"
        return MMError(
            .denied,
            "The address of the \(what) of \(pages.request.target.path) is \(whereabouts): nothing was sent there.",
            hint: "The pages so far are complete.",
            details: place.map { ["host": .string($0)] } ?? [:])
    }

    /// Notes a next link after checking that it hasn't been followed before.
    private func note(_ link: String) throws(MMError) {
        let isNew = state.withLock { $0.seen.insert(link.hashValue).inserted }
        guard isNew else {
            throw MMError(
                .remoteFailed, "The pages of \(pages.request.target.path) form a loop: a next link came twice.",
                hint: "The pages so far may repeat. Narrow the request and try again.")
        }
    }

    private static func first(_ pages: GraphPages) async throws(MMError) -> [UInt8] {
        guard pages.request.method == "GET" else {
            throw MMError(
                .invalidInput, "Only GET requests have pages, not \(pages.request.method).",
                hint: "Leave out all and top.",
                details: ["field": "method"])
        }
        if let start = pages.start {
            guard admits(start, pages) else { throw foreignLink(start, "first page", pages) }
            return try await pages.client.send(pages.request, to: start, deadline: pages.deadline).body
        }
        guard let size = PageSize.suggested(for: pages.request.target, wanted: pages.limits.items) else {
            return try await pages.client.send(pages.request, deadline: pages.deadline).body
        }
        let sized = try pages.request.with(target: pages.request.target.addingQuery("$top", String(size)))
        do throws(MMError) {
            return try await pages.client.send(sized, deadline: pages.deadline).body
        } catch {
            // Some collections don't support `$top` or have a smaller maximum. The client added it, so it tries again
            // without.
            guard error.details["status"]?.int == 400 || error.code == .limitExceeded else { throw error }
            return try await pages.client.send(pages.request, deadline: pages.deadline).body
        }
    }
}

/// One page of a collection: its items as the bytes that the service sent, and the members beside them.
public struct GraphPage: Sendable {
    /// The items, each a JSON text; slices of the response, so that nothing is copied.
    public let items: [ArraySlice<UInt8>]
    /// The members beside the items: `@odata.context`, `@odata.count`, `@odata.nextLink`, `@odata.deltaLink`, …
    public let envelope: JSONObject
    /// Whether the response was a collection; otherwise the whole response is the only item.
    public let isCollection: Bool

    /// Parses the body of a response.
    /// - Throws: `.remoteFailed` when the body is neither JSON nor the rows of a report.
    init(_ body: [UInt8], of request: GraphRequest) throws(MMError) {
        guard let findings = PageScanner.scan(body) else {
            // A report is one CSV file, whatever its length.
            if request.target.isReport, let rows = CSVRows.read(body) {
                (items, envelope, isCollection) = (rows.map { JSONWriter.bytes($0)[...] }, [:], true)
                return
            }
            throw MMError(
                .remoteFailed,
                "The answer to \(request.method) \(request.target.path) isn't JSON, or only a part of it.",
                hint: "Without `all`, `top` and `changes` it is returned as it is. If only a part came, try again.",
                retry: .now)
        }
        envelope = findings.envelope
        // Azure writes a page without items as `"value": null` or leaves it out.
        isCollection = findings.items != nil || Self.link(in: findings.envelope) != nil
        items = findings.items?.map { body[$0] } ?? (isCollection ? [] : [body[...]])
    }

    init(items: [ArraySlice<UInt8>], envelope: JSONObject, isCollection: Bool) {
        self.items = items
        self.envelope = envelope
        self.isCollection = isCollection
    }

    /// The link to the next page: Graph's `@odata.nextLink`, `nextLink` of Flow and Azure, or SharePoint's
    /// `odata.nextLink`.
    public var nextLink: String? { isCollection ? Self.link(in: envelope) : nil }

    /// Returns the link to the next page among the members beside the items.
    package static func link(in envelope: JSONObject) -> String? {
        for key in ["@odata.nextLink", "nextLink", "odata.nextLink"] {
            if let link = envelope[key]?.string, !link.isEmpty { return link }
        }
        return nil
    }

    /// The link for requesting later changes, on the last page of a delta query.
    public var deltaLink: String? { envelope["@odata.deltaLink"]?.string }

    /// The total number of items, if the request asked for `$count`.
    public var count: Int? { envelope["@odata.count"]?.int }
}

/// Limits on how much of a collection is read.
public struct PageLimits: Sendable, Hashable {
    /// The maximum number of items in total; the page that exceeds it is truncated. `nil` for all.
    public var items: Int?
    /// The maximum number of pages.
    public var pages: Int

    /// Creates limits.
    /// - Parameters:
    ///   - items: the maximum number of items in total; `nil` for all.
    ///   - pages: the maximum number of pages, as a safeguard against services that never end.
    public init(items: Int? = nil, pages: Int = 100_000) {
        self.items = items
        self.pages = pages
    }
}
