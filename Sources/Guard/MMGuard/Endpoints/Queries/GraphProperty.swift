/// A property of a type.
package struct GraphProperty: Sendable, Hashable {
    /// The name.
    package let name: String
    /// Its type, without `microsoft.graph.`.
    package let type: String
    /// Whether it leads to other objects: `$expand` takes it.
    package let isNavigation: Bool
    /// Whether it has several values.
    package let isCollection: Bool
    /// The operators of `$filter`; `nil` when nothing is known of them.
    package let filtering: GraphType.Ability?
}
