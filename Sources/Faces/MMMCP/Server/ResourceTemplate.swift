import MMCore

/// A family of resources whose URIs contain variables (RFC 6570: `{name}` for one path segment, `{+name}` for the rest
/// of a path).
public struct ResourceTemplate: Sendable {
    /// Reads one of the resources.
    ///
    /// - Parameters:
    ///   - uri: the requested URI.
    ///   - variables: the variables' values, percent-decoded.
    ///   - context: the request's context.
    public typealias Reader =
        @Sendable (_ uri: String, _ variables: [String: String], _ context: RequestContext) async throws
        -> [ResourceContents]

    /// The URI template.
    public var uriTemplate: String
    /// The template's name.
    public var name: String
    /// The template's human-readable name.
    public var title: String?
    /// What such a resource contains.
    public var description: String?
    /// The resources' media type.
    public var mimeType: String?
    /// The resources' audience and priority.
    public var annotations: ContentAnnotations?
    /// Proposes values for the variables, by variable name.
    public var completions: [String: Completer]
    /// Reads one of the resources.
    public var read: Reader

    public init(
        uriTemplate: String, name: String, title: String? = nil, description: String? = nil, mimeType: String? = nil,
        annotations: ContentAnnotations? = nil, completions: [String: Completer] = [:], read: @escaping Reader
    ) {
        self.uriTemplate = uriTemplate
        self.name = name
        self.title = title
        self.description = description
        self.mimeType = mimeType
        self.annotations = annotations
        self.completions = completions
        self.read = read
    }

    var json: JSONObject {
        var object: JSONObject = ["uriTemplate": .string(uriTemplate), "name": .string(name)]
        object["title"] = title.map(JSONValue.string)
        object["description"] = description.map(JSONValue.string)
        object["mimeType"] = mimeType.map(JSONValue.string)
        if let annotations { object["annotations"] = .object(annotations.json) }
        return object
    }
}
