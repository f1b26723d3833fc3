import MMCore

/// A family of resources whose addresses have blanks to fill in (RFC 6570: `{name}` for one path segment, `{+name}` for
/// the rest of a path).
public struct ResourceTemplate: Sendable {
    /// What reading one of them runs.
    ///
    /// - Parameters:
    ///   - uri: the address that was asked for.
    ///   - variables: what stood in the blanks, percent-decoded.
    ///   - context: who asks.
    public typealias Reader =
        @Sendable (_ uri: String, _ variables: [String: String], _ context: RequestContext) async throws
        -> [ResourceContents]

    /// The address with blanks.
    public var uriTemplate: String
    /// Its name.
    public var name: String
    /// Its name for people.
    public var title: String?
    /// What such a resource holds.
    public var description: String?
    /// What kind of file they are.
    public var mimeType: String?
    /// For whom they are and how much they matter.
    public var annotations: ContentAnnotations?
    /// What can stand in a blank, by the blank's name.
    public var completions: [String: Completer]
    /// What reading one of them runs.
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
