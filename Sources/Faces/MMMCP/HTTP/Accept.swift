import MMCore

/// The media types that a client accepts (RFC 9110, section 12.5.1).
struct Accept: Sendable {
    private let ranges: [(type: String, subtype: String)]?

    init(_ request: MCPHTTPRequest) {
        let values = request.values(of: "Accept")
        guard !values.isEmpty else {
            ranges = nil
            return
        }
        ranges = values.joined(separator: ",").split(separator: ",").compactMap { item in
            let parts = item.split(separator: ";").map { $0.trimmedOfSpacesAndTabs.lowercased() }
            guard let range = parts.first else { return nil }
            // A weight of zero excludes the type.
            let isOut = parts.dropFirst().contains {
                $0.hasPrefix("q=0") && $0.dropFirst(3).allSatisfy { $0 == "0" || $0 == "." }
            }
            let halves = range.split(separator: "/", omittingEmptySubsequences: false)
            guard !isOut, halves.count == 2 else { return nil }
            return (String(halves[0]), String(halves[1]))
        }
    }

    /// Whether the client accepts a media type; without an Accept header it accepts every type.
    func takes(_ type: String, _ subtype: String) -> Bool {
        guard let ranges else { return true }
        return ranges.contains { range in
            (range.type == "*" && range.subtype == "*")
                || (range.type == type && (range.subtype == "*" || range.subtype == subtype))
        }
    }
}
