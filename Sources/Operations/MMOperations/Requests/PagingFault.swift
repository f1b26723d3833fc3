import MMCore

/// Names that other services have for pages. Graph ignores them, and its first page would be taken for the one that was
/// meant.
enum PagingFault {
    private static let names = ["page", "limit", "offset", "pageSize", "page_size", "per_page"]

    /// Checks the query options of a request.
    /// - Throws: `invalidInput` with the way to get further rows.
    static func check(_ target: RequestTarget) throws(MMError) {
        guard target.service == .graph, let name = names.first(where: { target.queryValue($0) != nil }) else { return }
        throw MMError(
            .invalidInput, "Microsoft Graph has no query option `\(name)`.",
            hint: "`top` (--top) asks for that many rows, `all` (--all) for all of them, and the address in "
                + "@odata.nextLink is the endpoint of the next page.",
            details: ["field": "query"])
    }
}
