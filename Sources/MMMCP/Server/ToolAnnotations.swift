import MMCore

/// Hints about what a tool does; a client may use them to skip questions, and must not trust them.
public struct ToolAnnotations: Sendable, Hashable {
    /// The tool changes nothing. Clients take `false` when absent.
    public var readOnly: Bool?
    /// The tool may destroy something. Clients take `true` when absent.
    public var destructive: Bool?
    /// Calling twice with the same arguments does no more than once. Clients take `false` when absent.
    public var idempotent: Bool?
    /// The tool reaches beyond this machine. Clients take `true` when absent.
    public var openWorld: Bool?

    /// Hints; what is `nil` is not sent.
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
