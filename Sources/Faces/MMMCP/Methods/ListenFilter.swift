import MMCore

/// The changes that a `subscriptions/listen` asks for, as far as the server offers them.
struct ListenFilter: Sendable, Hashable {
    var lists: Set<ListKind> = []
    var resources: [String] = []
    var tasks: [String] = []

    /// Reads the client's request and keeps what the server offers.
    /// - Throws: -32602 for members of the wrong type.
    init(_ object: JSONObject, options: ServerOptions) throws(MCPError) {
        for kind in ListKind.allCases {
            switch object[Self.key(of: kind)] {
            case nil, .bool(false): continue
            case .bool(true):
                if options.changingLists.contains(kind) { lists.insert(kind) }
            case .some(let other):
                throw .invalidParams("\"\(Self.key(of: kind))\" must be a boolean, not \(other.kindName).")
            }
        }
        let uris = try Self.texts("resourceSubscriptions", in: object, most: options.limits.watchedResources)
        if options.offersResourceSubscriptions { resources = uris }
        tasks = try Self.texts("taskIds", in: object, most: options.limits.watchedResources)
    }

    private static func texts(_ key: String, in object: JSONObject, most: Int) throws(MCPError) -> [String] {
        guard let wanted = object[key] else { return [] }
        guard case .array(let items) = wanted else {
            throw .invalidParams("\"\(key)\" must be an array of texts, not \(wanted.kindName).")
        }
        guard items.count <= most else { throw .invalidParams("\"\(key)\" may have at most \(most) items.") }
        var texts: [String] = []
        for item in items {
            guard case .string(let text) = item else {
                throw .invalidParams("\"\(key)\" must contain texts, not \(item.kindName).")
            }
            if !texts.contains(text) { texts.append(text) }
        }
        return texts
    }

    static func key(of kind: ListKind) -> String {
        switch kind {
        case .tools: "toolsListChanged"
        case .prompts: "promptsListChanged"
        case .resources: "resourcesListChanged"
        }
    }

    /// The honoured part of the request, for the acknowledgement.
    var json: JSONObject {
        var object = JSONObject()
        for kind in ListKind.allCases where lists.contains(kind) { object[Self.key(of: kind)] = true }
        if !resources.isEmpty { object["resourceSubscriptions"] = .array(resources.map(JSONValue.string)) }
        if !tasks.isEmpty { object["taskIds"] = .array(tasks.map(JSONValue.string)) }
        return object
    }

    func wants(_ change: ChangeFeed.Change) -> Bool {
        switch change {
        case .list(let kind): lists.contains(kind)
        case .resource(let uri): resources.contains(uri)
        }
    }
}

extension ChangeFeed.Change {
    /// The notification for this change, without `_meta`.
    var notification: (method: String, params: JSONObject) {
        switch self {
        case .list(.tools): ("notifications/tools/list_changed", [:])
        case .list(.prompts): ("notifications/prompts/list_changed", [:])
        case .list(.resources): ("notifications/resources/list_changed", [:])
        case .resource(let uri): ("notifications/resources/updated", ["uri": .string(uri)])
        }
    }
}
