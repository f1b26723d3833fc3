import MMCore

/// Hints about a tool's effects. Clients may use them to skip confirmations but must not trust them.
public struct ToolAnnotations: Sendable, Hashable {
    /// The tool changes nothing. Clients assume `false` when absent.
    public var readOnly: Bool?
    /// The tool may destroy something. Clients assume `true` when absent.
    public var destructive: Bool?
    /// Repeating a call with the same arguments has no further effect. Clients assume `false` when absent.
    public var idempotent: Bool?
    /// The tool reaches beyond this machine. Clients assume `true` when absent.
    public var openWorld: Bool?

    /// Creates hints; those that are `nil` are not sent.
    public init(
        readOnly: Bool? = nil, destructive: Bool? = nil, idempotent: Bool? = nil, openWorld: Bool? = nil
    ) {
        self.readOnly = readOnly
        self.destructive = destructive
        self.idempotent = idempotent
        self.openWorld = openWorld
    }

    var json: JSONObject {
        var object = JSONObject()
        object["readOnlyHint"] = readOnly.map(JSONValue.bool)
        object["destructiveHint"] = destructive.map(JSONValue.bool)
        object["idempotentHint"] = idempotent.map(JSONValue.bool)
        object["openWorldHint"] = openWorld.map(JSONValue.bool)
        return object
    }
}
