package import MMCore

/// One kind of configuration: where its objects come from, and how one of them is written down. A new kind is a new value in
/// the table; no code knows a kind by name.
package struct SnapshotKind: Sendable, Hashable {
    /// The service that holds the objects, and how it is asked.
    package enum Service: String, Sendable {
        /// Microsoft Graph; `path` is a collection or a single object.
        case graph
        /// Exchange Online; `path` is a cmdlet.
        case exchange
        /// Purview; `path` is a cmdlet.
        case compliance
        /// Power Automate; `path` is a collection.
        case flow
        /// The PowerShell module of Teams; `path` is a cmdlet.
        case teams
    }

    /// What is read for each object besides the object itself: members, assignments.
    package struct Relation: Sendable, Hashable {
        /// The property that holds it in the snapshot.
        package let name: String
        /// The path, with `{id}` in the place of the object's key.
        package let path: String
        /// Whether only the references themselves are kept: the object at the other end has an id and a name.
        package let isReference: Bool
        /// A property and a value that make the relation something else than configuration, such as the members that the
        /// service computes by a rule.
        package let unless: (property: String, value: String)?
        /// Rows with one of these values are none of the configuration, such as the owner's own right to a mailbox.
        package let skipped: [(property: String, value: JSONValue)]
        /// Rows that have these properties, and none of them set, are none of the configuration.
        package var onlyWith: [String] = []

        /// Whether a row is configuration, by what is set in it.
        func keeps(_ row: JSONValue) -> Bool {
            let known = onlyWith.filter { row[$0] != nil }
            return known.isEmpty || known.contains { SnapshotObject.isSet($0, in: row.object ?? [:]) }
        }

        package static func == (left: Relation, right: Relation) -> Bool {
            left.name == right.name && left.path == right.path
        }

        package func hash(into hasher: inout Hasher) { hasher.combine(path) }
    }

    /// What the values below a property refer to.
    package enum ReferenceSpace: String, Sendable {
        /// Objects, by their own id.
        case objects
        /// Apps, by their client id.
        case apps
    }

    /// A property whose values, at any depth, are ids of other objects.
    package struct Reference: Sendable, Hashable {
        /// The names that lead to it.
        package let path: [String]
        /// What the ids are.
        package let space: ReferenceSpace
    }

    /// A word for commands, and the name of the folder.
    package let name: String
    /// What people call it.
    package let title: String
    /// Who holds it.
    package let service: Service
    /// The collection's path, or the cmdlet.
    package let path: String
    /// The property that tells objects apart within the tenant.
    package var key = "id"
    /// The properties that may hold the name, the first that does counts; dots lead to members.
    package var named = ["displayName"]
    /// Whether there is exactly one object.
    package var isSingle = false
    /// Whether the only object is reached by its id, in a collection of one.
    package var isInCollection = false
    /// A collection whose objects hold the objects of this kind: `{parent}` in the path is its `name`.
    package var within: String?
    /// Properties that are left out beside those that are left out everywhere; dots lead to members.
    package var leftOut: [String] = []
    /// Only objects in which one of these properties is set are configuration.
    package var onlyWith: [String] = []
    /// Where ids of other objects stand.
    package var references: [Reference] = []
    /// Where the objects themselves can be referred to: by key, and by a client id.
    package var isReferredTo = false
    /// The property with the client id.
    package var appID: String?
    /// A list of parts with ids of their own that others refer to, and the property that names them.
    package var namedParts: (list: String, name: String)?
    /// Properties that differ between tenants though the configuration is the same.
    package var tenantOwn: [String] = []
    /// What is read for each object.
    package var relations: [Relation] = []
    /// The cmdlet that changes an object, for proposals.
    package var setter: String?
    /// Whether it is read only where a caller names it, because it costs many requests.
    package var isOnRequest = false

    package init(_ name: String, _ title: String, _ service: Service, _ path: String) {
        (self.name, self.title, self.service, self.path) = (name, title, service, path)
    }

    package static func == (left: SnapshotKind, right: SnapshotKind) -> Bool { left.name == right.name }

    package func hash(into hasher: inout Hasher) { hasher.combine(name) }

    /// The collection without its query.
    package var collection: String { String(path.prefix { $0 != "?" }) }
}

extension SnapshotKind {
    // The words of a declaration, so that the table reads as one.

    func key(_ key: String, named: String...) -> SnapshotKind {
        var copy = self
        copy.key = key
        if !named.isEmpty { copy.named = named }
        return copy
    }

    func single(inCollection: Bool = false) -> SnapshotKind {
        var copy = self
        copy.isSingle = true
        copy.isInCollection = inCollection
        return copy
    }

    func inEach(_ parent: String) -> SnapshotKind {
        var copy = self
        copy.within = parent
        return copy
    }

    func without(_ properties: String...) -> SnapshotKind {
        var copy = self
        copy.leftOut += properties
        return copy
    }

    func only(with properties: String...) -> SnapshotKind {
        var copy = self
        copy.onlyWith = properties
        return copy
    }

    func refers(_ paths: String..., to space: ReferenceSpace = .objects) -> SnapshotKind {
        var copy = self
        copy.references += paths.map { Reference(path: $0.split(separator: ".").map(String.init), space: space) }
        return copy
    }

    func referredTo(appID: String? = nil, parts: (list: String, name: String)? = nil) -> SnapshotKind {
        var copy = self
        copy.isReferredTo = true
        copy.appID = appID
        copy.namedParts = parts
        return copy
    }

    func own(_ properties: String...) -> SnapshotKind {
        var copy = self
        copy.tenantOwn += properties
        return copy
    }

    func relation(_ name: String, _ path: String, unless: (property: String, value: String)? = nil) -> SnapshotKind {
        var copy = self
        copy.relations.append(Relation(name: name, path: path, isReference: true, unless: unless, skipped: []))
        return copy.refers(name)
    }

    func rows(
        _ name: String, _ path: String, with properties: [String] = [],
        skipping skipped: (property: String, value: JSONValue)...
    ) -> SnapshotKind {
        var copy = self
        copy.relations.append(
            Relation(
                name: name, path: path, isReference: false, unless: nil, skipped: skipped, onlyWith: properties))
        return copy
    }

    func onRequest() -> SnapshotKind {
        var copy = self
        copy.isOnRequest = true
        return copy
    }

    func set(by cmdlet: String) -> SnapshotKind {
        var copy = self
        copy.setter = cmdlet
        return copy
    }
}
