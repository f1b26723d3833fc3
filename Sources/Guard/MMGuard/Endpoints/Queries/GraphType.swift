/// A type of Microsoft Graph v1.0.
package struct GraphType: Sendable, Hashable {
    let row: UInt32
    /// The name without `microsoft.graph.`.
    package let name: String
    /// Whether objects may have more properties than are described.
    package let isOpen: Bool
    /// What a short answer shows of each; empty when nothing is laid down.
    package let usualProperties: [String]
    /// What `$orderby` takes.
    package let sorting: Ability
    /// What `$search` looks through.
    package let searching: Ability
    /// Whether it is known what `$filter` can do with its properties.
    package let hasAbilities: Bool

    /// What a query may do: at once, and with `ConsistencyLevel: eventual` and `$count=true`.
    package struct Ability: Sendable, Hashable {
        /// At once.
        package let plain: [String]
        /// With the header.
        package let advanced: [String]

        /// Whether there is none.
        package var isEmpty: Bool { plain.isEmpty && advanced.isEmpty }
    }
}
