public import MMCore

/// Data that a client can read by its URI.
public struct Resource: Sendable {
    /// Reads the resource. Throwing an `MMError` with the code `.notFound` answers that the URI is unknown.
    public typealias Reader = @Sendable (_ context: RequestContext) async throws -> [ResourceContents]

    /// The resource's URI.
    public var uri: String
    /// The resource's name.
    public var name: String
    /// The resource's human-readable name.
    public var title: String?
    /// What the resource contains.
    public var description: String?
    /// The resource's media type.
    public var mimeType: String?
    /// The resource's size in bytes.
    public var size: Int?
    /// The resource's audience and priority.
    public var annotations: ContentAnnotations?
    /// Reads the resource.
    public var read: Reader

    public init(
        uri: String, name: String, title: String? = nil, description: String? = nil, mimeType: String? = nil,
        size: Int? = nil, annotations: ContentAnnotations? = nil, read: @escaping Reader
    ) {
        self.uri = uri
        self.name = name
        self.title = title
        self.description = description
        self.mimeType = mimeType
        self.size = size
        self.annotations = annotations
        self.read = read
    }

    var json: JSONObject {
        var object: JSONObject = ["uri": .string(uri), "name": .string(name)]
        object["title"] = title.map(JSONValue.string)
        object["description"] = description.map(JSONValue.string)
        object["mimeType"] = mimeType.map(JSONValue.string)
        object["size"] = size.map { .int(Int64($0)) }
        if let annotations { object["annotations"] = .object(annotations.json) }
        return object
    }
}

/// The contents of one resource, as text or as bytes.
public struct ResourceContents: Sendable, Hashable {
    /// The resource's URI.
    public var uri: String
    /// The contents' media type.
    public var mimeType: String?
    /// Metadata for client programs (`_meta`).
    public var meta: JSONObject
    let body: Body

    enum Body: Sendable, Hashable {
        case text(String)
        case blob([UInt8])
    }

    /// The contents, where they are text.
    public var text: String? {
        if case .text(let text) = body { text } else { nil }
    }

    /// Creates contents from text.
    public static func text(_ text: String, uri: String, mimeType: String? = "text/plain") -> ResourceContents {
        ResourceContents(uri: uri, mimeType: mimeType, meta: [:], body: .text(text))
    }

    /// Creates contents from bytes.
    public static func blob(_ bytes: [UInt8], uri: String, mimeType: String?) -> ResourceContents {
        ResourceContents(uri: uri, mimeType: mimeType, meta: [:], body: .blob(bytes))
    }

    /// Creates contents from a JSON value.
    public static func json(_ value: JSONValue, uri: String) -> ResourceContents {
        .text(value.description, uri: uri, mimeType: "application/json")
    }

    var json: JSONObject {
        var object: JSONObject = ["uri": .string(uri)]
        object["mimeType"] = mimeType.map(JSONValue.string)
        switch body {
        case .text(let text): object["text"] = .string(text)
        case .blob(let bytes): object["blob"] = .string(Base64.text(bytes))
        }
        if !meta.isEmpty { object["_meta"] = .object(meta) }
        return object
    }
}
