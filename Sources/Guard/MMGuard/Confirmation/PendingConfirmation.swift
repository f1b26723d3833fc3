package import MMCore

/// An entry of the ledger: a request that waits for a person, or that a person has confirmed.
package struct PendingConfirmation: Sendable, Hashable {
    /// The state of an entry.
    package enum State: String, Sendable {
        /// No person has answered yet.
        case pending
        /// As many people as needed said yes; the next run of exactly this request uses the approval up.
        case approved
        /// A person said no; the next run of exactly this request is told so.
        case refused
    }

    /// The token: short enough to type.
    package var token: String
    /// The digest of the request that it is valid for.
    package var digest: String
    /// The state of an entry.
    package var state: State
    /// The connection.
    package var connection: String
    /// The identity of the connection (`Connection.identity`) at the time of the request.
    package var identity: String?
    /// The module or service.
    package var module: String
    /// The beginning of the script, or the request line, as lists show it.
    package var summary: String
    /// The rule that requires confirmation.
    package var rule: String
    /// The check that the person has to pass besides saying yes.
    package var check: PersonCheck
    /// The text that a person is shown before answering.
    package var presentation: Presentation
    /// The strictest class of the request.
    package var guardClass: GuardClass
    /// The requester.
    package var requester: Requester?
    /// How many people have to say yes.
    package var needed: Int
    /// The people who said yes so far, or the one who said no.
    package var approvers: [Approver] = []
    /// The reason for a refusal in the person's words.
    package var refusal: String?
    /// The classes that a standing approval for it has to name; empty if a person always has to be asked.
    package var standingClasses: [GuardClass]
    /// How long an approval holds, if that is longer than usual.
    package var lasting: Duration?
    /// When it was requested.
    package var createdAt: Timestamp
    /// When it expires.
    package var expiresAt: Timestamp

    init(_ request: ConfirmationRequest, token: String, createdAt: Timestamp, expiresAt: Timestamp) {
        self.token = token
        digest = request.digest
        state = .pending
        connection = request.connection
        identity = request.identity
        module = request.module
        let lines = request.text.prefix(80).split(whereSeparator: \.isNewline)
        summary = lines.map { VisibleText.exact(String($0)) }.joined(separator: " ⏎ ")
        rule = request.verdict.rule
        presentation = request.presentation
        check = request.check
        guardClass = request.verdict.guardClass
        requester = request.requester
        needed = request.approvals
        standingClasses = request.standingClasses ?? []
        lasting = request.lasting
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }
}

extension PendingConfirmation {
    /// Returns whether the approvals suffice under the current rules.
    func isEnough(for request: ConfirmationRequest) -> Bool {
        // A request that was confirmed as a part of a larger one was judged by the rules for the larger one.
        approvers.contains { $0.means == "together" } || check >= request.check && approvers.count >= request.approvals
    }

    /// Adds what the current rules demand beyond those under which the request was entered. Approvals that were given
    /// with a weaker check no longer count.
    mutating func demand(_ request: ConfirmationRequest) {
        if check < request.check {
            check = request.check
            approvers = []
        }
        needed = max(needed, request.approvals)
        guardClass = request.verdict.guardClass
        rule = request.verdict.rule
        presentation = request.presentation
        standingClasses = request.standingClasses ?? []
    }

    /// The entry as JSON, for storing.
    var json: JSONValue {
        var object: JSONObject = [
            "token": .string(token), "digest": .string(digest), "state": .string(state.rawValue),
            "connection": .string(connection), "module": .string(module), "summary": .string(summary),
            "rule": .string(rule), "check": .string(check.rawValue), "presentation": presentation.json,
            "class": .string(guardClass.rawValue), "needed": .int(Int64(needed)),
            "approvers": .array(approvers.map(\.json)),
            "standingClasses": .array(standingClasses.map { .string($0.rawValue) }),
            "createdAt": .int(createdAt.seconds), "expiresAt": .int(expiresAt.seconds),
        ]
        object["identity"] = identity.map { .string($0) }
        object["lasting"] = lasting.map { .int($0.components.seconds) }
        if let requester { object["requester"] = requester.json }
        if let refusal { object["refusal"] = .string(refusal) }
        return .object(object)
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
        identity = json["identity"]?.string
        module = json["module"]?.string ?? ""
        summary = json["summary"]?.string ?? ""
        rule = json["rule"]?.string ?? ""
        presentation = shown
        check = json["check"]?.string.flatMap(PersonCheck.init) ?? .key
        guardClass = json["class"]?.string.flatMap(GuardClass.init(rawValue:)) ?? .session
        requester = json["requester"].flatMap(Requester.init(json:))
        // A value that can't be read is taken as the strictest one.
        needed = json["needed"].map { $0.int ?? ConnectionApprovals.most } ?? 1
        approvers = json["approvers"]?.array?.compactMap(Approver.init(json:)) ?? []
        refusal = json["refusal"]?.string
        standingClasses =
            json["standingClasses"]?.array?.compactMap { $0.string.flatMap(GuardClass.init(rawValue:)) } ?? []
        lasting = json["lasting"]?.int.map { .seconds($0) }
        createdAt = Timestamp(seconds: Int64(created))
        expiresAt = Timestamp(seconds: Int64(expires))
    }
}

/// The origin of a request that waits for a person. A person is shown it, but the confirmation is not bound to it.
package struct Requester: Sendable, Hashable {
    /// The face the call came through: `terminal`, `mcp`, `rest`, `library`.
    package var surface: String
    /// The client's own name.
    package var client: String
    /// The model behind the client, where the client tells it.
    package var model: String?
    /// The person that the client acts for, if known.
    package var person: String?

    /// Creates a requester.
    package init(surface: String, client: String, model: String? = nil, person: String? = nil) {
        self.surface = surface
        self.client = client
        self.model = model
        self.person = person
    }

    /// The requester in one line for a person. The names come from the callers and are escaped, so that they can't
    /// change the screen.
    package var text: String {
        let parts = [client.isEmpty ? "unnamed" : client, model, person].compactMap(\.self)
        return VisibleText.exact(parts.map { String($0.prefix(100)) }.joined(separator: ", ")) + " (\(surface))"
    }
}

extension Requester {
    /// The requester as JSON, for storing and showing.
    package var json: JSONValue {
        var object: JSONObject = ["surface": .string(surface), "client": .string(client)]
        if let model { object["model"] = .string(model) }
        if let person { object["person"] = .string(person) }
        return .object(object)
    }

    /// Reads a stored requester; `nil` if the value isn't one.
    init?(json: JSONValue) {
        guard let surface = json["surface"]?.string, let client = json["client"]?.string else { return nil }
        self.init(surface: surface, client: client, model: json["model"]?.string, person: json["person"]?.string)
    }
}
