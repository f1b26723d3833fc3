public import MMCore

/// What the client's model is asked.
public struct SamplingRequest: Sendable, Hashable {
    /// The conversation so far.
    public var messages: [PromptResult.Message]
    /// Most tokens of the answer.
    public var maxTokens: Int
    /// What the model is told first.
    public var systemPrompt: String?
    /// Anything else that the protocol's `sampling/createMessage` knows.
    public var more: JSONObject

    public init(
        _ messages: [PromptResult.Message], maxTokens: Int, systemPrompt: String? = nil, more: JSONObject = [:]
    ) {
        self.messages = messages
        self.maxTokens = maxTokens
        self.systemPrompt = systemPrompt
        self.more = more
    }

    /// A request of one text.
    public init(_ text: String, maxTokens: Int, systemPrompt: String? = nil) {
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

/// What the client's model said.
public struct SamplingAnswer: Sendable, Hashable {
    /// The whole answer as it came.
    public let raw: JSONObject

    /// The texts of the answer, one after the other.
    public var text: String {
        let blocks = raw["content"]?.array ?? [raw["content"] ?? .null]
        return blocks.compactMap { $0["text"]?.string }.joined()
    }

    /// Which model it was.
    public var model: String? { raw["model"]?.string }
    /// Why it stopped.
    public var stopReason: String? { raw["stopReason"]?.string }
}
