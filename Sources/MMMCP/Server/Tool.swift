public import MMCore

/// Something that a model can ask the server to do.
///
/// Arguments are checked against the input schema before the handler sees them; the model gets the path, what was found
/// and what is allowed. A handler that throws an `MMError` answers with its message and hint as a failed result.
public struct Tool: Sendable {
    /// What a call runs.
    ///
    /// - Parameters:
    ///   - arguments: checked against the input schema.
    ///   - context: who calls, and the ways to report progress, to log and to ask the user. The task is cancelled when
    ///     the client calls the request off.
    public typealias Handler = @Sendable (_ arguments: JSONObject, _ context: ToolContext) async throws -> ToolResult

    /// 1 to 128 of `A-Z a-z 0-9 _ - .`.
    public var name: String
    /// The name for people.
    public var title: String?
    /// What it does, when to use it and when not, one example, and what comes back.
    public var description: String
    /// JSON Schema (2020-12) with the root `"type": "object"`.
    public var inputSchema: JSONObject
    /// JSON Schema of the structured result, if there is one.
    public var outputSchema: JSONObject?
    /// Hints about its effects.
    public var annotations: ToolAnnotations
    /// Pictures for the client's lists.
    public var icons: [Icon]
    /// Other names under which a call is accepted; they are not listed.
    public var aliases: [String]
    /// Whether lists show it; a call by its name is accepted anyway.
    public var isListed = true
    /// Data for programs on the other side.
    public var meta: JSONObject
    /// What a call runs.
    public var handler: Handler

    /// The schema of a tool without parameters.
    public static let noParameters: JSONObject = ["type": "object", "additionalProperties": false]

    /// A tool.
    /// - Parameters:
    ///   - name: 1 to 128 of `A-Z a-z 0-9 _ - .`.
    ///   - title: the name for people.
    ///   - description: what a model reads.
    ///   - inputSchema: JSON Schema with the root `"type": "object"`.
    ///   - outputSchema: JSON Schema of the structured result.
    ///   - annotations: hints about its effects.
    ///   - icons: pictures.
    ///   - aliases: other names under which a call is accepted.
    ///   - meta: data for programs.
    ///   - handler: what a call runs.
    public init(
        name: String, title: String? = nil, description: String, inputSchema: JSONObject = Tool.noParameters,
        outputSchema: JSONObject? = nil, annotations: ToolAnnotations = ToolAnnotations(), icons: [Icon] = [],
        aliases: [String] = [], meta: JSONObject = [:], handler: @escaping Handler
    ) {
        self.name = name
        self.title = title
        self.description = description
        self.inputSchema = inputSchema
        self.outputSchema = outputSchema
        self.annotations = annotations
        self.icons = icons
        self.aliases = aliases
        self.meta = meta
        self.handler = handler
    }

    func json(for version: ProtocolVersion) -> JSONObject {
        var object: JSONObject = ["name": .string(name)]
        object["title"] = title.map(JSONValue.string)
        object["description"] = .string(description)
        object["inputSchema"] = .object(inputSchema)
        if let outputSchema, version.isModern || outputSchema["type"] == "object" {
            object["outputSchema"] = .object(outputSchema)
        }
        let hints = annotations.json
        if !hints.isEmpty { object["annotations"] = .object(hints) }
        if !icons.isEmpty { object["icons"] = .array(icons.map { .object($0.json) }) }
        if !meta.isEmpty { object["_meta"] = .object(meta) }
        return object
    }
}
