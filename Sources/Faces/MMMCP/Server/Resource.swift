package import MMCore

/// Data that a client can read by its URI.
package struct Resource: Sendable {
    /// Reads the resource. Throwing an `MMError` with the code `.notFound` answers that the URI is unknown.
    package typealias Reader = @Sendable (_ context: RequestContext) async throws -> [ResourceContents]

    /// The resource's URI.
    package var uri: String
    /// The resource's name.
    package var name: String
    /// The resource's human-readable name.
    package var title: String?
    /// What the resource contains.
    package var description: String?
    /// The resource's media type.
    package var mimeType: String?
    /// The resource's size in bytes.
    package var size: Int?
    /// The resource's audience and priority.
    package var annotations: ContentAnnotations?
    /// Reads the resource.
    package var read: Reader

    package init(
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
package struct ResourceContents: Sendable, Hashable {
    /// The resource's URI.
    package var uri: String
    /// The contents' media type.
    package var mimeType: String?
    /// Metadata for client programs (`_meta`).
    package var meta: JSONObject
    let body: Body

    enum Body: Sendable, Hashable {
        case text(String)
        case blob([UInt8])
    }

    /// The contents, where they are text.
    package var text: String? {
        if case .text(let text) = body { text } else { nil }
    }

    /// Creates contents from text.
    package static func text(_ text: String, uri: String, mimeType: String? = "text/plain") -> ResourceContents {
        ResourceContents(uri: uri, mimeType: mimeType, meta: [:], body: .text(text))
    }

    /// Creates contents from bytes.
    package static func blob(_ bytes: [UInt8], uri: String, mimeType: String?) -> ResourceContents {
        ResourceContents(uri: uri, mimeType: mimeType, meta: [:], body: .blob(bytes))
    }

    /// Creates contents from a JSON value.
    package static func json(_ value: JSONValue, uri: String) -> ResourceContents {
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
