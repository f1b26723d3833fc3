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
    /// How the script begins, or the request line: what a list shows.
    public var summary: String
    /// The rule that asks.
    public var rule: String
    /// What the person has to show besides saying yes.
    public var check: PersonCheck
    /// What a person is shown before the question.
    package var presentation: Presentation
    /// When it was asked.
    public var createdAt: Timestamp
    /// When it ends.
    public var expiresAt: Timestamp

    init(_ request: ConfirmationRequest, token: String, createdAt: Timestamp, expiresAt: Timestamp) {
        self.token = token
        digest = request.digest
        state = .pending
        connection = request.connection
        module = request.module
        summary = VisibleText.exact(String(request.text.prefix(80)))
        rule = request.verdict.rule
        presentation = request.presentation
        check = request.check
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }
}

extension PendingConfirmation {
    /// The entry as it is stored.
    var json: JSONValue {
        [
            "token": .string(token), "digest": .string(digest), "state": .string(state.rawValue),
            "connection": .string(connection), "module": .string(module), "summary": .string(summary),
            "rule": .string(rule), "check": .string(check.rawValue), "presentation": presentation.json,
            "createdAt": .int(createdAt.seconds), "expiresAt": .int(expiresAt.seconds),
        ]
    }

    /// The entry of a stored value; nil when it is none.
    init?(json: JSONValue) {
        guard let token = json["token"]?.string, let digest = json["digest"]?.string,
            let state = json["state"]?.string.flatMap(State.init), let created = json["createdAt"]?.int,
            let expires = json["expiresAt"]?.int, let shown = json["presentation"].flatMap(Presentation.init(json:))
        else { return nil }
        self.token = token
        self.digest = digest
        self.state = state
        connection = json["connection"]?.string ?? ""
        module = json["module"]?.string ?? ""
        summary = json["summary"]?.string ?? ""
        rule = json["rule"]?.string ?? ""
        presentation = shown
        check = json["check"]?.string.flatMap(PersonCheck.init) ?? .key
        createdAt = Timestamp(seconds: Int64(created))
        expiresAt = Timestamp(seconds: Int64(expires))
    }
}
