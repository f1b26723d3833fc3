/// What a Graph path names.
enum GraphNode: Sendable {
    /// A collection, or the part of it that passes a test.
    case collection(TableAddress, where: (@Sendable (Record) -> Bool)?)
    /// One row of a collection.
    case row(TableAddress, key: String)
    /// References to objects of the directory; they can be changed where there is an address.
    case links([String], LinkAddress?)
    /// One reference.
    case link(String)
    /// Rows that are made for this request.
    case made(EntityKind, [Record])
    /// One object that is made for this request.
    case single(EntityKind?, Record)
}

/// A node with the words that `@odata.context` has for it, and what of the path is left.
struct GraphPlace: Sendable {
    var node: GraphNode
    var label: String
    var rest: ArraySlice<GraphSegment>
    var area: GraphArea
    /// The object id of the mailbox or drive owner, when there is one.
    var owner: String?
    /// A cast such as `microsoft.graph.user` on a list of references.
    var cast: String?
}
