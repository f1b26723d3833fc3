public import MMCore

/// An entry of the ledger: a request that waits for a person, or that a person has confirmed.
public struct PendingConfirmation: Sendable, Hashable {
    /// The state of an entry.
    public enum State: String, Sendable {
        /// Nobody has answered.
        case pending
        /// A person said yes; the next run of exactly this uses it up.
        case approved
    }

    /// The token: short enough to type.
    public var token: String
    /// The digest that it is bound to.
    public var digest: String
    /// The state of an entry.
    public var state: State
    /// The connection.
    public var connection: String
    /// The module or service.
    public var module: String
    /// The beginning of the script, or the request line: what a list shows.
    public var summary: String
    /// The rule that requires confirmation.
    public var rule: String
    /// The check that the person has to pass besides saying yes.
    public var check: PersonCheck
    /// What a person is shown before being asked.
    package var presentation: Presentation
    /// When it was requested.
    public var createdAt: Timestamp
    /// When it expires.
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

    /// Reads a stored entry; `nil` if the value isn't one.
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
