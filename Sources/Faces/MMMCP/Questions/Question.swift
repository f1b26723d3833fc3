public import MMCore

/// A question that only the client's side can answer: its user, its model or its list of folders.
public struct Question: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case form(String, Form)
        case openURL(String, url: String)
        case sampling(JSONObject)
        case roots
    }

    /// The question's name within its call; it must be the same every time the handler runs.
    public let key: String
    let kind: Kind

    /// Asks the user to fill in a form.
    public static func form(_ key: String, _ message: String, _ form: Form) -> Question {
        Question(key: key, kind: .form(message, form))
    }

    /// Asks the user to open a URL, which must contain no credentials and no personal data.
    package static func openURL(_ key: String, _ message: String, url: String) -> Question {
        Question(key: key, kind: .openURL(message, url: url))
    }

    /// Asks the client's model for a completion.
    package static func sampling(_ key: String, _ request: SamplingRequest) -> Question {
        Question(key: key, kind: .sampling(request.json))
    }

    /// Asks which folders the client works in.
    package static func roots(_ key: String) -> Question { Question(key: key, kind: .roots) }

    var method: String {
        switch kind {
        case .form, .openURL: "elicitation/create"
        case .sampling: "sampling/createMessage"
        case .roots: "roots/list"
        }
    }

    /// Returns the parameters in the form that a client of this revision understands.
    func params(for version: ProtocolVersion, id: String) -> JSONObject {
        switch kind {
        case .form(let message, let form):
            var params = JSONObject()
            // Before 2025-11-25 forms were the only kind of question, and there was no `mode`.
            if version >= .v2025_11_25 { params["mode"] = "form" }
            params["message"] = .string(message)
            params["requestedSchema"] = .object(form.schema)
            return params
        case .openURL(let message, let url):
            var params: JSONObject = ["mode": "url", "message": .string(message), "url": .string(url)]
            if !version.isModern { params["elicitationId"] = .string(id) }
            return params
        case .sampling(let request): return request
        case .roots: return [:]
        }
    }

    /// Returns questions in the form that results contain, by key.
    static func requests(_ questions: [Question], for version: ProtocolVersion) -> JSONObject {
        var requests = JSONObject()
        for question in questions {
            let params = question.params(for: version, id: question.key)
            var request: JSONObject = ["method": .string(question.method)]
            if !params.isEmpty { request["params"] = .object(params) }
            requests[question.key] = .object(request)
        }
        return requests
    }

    /// The capability that a client must declare for this question.
    var requirement: JSONObject {
        switch kind {
        case .form: ["elicitation": [:]]
        case .openURL: ["elicitation": ["url": [:]]]
        case .sampling: ["sampling": [:]]
        case .roots: ["roots": [:]]
        }
    }

    func canBeAsked(_ capabilities: ClientCapabilities) -> Bool {
        switch kind {
        case .form: capabilities.supportsForms
        case .openURL: capabilities.supportsURLs
        case .sampling: capabilities.supportsSampling
        case .roots: capabilities.listsRoots
        }
    }

    /// Returns what is wrong with an answer; `nil` for a valid one.
    package func fault(of answer: JSONObject) -> String? {
        switch kind {
        case .form(_, let form):
            guard let action = answer["action"]?.string else { return "it has no \"action\"" }
            guard action == "accept" else { return Self.isRefusal(action) ? nil : "its action is unknown" }
            let content = answer["content"] ?? [:]
            return form.check.problems(of: content, limit: 3).first.map { "in its content, \($0)" }
        case .openURL:
            guard let action = answer["action"]?.string else { return "it has no \"action\"" }
            return action == "accept" || Self.isRefusal(action) ? nil : "its action is unknown"
        case .sampling: return answer["content"] == nil ? "it has no \"content\"" : nil
        case .roots: return answer["roots"]?.array == nil ? "it has no list of \"roots\"" : nil
        }
    }

    private static func isRefusal(_ action: String) -> Bool { action == "decline" || action == "cancel" }
}

/// A user's answer to a question.
public enum ElicitationAnswer: Sendable, Hashable {
    /// The user filled in the form, whose fields fit its schema, or agreed to open the URL.
    case accepted(JSONObject)
    /// The user declined.
    case declined
    /// The user dismissed the question without a choice.
    case dismissed

    init(_ answer: JSONObject) {
        switch answer["action"]?.string {
        case "accept": self = .accepted(answer["content"]?.object ?? [:])
        case "decline": self = .declined
        default: self = .dismissed
        }
    }
}

/// A folder or other location that a client works in.
package struct Root: Sendable, Hashable {
    /// The location's URI.
    package let uri: String
    /// Its name, if it has one.
    package let name: String?
}
