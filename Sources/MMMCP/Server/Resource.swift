public import MMCore

/// Something a client can read by its address.
public struct Resource: Sendable {
    /// What reading it runs. Throwing an `MMError` with the code `.notFound` answers that the address is unknown.
    public typealias Reader = @Sendable (_ context: RequestContext) async throws -> [ResourceContents]

    /// Its address.
    public var uri: String
    /// Its name.
    public var name: String
    /// Its name for people.
    public var title: String?
    /// What it holds.
    public var description: String?
    /// What kind of file it is.
    public var mimeType: String?
    /// Its size in bytes.
    public var size: Int?
    /// For whom it is and how much it matters.
    public var annotations: ContentAnnotations?
    /// What reading it runs.
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
    /// Its address.
    public var uri: String
    /// What kind of file it is.
    public var mimeType: String?
    /// Data for programs on the other side.
    public var meta: JSONObject
    let body: Body

    enum Body: Sendable, Hashable {
        case text(String)
        case blob([UInt8])
    }

    /// Text.
    public static func text(_ text: String, uri: String, mimeType: String? = "text/plain") -> ResourceContents {
        ResourceContents(uri: uri, mimeType: mimeType, meta: [:], body: .text(text))
    }

    /// Bytes.
    public static func blob(_ bytes: [UInt8], uri: String, mimeType: String?) -> ResourceContents {
        ResourceContents(uri: uri, mimeType: mimeType, meta: [:], body: .blob(bytes))
    }

    /// A JSON text.
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
