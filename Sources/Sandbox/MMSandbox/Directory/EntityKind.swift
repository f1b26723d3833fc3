/// What the sandbox knows of one entity type of Graph: its properties and what the service does with queries on it.
struct EntityKind: Sendable {
    /// The name of the type, without `microsoft.graph.`.
    let name: String
    /// Properties in the order in which they are answered.
    let properties: [String]
    /// The type of each property.
    let types: [String: PropertyType]
    /// What is answered without `$select`; `nil` means everything.
    let selected: [String]?
    /// Kept by the directory: advanced queries need `ConsistencyLevel: eventual`, and there is no `$skip`.
    let isDirectoryObject: Bool
    /// How many items a page has unless `$top` says otherwise.
    let pageSize: Int
    /// The largest page.
    let pageLimit: Int
    /// Properties that nobody can write.
    let readOnly: Set<String>
    /// Properties a new one must come with.
    let required: [String]
    /// Where `$search` looks when no property is named.
    let searched: [String]
    /// Whether rows carry `@odata.etag`.
    let hasETag: Bool
    /// Whether a row is of one of several types below this one, which it names.
    let isAbstract: Bool

    init(
        _ name: String, _ properties: String, selected: String? = nil, directory: Bool = false, page: Int = 100,
        limit: Int = 999, readOnly: String = "id createdDateTime", required: String = "",
        searched: String = "displayName",
        etag: Bool = false, abstract: Bool = false
    ) {
        var order: [String] = []
        var types: [String: PropertyType] = [:]
        for word in properties.split(separator: " ") {
            let parts = word.split(separator: ":")
            let property = String(parts[0])
            order.append(property)
            types[property] = parts.count > 1 ? parts[1].first.flatMap(PropertyType.init) ?? .text : .text
        }
        self.name = name
        self.properties = order
        self.types = types
        self.selected = selected.map(Self.words)
        self.isDirectoryObject = directory
        self.pageSize = page
        self.pageLimit = limit
        self.readOnly = Set(Self.words(readOnly))
        self.required = Self.words(required)
        self.searched = Self.words(searched)
        self.hasETag = etag
        self.isAbstract = abstract
    }

    private static func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
}
