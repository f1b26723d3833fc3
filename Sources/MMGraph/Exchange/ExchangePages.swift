internal import MMCore

/// The pages of one cmdlet, fetched as they are asked for and never ahead: who stops early leaves the rest unsent.
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

    /// A service that sends this many empty pages one after the other does not come to an end.
    private static let mostEmptyPages = 200
    private static let mostPages = 1_000_000

    init(
        client: ExchangeClient, command: ExchangeCommand, deadline: Deadline,
        report: @escaping @Sendable (String) -> Void
    ) {
        self.client = client
        self.command = command
        self.deadline = deadline
        self.report = report
        place = .first
    }

    /// The next page; `nil` after the last.
    /// - Throws: `refused` with the service's error; `broken` for sign-in, network, and pages that lead astray.
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
            throw .broken(
                MMError(
                    .remoteFailed, "The pages of \(command.cmdlet) go in circles: a next link came twice.",
                    hint: "The rows so far may repeat. Narrow the command and try again.",
                    details: ["cmdlet": .string(command.cmdlet), "rows": .int(Int64(rows))]))
        }
        guard emptyPages < Self.mostEmptyPages, pages < Self.mostPages else {
            throw .broken(
                MMError(
                    .remoteFailed, "The pages of \(command.cmdlet) do not come to an end.",
                    hint: "Give -ResultSize a number, or narrow the command.",
                    details: ["cmdlet": .string(command.cmdlet), "pages": .int(Int64(pages))]))
        }
        // The service says on every page that there is more; only the last one's word counts.
        page.warnings.removeAll { $0.contains("more results available") || $0.contains("-ResultSize") }
        place = .next(nextLink)
        return page
    }
}
