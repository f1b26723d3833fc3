package import MMCore

/// One block of content in the result of a tool or a prompt.
package struct Content: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case text(String)
        case stream(TextStream)
        case image(data: [UInt8], mimeType: String)
        case audio(data: [UInt8], mimeType: String)
        case link(ResourceLink)
        case resource(ResourceContents)
    }

    let kind: Kind
    /// The block's audience and priority.
    package var annotations: ContentAnnotations?
    /// Metadata for client programs (`_meta`).
    package var meta: JSONObject

    private init(_ kind: Kind) {
        self.kind = kind
        self.annotations = nil
        self.meta = JSONObject()
    }

    /// Plain text.
    package static func text(_ text: String) -> Content { Content(.text(text)) }

    /// A long text that is produced while it is sent.
    package static func text(_ stream: TextStream) -> Content { Content(.stream(stream)) }

    /// An image.
    /// - Parameters:
    ///   - data: the bytes of the file.
    ///   - mimeType: such as `image/png`.
    package static func image(_ data: [UInt8], mimeType: String) -> Content {
        Content(.image(data: data, mimeType: mimeType))
    }

    /// Audio; clients older than 2025-03-26 receive a line of text instead.
    /// - Parameters:
    ///   - data: the bytes of the file.
    ///   - mimeType: such as `audio/wav`.
    package static func audio(_ data: [UInt8], mimeType: String) -> Content {
        Content(.audio(data: data, mimeType: mimeType))
    }

    /// A link to a resource; clients older than 2025-06-18 receive its name and address as text instead.
    package static func link(_ link: ResourceLink) -> Content { Content(.link(link)) }

    /// A resource with its contents.
    package static func resource(_ contents: ResourceContents) -> Content { Content(.resource(contents)) }

    /// The block's streamed text, if it is one.
    var stream: TextStream? {
        if case .stream(let text) = kind { text } else { nil }
    }

    /// Returns the block in the form that a client of this revision understands: newer kinds become text for older
    /// clients.
    func json(for version: ProtocolVersion) -> JSONValue {
        var object: JSONObject
        switch kind {
        case .text(let text): object = ["type": "text", "text": .string(text)]
        case .stream(let text): object = ["type": "text", "text": .string(text.marker)]
        case .image(let data, let mimeType):
            object = ["type": "image", "data": .string(Base64.text(data)), "mimeType": .string(mimeType)]
        case .audio(let data, let mimeType):
            if version < .v2025_03_26 {
                object = ["type": "text", "text": .string("[audio, \(mimeType), \(data.count) bytes]")]
            } else {
                object = ["type": "audio", "data": .string(Base64.text(data)), "mimeType": .string(mimeType)]
            }
        case .link(let link):
            if version < .v2025_06_18 {
                object = ["type": "text", "text": .string("\(link.title ?? link.name): \(link.uri)")]
            } else {
                object = link.json
            }
        case .resource(let contents): object = ["type": "resource", "resource": .object(contents.json)]
        }
        if let annotations { object["annotations"] = .object(annotations.json) }
        if !meta.isEmpty { object["_meta"] = .object(meta) }
        return .object(object)
    }
}

/// A resource that a result points to.
package struct ResourceLink: Sendable, Hashable {
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

    package init(
        uri: String, name: String, title: String? = nil, description: String? = nil, mimeType: String? = nil,
        size: Int? = nil
    ) {
        self.uri = uri
        self.name = name
        self.title = title
        self.description = description
        self.mimeType = mimeType
        self.size = size
    }

    var json: JSONObject {
        var object: JSONObject = ["type": "resource_link", "uri": .string(uri), "name": .string(name)]
        object["title"] = title.map(JSONValue.string)
        object["description"] = description.map(JSONValue.string)
        object["mimeType"] = mimeType.map(JSONValue.string)
        object["size"] = size.map { .int(Int64($0)) }
        return object
    }
}

/// Hints about a piece of content for the client: its audience, its priority and its age.
package struct ContentAnnotations: Sendable, Hashable {
    /// One of the two sides of a conversation.
    package enum Role: String, Sendable, Hashable {
        /// The person.
        case user
        /// The model.
        case assistant
    }

    /// Who the content is meant for; an empty list makes no statement.
    package var audience: [Role]
    /// From 0 (optional) to 1 (required).
    package var priority: Double?
    /// When the content last changed (ISO 8601).
    package var lastModified: String?

    package init(audience: [Role] = [], priority: Double? = nil, lastModified: String? = nil) {
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

/// A long text that is produced while it is sent, so that it is never in memory as a whole.
///
/// It is sent piece by piece, as fast as the client reads. Only where it ends a stream of events over HTTP is it
/// collected first.
package struct TextStream: Sendable, Hashable {
    /// The text's placeholder in the message; random, so that nothing a client or a handler writes equals it by chance.
    let marker: String
    let next: @Sendable () async throws -> String?

    /// Creates a text.
    /// - Parameter next: returns the next piece, of any size, or `nil` at the end. If it throws, the text ends with a
    ///   line that says it is incomplete.
    package init(next: @escaping @Sendable () async throws -> String?) {
        self.next = next
        marker = "mcp-text-\(UInt64.random(in: 0 ... .max))-\(UInt64.random(in: 0 ... .max))"
    }

    /// A text equals only itself.
    package static func == (left: TextStream, right: TextStream) -> Bool { left.marker == right.marker }
    /// Hashes the text's identity.
    package func hash(into hasher: inout Hasher) { hasher.combine(marker) }
}
