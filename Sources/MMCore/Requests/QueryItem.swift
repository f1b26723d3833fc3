/// A decoded `name=value` pair of a query string.
package struct QueryItem: Sendable, Hashable {
    /// The name as written, including `$`.
    package var name: String
    /// The value; `nil` when there was no `=`.
    package var value: String?

    package init(_ name: String, _ value: String?) {
        self.name = name
        self.value = value
    }

    /// The name in lower case and without a leading `$`: OData services treat `$top`, `top` and `$TOP` alike.
    package var plainName: String {
        let lower = name.lowercased()
        return lower.hasPrefix("$") ? String(lower.dropFirst()) : lower
    }
}
