import MMCore

/// A text with blanks that a person picks from a menu, to start a piece of work.
public struct Prompt: Sendable {
    /// What choosing it runs; all required arguments are there.
    public typealias Handler =
        @Sendable (_ arguments: [String: String], _ context: RequestContext) async throws -> PromptResult

    /// Its name.
    public var name: String
    /// Its name for people.
    public var title: String?
    /// What it is for.
    public var description: String?
    /// Its blanks.
    public var arguments: [PromptArgument]
    /// Pictures for the client's lists.
    public var icons: [Icon]
    /// What choosing it runs.
    public var handler: Handler

    public init(
        name: String, title: String? = nil, description: String? = nil, arguments: [PromptArgument] = [],
        icons: [Icon] = [], handler: @escaping Handler
    ) {
        self.name = name
        self.title = title
        self.description = description
        self.arguments = arguments
        self.icons = icons
        self.handler = handler
    }

    var json: JSONObject {
        var object: JSONObject = ["name": .string(name)]
        object["title"] = title.map(JSONValue.string)
        object["description"] = description.map(JSONValue.string)
        if !arguments.isEmpty { object["arguments"] = .array(arguments.map { .object($0.json) }) }
        if !icons.isEmpty { object["icons"] = .array(icons.map { .object($0.json) }) }
        return object
    }
}

/// A blank in a prompt.
public struct PromptArgument: Sendable {
    /// Its name.
    public var name: String
    /// Its name for people.
    public var title: String?
    /// What to write there.
    public var description: String?
    /// Whether it must be filled in.
    public var isRequired: Bool
    /// What can stand there.
    public var complete: Completer?

    public init(
        name: String, title: String? = nil, description: String? = nil, isRequired: Bool = false,
        complete: Completer? = nil
    ) {
        self.name = name
        self.title = title
        self.description = description
        self.isRequired = isRequired
        self.complete = complete
    }

    var json: JSONObject {
        var object: JSONObject = ["name": .string(name)]
        object["title"] = title.map(JSONValue.string)
        object["description"] = description.map(JSONValue.string)
        object["required"] = .bool(isRequired)
        return object
    }
}

/// The conversation that a prompt begins.
public struct PromptResult: Sendable, Hashable {
    /// One thing that was said.
    public struct Message: Sendable, Hashable {
        /// Who says it.
        public var role: ContentAnnotations.Role
        /// What is said.
        public var content: Content

        /// A message of one block.
        public init(_ role: ContentAnnotations.Role, _ content: Content) {
            self.role = role
            self.content = content
        }
    }

    /// What the conversation is about.
    public var description: String?
    /// What was said.
    public var messages: [Message]

    public init(description: String? = nil, messages: [Message]) {
        self.description = description
        self.messages = messages
    }

    /// A conversation that the user begins with one text.
    public static func text(_ text: String, description: String? = nil) -> PromptResult {
        PromptResult(description: description, messages: [Message(.user, .text(text))])
    }

    func json(for version: ProtocolVersion) -> JSONObject {
        var object = JSONObject()
        object["description"] = description.map(JSONValue.string)
        object["messages"] = .array(
            messages.map { ["role": .string($0.role.rawValue), "content": $0.content.json(for: version)] }
        )
        return object
    }
}
