public import MMCore

/// A tool's result: content for the model and, where the tool has an output schema, the same as data.
public struct ToolResult: Sendable {
    /// The content for the model. When it is empty, the structured content is repeated here as JSON text.
    package var content: [Content]
    /// The result as data.
    public var structured: JSONValue?
    /// Whether the call failed; the text then says what to change.
    public var isError: Bool
    /// Metadata for client programs (`_meta`).
    public var meta: JSONObject = [:]
    /// The task that continues in place of a result.
    private(set) var task: ToolTask?

    package init(content: [Content] = [], structured: JSONValue? = nil, isError: Bool = false) {
        self.content = content
        self.structured = structured
        self.isError = isError
    }

    /// Creates a result from one text.
    public static func text(_ text: String) -> ToolResult { ToolResult(content: [.text(text)]) }

    /// Answers a call with work that continues; allowed only if the call's ``RequestContext/taskWish`` permits it.
    package static func task(_ task: ToolTask) -> ToolResult {
        var result = ToolResult()
        result.task = task
        return result
    }

    /// Creates a result from these blocks.
    package static func content(_ content: Content...) -> ToolResult { ToolResult(content: content) }

    /// Creates a result from data, with a text for clients and models that read only text.
    /// - Parameters:
    ///   - value: the data; legacy clients expect an object.
    ///   - text: what the model reads; the data as JSON when absent.
    public static func structured(_ value: JSONValue, text: String? = nil) -> ToolResult {
        ToolResult(content: text.map { [.text($0)] } ?? [], structured: value)
    }

    /// Creates a failed result; the text tells the model what to change.
    public static func failure(_ text: String) -> ToolResult { ToolResult(content: [.text(text)], isError: true) }

    /// Creates a failed result from an error's message and hint.
    public static func failure(_ error: MMError) -> ToolResult { .failure(error.description) }

    /// Returns the result with its long texts read to their ends, so that it can be sent more than once.
    func collected() async -> ToolResult {
        var result = self
        for (place, block) in content.enumerated() {
            guard let stream = block.stream else { continue }
            var text = ""
            do {
                while let piece = try await stream.next() { text += piece }
            } catch {
                text += "\n[The text is incomplete.]"
            }
            result.content[place] = .text(text)
        }
        return result
    }

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
