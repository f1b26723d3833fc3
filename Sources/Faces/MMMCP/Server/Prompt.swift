import MMCore

/// A text template that a person picks from a menu to start a piece of work.
package struct Prompt: Sendable {
    /// Produces the prompt's messages; all required arguments are present.
    package typealias Handler =
        @Sendable (_ arguments: [String: String], _ context: RequestContext) async throws -> PromptResult

    /// The prompt's name.
    package var name: String
    /// The prompt's human-readable name.
    package var title: String?
    /// The prompt's purpose.
    package var description: String?
    /// The prompt's arguments.
    package var arguments: [PromptArgument]
    /// Icons for the client's lists.
    package var icons: [Icon]
    /// Produces the prompt's messages.
    package var handler: Handler

    package init(
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

/// An argument of a prompt.
package struct PromptArgument: Sendable {
    /// The argument's name.
    package var name: String
    /// The argument's human-readable name.
    package var title: String?
    /// What to enter.
    package var description: String?
    /// Whether the argument is required.
    package var isRequired: Bool
    /// Proposes values.
    package var complete: Completer?

    package init(
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

/// The conversation that a prompt starts.
package struct PromptResult: Sendable, Hashable {
    /// One message of the conversation.
    package struct Message: Sendable, Hashable {
        /// The message's author.
        package var role: ContentAnnotations.Role
        /// The message's content.
        package var content: Content

        /// Creates a message with a single block.
        package init(_ role: ContentAnnotations.Role, _ content: Content) {
            self.role = role
            self.content = content
        }
    }

    /// What the conversation is about.
    package var description: String?
    /// The conversation's messages.
    package var messages: [Message]

    package init(description: String? = nil, messages: [Message]) {
        self.description = description
        self.messages = messages
    }

    /// Creates a conversation that starts with one text by the user.
    package static func text(_ text: String, description: String? = nil) -> PromptResult {
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
