public import MMCore

/// Something that only the client's side can answer: its user, its model, its list of folders.
public struct Question: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case form(String, Form)
        case address(String, url: String)
        case sampling(JSONObject)
        case roots
    }

    /// Names the question within its call; the same question has the same key every time the handler runs.
    public let key: String
    let kind: Kind

    /// Asks the user to fill in a form.
    public static func form(_ key: String, _ message: String, _ form: Form) -> Question {
        Question(key: key, kind: .form(message, form))
    }

    /// Asks the user to go to an address, which carries no credentials and no personal data.
    public static func address(_ key: String, _ message: String, url: String) -> Question {
        Question(key: key, kind: .address(message, url: url))
    }

    /// Asks the client's model.
    public static func sampling(_ key: String, _ request: SamplingRequest) -> Question {
        Question(key: key, kind: .sampling(request.json))
    }

    /// Asks which folders the client works in.
    public static func roots(_ key: String) -> Question { Question(key: key, kind: .roots) }

    var method: String {
        switch kind {
        case .form, .address: "elicitation/create"
        case .sampling: "sampling/createMessage"
        case .roots: "roots/list"
        }
    }

    /// The parameters in the form that a client of this revision understands.
    func params(for version: ProtocolVersion, id: String) -> JSONObject {
        switch kind {
        case .form(let message, let form):
            var params = JSONObject()
            // Before 2025-11-25 there was one kind of question and no word for it.
            if version >= .v2025_11_25 { params["mode"] = "form" }
            params["message"] = .string(message)
            params["requestedSchema"] = .object(form.schema)
            return params
        case .address(let message, let url):
            var params: JSONObject = ["mode": "url", "message": .string(message), "url": .string(url)]
            if !version.isModern { params["elicitationId"] = .string(id) }
            return params
        case .sampling(let request): return request
        case .roots: return [:]
        }
    }

    /// The capability that a client needs to be asked.
    var requirement: JSONObject {
        switch kind {
        case .form: ["elicitation": [:]]
        case .address: ["elicitation": ["url": [:]]]
        case .sampling: ["sampling": [:]]
        case .roots: ["roots": [:]]
        }
    }

    func canBeAsked(_ capabilities: ClientCapabilities) -> Bool {
        switch kind {
        case .form: capabilities.elicitsForms
        case .address: capabilities.elicitsAddresses
        case .sampling: capabilities.samples
        case .roots: capabilities.listsRoots
        }
    }

    /// What is wrong with an answer; `nil` when it is one.
    func fault(of answer: JSONObject) -> String? {
        switch kind {
        case .form(_, let form):
            guard let action = answer["action"]?.string else { return "it has no \"action\"" }
            guard action == "accept" else { return Self.isRefusal(action) ? nil : "its action is unknown" }
            let content = answer["content"] ?? [:]
            return form.check.problems(of: content, limit: 3).first.map { "in its content, \($0)" }
        case .address:
            guard let action = answer["action"]?.string else { return "it has no \"action\"" }
            return action == "accept" || Self.isRefusal(action) ? nil : "its action is unknown"
        case .sampling: return answer["content"] == nil ? "it has no \"content\"" : nil
        case .roots: return answer["roots"]?.array == nil ? "it has no list of \"roots\"" : nil
        }
    }

    private static func isRefusal(_ action: String) -> Bool { action == "decline" || action == "cancel" }
}

/// What a user made of a question.
public enum ElicitationAnswer: Sendable, Hashable {
    /// The form was filled in, or the address was agreed to; the fields fit the form.
    case accepted(JSONObject)
    /// The user said no.
    case declined
    /// The user closed the question.
    case dismissed

    init(_ answer: JSONObject) {
        switch answer["action"]?.string {
        case "accept": self = .accepted(answer["content"]?.object ?? [:])
        case "decline": self = .declined
        default: self = .dismissed
        }
    }
}

/// A folder or other place that a client works in.
public struct Root: Sendable, Hashable {
    /// Its address.
    public let uri: String
    /// Its name, if it has one.
    public let name: String?
}
