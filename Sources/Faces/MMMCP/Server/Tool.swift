public import MMCore

/// A function that a model can ask the server to run.
///
/// Arguments are validated against the input schema before the handler sees them; for invalid ones the model receives
/// the path, the value found and the values allowed. When a handler throws an `MMError`, its message and hint become a
/// failed result.
public struct Tool: Sendable {
    /// Runs a call.
    ///
    /// - Parameters:
    ///   - arguments: the arguments, which fit the input schema.
    ///   - context: the caller, and the means to report progress, to log and to ask the user. The task is cancelled
    ///     when the client cancels the request.
    public typealias Handler = @Sendable (_ arguments: JSONObject, _ context: ToolContext) async throws -> ToolResult

    /// The tool's name: 1 to 128 of `A-Z a-z 0-9 _ - .`.
    public var name: String
    /// The tool's human-readable name.
    public var title: String?
    /// What the tool does, when to use it and when not, one example, and what it returns.
    public var description: String
    /// The arguments' JSON Schema (2020-12), with `"type": "object"` at the root.
    public var inputSchema: JSONObject
    /// The JSON Schema of the structured result, if there is one.
    public var outputSchema: JSONObject?
    /// Hints about the tool's effects.
    public var annotations: ToolAnnotations
    /// Icons for the client's lists.
    public var icons: [Icon]
    /// Further names under which calls are accepted; they are not listed.
    public var aliases: [String]
    /// Whether calls may be answered with a task, where the server has tasks.
    package var taskSupport = TaskSupport.forbidden
    /// Returns the argument that was probably meant by an unknown one; by default the one with the most similar
    /// spelling.
    package var argumentAdvice: JSONSchema.NameAdvice?
    /// Says where an unknown argument belongs, in words that follow its name; `nil` if that isn't known.
    package var argumentRemark: JSONSchema.NameRemark?
    /// The schema by which arguments are checked, where the tool takes more than the listed one says; by default the
    /// listed one.
    package var acceptedSchema: JSONObject?
    /// Brings arguments into the form of the input schema before they are checked, where the tool takes more forms than
    /// ``JSONSchema/inForm(_:)`` reads. It throws where it knows better than a check why it can't read a value.
    package var argumentReading: (@Sendable (JSONObject) throws(MMError) -> JSONObject)?
    /// Makes the result of a call whose arguments are refused, which the handler never sees; by default its text alone.
    package var refusal: (@Sendable (MMError) -> ToolResult)?
    /// Whether the tool is listed; a call by its name is accepted either way.
    public var isListed = true
    /// Metadata for client programs (`_meta`).
    public var meta: JSONObject
    /// Runs a call.
    public var handler: Handler

    /// The schema of a tool without parameters.
    public static let noParameters: JSONObject = ["type": "object", "additionalProperties": false]

    /// Creates a tool.
    /// - Parameters:
    ///   - name: 1 to 128 of `A-Z a-z 0-9 _ - .`.
    ///   - title: the human-readable name.
    ///   - description: the description for models.
    ///   - inputSchema: the arguments' JSON Schema, with `"type": "object"` at the root.
    ///   - outputSchema: the JSON Schema of the structured result.
    ///   - annotations: hints about the tool's effects.
    ///   - icons: icons for the client's lists.
    ///   - aliases: further names under which calls are accepted.
    ///   - meta: metadata for client programs.
    ///   - handler: runs a call.
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
        var hints = annotations.json
        // Before tools had titles of their own, hosts looked for them here.
        if version == .v2025_03_26 { hints["title"] = title.map(JSONValue.string) }
        if !hints.isEmpty { object["annotations"] = .object(hints) }
        // In later revisions the server alone decides, so there is nothing to declare here.
        if taskSupport != .forbidden, version == .v2025_11_25 {
            object["execution"] = ["taskSupport": .string(taskSupport.rawValue)]
        }
        if !icons.isEmpty { object["icons"] = .array(icons.map { .object($0.json) }) }
        if !meta.isEmpty { object["_meta"] = .object(meta) }
        return object
    }
}

/// Hints about a tool's effects. Clients may use them to skip confirmations but must not trust them.
public struct ToolAnnotations: Sendable, Hashable {
    /// The tool changes nothing. Clients assume `false` when absent.
    public var readOnly: Bool?
    /// The tool may destroy something. Clients assume `true` when absent.
    public var destructive: Bool?
    /// Repeating a call with the same arguments has no further effect. Clients assume `false` when absent.
    public var idempotent: Bool?
    /// The tool reaches beyond this machine. Clients assume `true` when absent.
    public var openWorld: Bool?

    /// Creates hints; those that are `nil` are not sent.
    public init(
        readOnly: Bool? = nil, destructive: Bool? = nil, idempotent: Bool? = nil, openWorld: Bool? = nil
    ) {
        self.readOnly = readOnly
        self.destructive = destructive
        self.idempotent = idempotent
        self.openWorld = openWorld
    }

    var json: JSONObject {
        var object = JSONObject()
        object["readOnlyHint"] = readOnly.map(JSONValue.bool)
        object["destructiveHint"] = destructive.map(JSONValue.bool)
        object["idempotentHint"] = idempotent.map(JSONValue.bool)
        object["openWorldHint"] = openWorld.map(JSONValue.bool)
        return object
    }
}
