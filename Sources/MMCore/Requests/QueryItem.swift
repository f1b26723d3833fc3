/// One `name=value` of a query string, decoded.
public struct QueryItem: Sendable, Hashable {
    /// The name as written, `$` included.
    public var name: String
    /// The value; `nil` when there was no `=`.
    public var value: String?

    public init(_ name: String, _ value: String?) {
        self.name = name
        self.value = value
    }

    /// The name without a leading `$` and in lower case: OData services take `$top`, `top` and `$TOP` for the same.
    public var plainName: String {
        let lower = name.lowercased()
        return lower.hasPrefix("$") ? String(lower.dropFirst()) : lower
    }
}
