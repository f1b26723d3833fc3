import MMCore

/// Proposes what can stand in a blank.
///
/// - Parameters:
///   - value: what was typed so far.
///   - others: the other blanks that are filled in already.
///   - context: who asks.
public typealias Completer =
    @Sendable (_ value: String, _ others: [String: String], _ context: RequestContext) async throws -> Completion

/// Proposals for a blank, best first.
public struct Completion: Sendable, Hashable {
    /// The proposals; at most 100 are sent.
    public var values: [String]
    /// How many there are in all, when known.
    public var total: Int?

    public init(_ values: [String], total: Int? = nil) {
        self.values = values
        self.total = total
    }

    /// Those of `candidates` that begin with what was typed, whatever the case.
    public static func prefixed(_ value: String, of candidates: [String]) -> Completion {
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
