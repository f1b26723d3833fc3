internal import MMCore

/// What a Graph path names.
enum GraphNode: Sendable {
    /// A collection, or the part of it that passes a test.
    case collection(TableAddress, where: (@Sendable (Record) -> Bool)? = nil)
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

    init(
        _ node: GraphNode, _ label: String, _ area: GraphArea, _ rest: ArraySlice<GraphSegment>, owner: String? = nil,
        cast: String? = nil
    ) {
        (self.node, self.label, self.area, self.rest) = (node, label, area, rest)
        (self.owner, self.cast) = (owner, cast)
    }
}

extension GraphPlace {
    /// A collection, or one row of it by key.
    static func plain(
        _ address: TableAddress, _ label: String, _ area: GraphArea, _ rest: ArraySlice<GraphSegment>,
        owner: String? = nil
    ) -> GraphPlace {
        guard let key = rest.first?.name, !key.hasPrefix("$"), key != "delta" else {
            return GraphPlace(.collection(address), label, area, rest, owner: owner)
        }
        return GraphPlace(.row(address, key: key), label, area, rest.dropFirst(), owner: owner)
    }

    /// A list of references, one of them, or those of one type.
    static func references(_ ids: [String], _ address: LinkAddress?, _ rest: ArraySlice<GraphSegment>, area: GraphArea)
        -> GraphPlace
    {
        var rest = rest
        var cast: String?
        if let name = rest.first?.name, name.hasPrefix("microsoft.graph.") || name.hasPrefix("graph.") {
            cast = name.split(separator: ".").last.map(String.init)
            rest = rest.dropFirst()
        }
        if let key = rest.first?.name, GUID.isValid(key) {
            let found = ids.contains(key.lowercased())
            // What follows may be $ref, which takes the link away and leaves the object.
            return GraphPlace(
                .links(found ? [key.lowercased()] : [], address), "directoryObjects", area, rest, cast: cast)
        }
        return GraphPlace(.links(ids, address), "directoryObjects", area, rest, cast: cast)
    }
}
