/// A template of Microsoft Graph by its number in the tree of paths, for tables that say more of calls than their class.
package struct GraphTemplate: Sendable, Hashable {
    /// The number.
    package let number: UInt32

    /// The template of a number.
    package init(number: UInt32) { self.number = number }

    /// Above all others.
    package static let root = GraphTemplate(number: 0)
}
