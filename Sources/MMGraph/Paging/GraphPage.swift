public import MMCore

/// One page of a collection: its items as the bytes that the service sent, and the members beside them.
public struct GraphPage: Sendable {
    /// The items, each a JSON text; slices of the response, so that nothing is copied.
    public let items: [ArraySlice<UInt8>]
    /// The members beside the items: `@odata.context`, `@odata.count`, `@odata.nextLink`, `@odata.deltaLink`, …
    public let envelope: JSONObject
    /// Whether the response was a collection; otherwise the whole response is the only item.
    public let isCollection: Bool

    /// Parses the body of a response.
    /// - Throws: `.remoteFailed` when the body isn't JSON.
    init(_ body: [UInt8], of request: GraphRequest) throws(MMError) {
        guard let findings = PageScanner.scan(body) else {
            throw MMError(
                .remoteFailed,
                "The answer to \(request.method) \(request.target.path) isn't JSON, or only a part of it.",
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

    /// The link to the next page: Graph's `@odata.nextLink`, `nextLink` of Flow and Azure, or SharePoint's
    /// `odata.nextLink`.
    public var nextLink: String? {
        guard isCollection else { return nil }
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
