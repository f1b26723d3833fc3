import MMCore

/// A family of resources whose URIs contain variables (RFC 6570: `{name}` for one path segment, `{+name}` for the rest
/// of a path).
package struct ResourceTemplate: Sendable {
    /// Reads one of the resources.
    ///
    /// - Parameters:
    ///   - uri: the requested URI.
    ///   - variables: the variables' values, percent-decoded.
    ///   - context: the request's context.
    package typealias Reader =
        @Sendable (_ uri: String, _ variables: [String: String], _ context: RequestContext) async throws
        -> [ResourceContents]

    /// The URI template.
    package var uriTemplate: String
    /// The template's name.
    package var name: String
    /// The template's human-readable name.
    package var title: String?
    /// What such a resource contains.
    package var description: String?
    /// The resources' media type.
    package var mimeType: String?
    /// The resources' audience and priority.
    package var annotations: ContentAnnotations?
    /// Proposes values for the variables, by variable name.
    package var completions: [String: Completer]
    /// Reads one of the resources.
    package var read: Reader

    package init(
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
