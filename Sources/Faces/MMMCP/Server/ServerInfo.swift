import MMCore

/// A server's identity, as clients show it.
public struct ServerInfo: Sendable, Hashable {
    /// The program's name, for logs and other programs.
    public var name: String
    /// The program's human-readable name.
    public var title: String?
    /// The program's version.
    public var version: String
    /// One sentence about it.
    public var description: String?
    /// The URL of a page about the program.
    package var websiteURL: String?
    /// Icons for the client's lists.
    package var icons: [Icon]

    public init(
        name: String, title: String? = nil, version: String, description: String? = nil, websiteURL: String? = nil,
        icons: [Icon] = []
    ) {
        self.name = name
        self.title = title
        self.version = version
        self.description = description
        self.websiteURL = websiteURL
        self.icons = icons
    }

    var json: JSONObject {
        var object: JSONObject = ["name": .string(name)]
        object["title"] = title.map(JSONValue.string)
        object["version"] = .string(version)
        object["description"] = description.map(JSONValue.string)
        object["websiteUrl"] = websiteURL.map(JSONValue.string)
        if !icons.isEmpty { object["icons"] = .array(icons.map { .object($0.json) }) }
        return object
    }
}

/// An image that a client may show beside a name.
public struct Icon: Sendable, Hashable {
    /// An `https:` or `data:` URL.
    public var source: String
    /// The image's media type.
    package var mimeType: String?
    /// Sizes such as `48x48`, or `any`.
    package var sizes: [String]

    /// Creates an icon from a URL.
    public init(source: String, mimeType: String? = nil, sizes: [String] = []) {
        self.source = source
        self.mimeType = mimeType
        self.sizes = sizes
    }

    var json: JSONObject {
        var object: JSONObject = ["src": .string(source)]
        object["mimeType"] = mimeType.map(JSONValue.string)
        if !sizes.isEmpty { object["sizes"] = .array(sizes.map(JSONValue.string)) }
        return object
    }
}
