package import MMCore

/// A request to the client's model.
package struct SamplingRequest: Sendable, Hashable {
    /// The conversation so far.
    package var messages: [PromptResult.Message]
    /// The maximum number of tokens in the answer.
    package var maxTokens: Int
    /// The system prompt.
    package var systemPrompt: String?
    /// Further members of the protocol's `sampling/createMessage`.
    package var more: JSONObject

    package init(
        _ messages: [PromptResult.Message], maxTokens: Int, systemPrompt: String? = nil, more: JSONObject = [:]
    ) {
        self.messages = messages
        self.maxTokens = maxTokens
        self.systemPrompt = systemPrompt
        self.more = more
    }

    /// Creates a request with a single text.
    package init(_ text: String, maxTokens: Int, systemPrompt: String? = nil) {
        self.init([PromptResult.Message(.user, .text(text))], maxTokens: maxTokens, systemPrompt: systemPrompt)
    }

    var json: JSONObject {
        var object = more
        object["messages"] = .array(
            messages.map {
                ["role": .string($0.role.rawValue), "content": $0.content.json(for: .v2025_11_25)]
            }
        )
        object["systemPrompt"] = systemPrompt.map(JSONValue.string)
        object["maxTokens"] = .int(Int64(maxTokens))
        return object
    }
}

/// The answer of the client's model.
package struct SamplingAnswer: Sendable, Hashable {
    /// The complete answer as received.
    package let raw: JSONObject

    /// The answer's text blocks, joined.
    package var text: String {
        let blocks = raw["content"]?.array ?? [raw["content"] ?? .null]
        return blocks.compactMap { $0["text"]?.string }.joined()
    }
}
