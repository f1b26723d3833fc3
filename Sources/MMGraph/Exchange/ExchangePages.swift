internal import MMCore

/// The pages of one cmdlet. They are fetched on demand and never ahead: if the caller stops early, no further requests
/// are sent.
package struct ExchangePages: Sendable {
    private let client: ExchangeClient
    private let command: ExchangeCommand
    private let deadline: Deadline
    private let report: @Sendable (String) -> Void
    private var place: Place
    private var rows = 0
    private var pages = 0
    private var emptyPages = 0
    private var seen: Set<Int> = []

    private enum Place: Sendable {
        case first
        case next(String)
        case end
    }

    /// The number of consecutive empty pages after which the service is assumed never to end.
    private static let mostEmptyPages = 200
    private static let mostPages = 1_000_000

    init(
        client: ExchangeClient, command: ExchangeCommand, deadline: Deadline,
        report: @escaping @Sendable (String) -> Void, after first: ExchangePage? = nil
    ) {
        self.client = client
        self.command = command
        self.deadline = deadline
        self.report = report
        if let first {
            place = first.nextLink.map { Place.next($0) } ?? .end
        } else {
            place = .first
        }
    }

    /// Returns the next page; `nil` after the last.
    /// - Throws: `refused` with the service's error; `failed` for sign-in, network, and links that are foreign or
    ///   repeat.
    package mutating func next() async throws(ExchangeFault) -> ExchangePage? {
        var link: String?
        switch place {
        case .end: return nil
        case .first: break
        case .next(let address): link = address
        }
        place = .end
        let wanted = command.limit.map { max(1, min($0 - rows, command.pageSize)) } ?? command.pageSize
        var page = try await client.page(of: command, at: link, size: wanted, deadline: deadline, report: report)
        pages += 1
        emptyPages = page.rows.isEmpty ? emptyPages + 1 : 0
        if let limit = command.limit, rows + page.rows.count > limit {
            page.rows.removeLast(rows + page.rows.count - limit)
        }
        rows += page.rows.count
        let isFull = command.limit.map { rows >= $0 } ?? false
        guard let nextLink = page.nextLink, !isFull else { return page }
        guard seen.insert(nextLink.hashValue).inserted else {
            throw .failed(
                MMError(
                    .remoteFailed, "The pages of \(command.cmdlet) form a loop: a next link came twice.",
                    hint: "The rows so far may repeat. Narrow the command and try again.",
                    details: ["cmdlet": .string(command.cmdlet), "rows": .int(Int64(rows))]))
        }
        guard emptyPages < Self.mostEmptyPages, pages < Self.mostPages else {
            throw .failed(
                MMError(
                    .remoteFailed, "The pages of \(command.cmdlet) don't end.",
                    hint: "Give -ResultSize a number, or narrow the command.",
                    details: ["cmdlet": .string(command.cmdlet), "pages": .int(Int64(pages))]))
        }
        // Every page but the last warns that there are more results; only the last page's warning is meaningful.
        page.warnings.removeAll { $0.contains("more results available") || $0.contains("-ResultSize") }
        place = .next(nextLink)
        return page
    }
}
