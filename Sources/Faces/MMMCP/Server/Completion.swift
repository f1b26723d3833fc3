import MMCore

/// Proposes values for an argument of a prompt or a variable of a resource template.
///
/// - Parameters:
///   - value: the text typed so far.
///   - others: the values of the other arguments that are already filled in.
///   - context: the request's context.
package typealias Completer =
    @Sendable (_ value: String, _ others: [String: String], _ context: RequestContext) async throws -> Completion

/// Proposed values, best first.
package struct Completion: Sendable, Hashable {
    /// The proposals, of which at most 100 are sent.
    package var values: [String]
    /// The total number of matching values, when known.
    package var total: Int?

    package init(_ values: [String], total: Int? = nil) {
        self.values = values
        self.total = total
    }

    /// Returns those `candidates` that begin with the typed text, ignoring case.
    package static func prefixed(_ value: String, of candidates: [String]) -> Completion {
        let typed = value.lowercased()
        return Completion(candidates.filter { $0.lowercased().hasPrefix(typed) })
    }

    var json: JSONObject {
        let sent = values.prefix(100)
        let count = max(total ?? values.count, values.count)
        return [
            "completion": [
                "values": .array(sent.map(JSONValue.string)), "total": .int(Int64(count)),
                "hasMore": .bool(count > sent.count),
            ]
        ]
    }
}
