public import MMCore

/// An entry of the ledger: a request that waits for a person, or that a person has confirmed.
public struct PendingConfirmation: Sendable, Hashable {
    /// Where it stands.
    public enum State: String, Sendable {
        /// Nobody has answered.
        case pending
        /// A person said yes; the next run of exactly this uses it up.
        case approved
    }

    /// What names it: short enough to type.
    public var token: String
    /// What it is bound to.
    public var digest: String
    /// Where it stands.
    public var state: State
    /// The connection.
    public var connection: String
    /// The module or service.
    public var module: String
    /// The exact script or request line, cut only when very long.
    public var text: String
    /// The body, for people: text of at most 64 KiB; empty when there is none.
    public var body: String
    /// The further parameters, as JSON.
    public var parameters: String
    /// The classes found.
    public var classes: [String]
    /// The rule that asks.
    public var rule: String
    /// The reason in words.
    public var reason: String
    /// More that the person should see.
    public var preview: [String]
    /// When it was asked.
    public var createdAt: Timestamp
    /// When it ends.
    public var expiresAt: Timestamp

    static let longestText = 64 << 10

    init(_ request: ConfirmationRequest, token: String, createdAt: Timestamp, expiresAt: Timestamp) {
        self.token = token
        digest = request.digest
        state = .pending
        connection = request.connection
        module = request.module
        text = Self.cut(request.text)
        body = Self.cut(String(decoding: request.body, as: UTF8.self))
        parameters = request.parameters.isEmpty ? "" : JSONWriter.string(.object(request.parameters))
        classes = request.classes
        rule = request.rule
        reason = request.reason
        preview = request.preview
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > longestText else { return text }
        return String(text.prefix(longestText / 4)) + "\n… (\(text.utf8.count) bytes in all)"
    }

    /// What a person is shown before the question.
    public var lines: [String] {
        var lines = [
            "connection: \(connection)", "module: \(module)", "why: \(reason)",
            "class: \(classes.joined(separator: ", "))",
        ]
        if !preview.isEmpty { lines += [""] + preview }
        lines += [""] + text.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }
        if !body.isEmpty {
            lines += [""] + body.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }
        }
        if !parameters.isEmpty { lines += ["", "parameters: \(parameters)"] }
        return lines.map(Self.visible)
    }

    /// Control and format characters as escapes: a terminal must not hide what will run.
    private static func visible(_ line: String) -> String {
        var shown = ""
        for scalar in line.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control where scalar != "\t", .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse:
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }
}

extension PendingConfirmation {
    /// The entry as it is stored.
    var json: JSONValue {
        [
            "token": .string(token), "digest": .string(digest), "state": .string(state.rawValue),
            "connection": .string(connection), "module": .string(module), "text": .string(text), "body": .string(body),
            "parameters": .string(parameters), "classes": .array(classes.map(JSONValue.string)), "rule": .string(rule),
            "reason": .string(reason), "preview": .array(preview.map(JSONValue.string)),
            "createdAt": .int(createdAt.seconds), "expiresAt": .int(expiresAt.seconds),
        ]
    }

    /// The entry of a stored value; nil when it is none.
    init?(json: JSONValue) {
        guard let token = json["token"]?.string, let digest = json["digest"]?.string,
            let state = json["state"]?.string.flatMap(State.init), let created = json["createdAt"]?.int,
            let expires = json["expiresAt"]?.int
        else { return nil }
        self.token = token
        self.digest = digest
        self.state = state
        connection = json["connection"]?.string ?? ""
        module = json["module"]?.string ?? ""
        text = json["text"]?.string ?? ""
        body = json["body"]?.string ?? ""
        parameters = json["parameters"]?.string ?? ""
        classes = json["classes"]?.array?.compactMap(\.string) ?? []
        rule = json["rule"]?.string ?? ""
        reason = json["reason"]?.string ?? ""
        preview = json["preview"]?.array?.compactMap(\.string) ?? []
        createdAt = Timestamp(seconds: Int64(created))
        expiresAt = Timestamp(seconds: Int64(expires))
    }
}
