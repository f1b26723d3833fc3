package import MMCore

/// A request to the client's model.
package struct SamplingRequest: Sendable, Hashable {
    private let text: String
    private let maxTokens: Int

    /// Creates a request with a text of the user.
    /// - Parameter maxTokens: the maximum number of tokens in the answer.
    package init(_ text: String, maxTokens: Int) {
        self.text = text
        self.maxTokens = maxTokens
    }

    var json: JSONObject {
        [
            "messages": [["role": "user", "content": ["type": "text", "text": .string(text)]]],
            "maxTokens": .int(Int64(maxTokens)),
        ]
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
