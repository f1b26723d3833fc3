public import MMCore

/// One page of a collection: its items as the bytes that the service sent, and what stands beside them.
public struct GraphPage: Sendable {
    /// The items, each a JSON text; slices of the answer, so that nothing is copied.
    public let items: [ArraySlice<UInt8>]
    /// The members beside the items: `@odata.context`, `@odata.count`, `@odata.nextLink`, `@odata.deltaLink`, …
    public let envelope: JSONObject
    /// Whether the answer was a collection at all; else its one item is the whole answer.
    public let isCollection: Bool

    /// The page in an answer's body.
    /// - Throws: `.remoteFailed` when the body is no JSON.
    init(_ body: [UInt8], of request: GraphRequest) throws(MMError) {
        guard let findings = PageScanner.scan(body) else {
            throw MMError(
                .remoteFailed,
                "The answer to \(request.method) \(request.target.path) is no JSON, or only a part of it.",
                hint: "Only collections have pages. Ask for the bytes instead.", retry: .now)
        }
        envelope = findings.envelope
        isCollection = findings.items != nil
        items = findings.items?.map { body[$0] } ?? [body[...]]
    }

    init(items: [ArraySlice<UInt8>], envelope: JSONObject, isCollection: Bool) {
        self.items = items
        self.envelope = envelope
        self.isCollection = isCollection
    }

    /// Where the next page is: Graph's `@odata.nextLink`, the `nextLink` of Flow and Azure, SharePoint's `odata.nextLink`.
    public var nextLink: String? {
        guard isCollection else { return nil }
        for key in ["@odata.nextLink", "nextLink", "odata.nextLink"] {
            if let link = envelope[key]?.string, !link.isEmpty { return link }
        }
        return nil
    }

    /// Where later changes are to be asked for, after the last page of a delta query.
    public var deltaLink: String? { envelope["@odata.deltaLink"]?.string }

    /// How many items there are in all, when the request asked for `$count`.
    public var count: Int? { envelope["@odata.count"]?.int }
}
