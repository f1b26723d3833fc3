/// A built-in role of Entra ID.
package struct EntraRole: Sendable, Hashable {
    /// The name: `Reports Reader`.
    package let name: String
    /// The id of its template, which tokens carry in `wids`.
    package let id: String
}
