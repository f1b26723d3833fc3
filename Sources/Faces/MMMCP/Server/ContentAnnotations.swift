import MMCore

/// Hints about a piece of content for the client: its audience, its priority and its age.
public struct ContentAnnotations: Sendable, Hashable {
    /// One of the two sides of a conversation.
    public enum Role: String, Sendable, Hashable {
        /// The person.
        case user
        /// The model.
        case assistant
    }

    /// Who the content is meant for; an empty list makes no statement.
    public var audience: [Role]
    /// From 0 (optional) to 1 (required).
    public var priority: Double?
    /// When the content last changed (ISO 8601).
    public var lastModified: String?

    public init(audience: [Role] = [], priority: Double? = nil, lastModified: String? = nil) {
        self.audience = audience
        self.priority = priority
        self.lastModified = lastModified
    }

    var json: JSONObject {
        var object = JSONObject()
        if !audience.isEmpty { object["audience"] = .array(audience.map { .string($0.rawValue) }) }
        object["priority"] = priority.map(JSONValue.double)
        object["lastModified"] = lastModified.map(JSONValue.string)
        return object
    }
}
