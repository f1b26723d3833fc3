public import MMCore

/// What a tool answers: blocks for the model and, where the tool has an output schema, the same as data.
public struct ToolResult: Sendable, Hashable {
    /// What the model reads. When it is empty and there is structured content, that is repeated here as JSON text.
    public var content: [Content]
    /// The result as data.
    public var structured: JSONValue?
    /// Whether the work failed; the text then says what to change.
    public var isError: Bool
    /// Data for programs on the other side.
    public var meta: JSONObject

    public init(
        content: [Content] = [], structured: JSONValue? = nil, isError: Bool = false, meta: JSONObject = [:]
    ) {
        self.content = content
        self.structured = structured
        self.isError = isError
        self.meta = meta
    }

    /// A result of one text.
    public static func text(_ text: String) -> ToolResult { ToolResult(content: [.text(text)]) }

    /// A result of these blocks.
    public static func content(_ content: Content...) -> ToolResult { ToolResult(content: content) }

    /// A result that is data, beside a text for clients and models that read only text.
    /// - Parameters:
    ///   - value: the data; clients of the legacy era want an object.
    ///   - text: what the model reads; the data as JSON when absent.
    public static func structured(_ value: JSONValue, text: String? = nil) -> ToolResult {
        ToolResult(content: text.map { [.text($0)] } ?? [], structured: value)
    }

    /// Failed work: the text tells the model what to change.
    public static func failure(_ text: String) -> ToolResult { ToolResult(content: [.text(text)], isError: true) }

    /// Failed work, told by an error's message and hint.
    public static func failure(_ error: MMError) -> ToolResult { .failure(error.description) }

    func json(for version: ProtocolVersion) -> JSONObject {
        var blocks = content.map { $0.json(for: version) }
        if blocks.isEmpty, let structured { blocks = [Content.text(structured.description).json(for: version)] }
        var object: JSONObject = ["content": .array(blocks)]
        if let structured, version.isModern || structured.object != nil { object["structuredContent"] = structured }
        object["isError"] = .bool(isError)
        if !meta.isEmpty { object["_meta"] = .object(meta) }
        return object
    }
}
