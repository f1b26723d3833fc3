package import MMCore

/// A request that a person is asked to confirm. A confirmation is valid for exactly this request.
package struct ConfirmationRequest: Sendable, Hashable {
    /// The connection it would run on.
    package var connection: String
    /// The identity of that connection (`Connection.identity`); `nil` if it is not a connection of the registry.
    package var identity: String?
    /// The actor on the connection, if it isn't a person.
    package var actor: String?
    /// The module of the session, or the service: `exo`, `graph`.
    package var module: String
    /// The exact script, or the request line.
    package var text: String
    /// The exact body of a request; empty for scripts.
    package var body: [UInt8]
    /// The exact form of a `text` that is written in words; a person is shown it after the text, on pages of its own.
    package var exact = ""
    /// All other parameters of the call that affect the result.
    package var parameters: JSONObject
    /// The kind of action in a few words: `run in exo`.
    package var title: String
    /// The changes that it would make, as far as they are known. A person is shown them, but the confirmation is not
    /// bound to them, because the state before may differ when the same call comes back.
    package var changes: [String] = []
    /// How long the request waits for an answer, and how long an approval holds; `nil` for the usual minutes. An
    /// approval that is bound to a state, which is read again before anything is sent, may hold for days.
    package var lasting: Duration?
    /// The guard's verdict on it.
    package var verdict: Verdict
    /// The check that the person has to pass besides saying yes.
    package var check: PersonCheck
    /// How many people have to say yes.
    package var approvals: Int
    /// The user of a server with several users who asks; another user can't use this user's confirmation.
    package var principal: String?
    /// The requester, as shown to the person who decides; the confirmation is not bound to it.
    package var requester: Requester?

    /// Creates a request.
    /// - Parameters:
    ///   - connection: the connection it would run on.
    ///   - actor: the actor on the connection, if it isn't a person: `app ID, no person`.
    ///   - module: the module of the session, or the service.
    ///   - title: the kind of action in a few words.
    ///   - text: the exact script, or the request line.
    ///   - body: the exact body of a request.
    ///   - parameters: all other parameters of the call that affect the result.
    ///   - verdict: the guard's verdict on it.
    ///   - checks: the checks that the connection demands of a person.
    ///   - approvals: the number of people that the connection demands.
    package init(
        connection: String, actor: String? = nil, module: String, title: String, text: String, body: [UInt8] = [],
        parameters: JSONObject = [:], verdict: Verdict, checks: ConnectionPersonChecks = ConnectionPersonChecks(),
        approvals: ConnectionApprovals = ConnectionApprovals()
    ) {
        self.connection = connection
        self.actor = actor
        self.module = module
        self.text = text
        self.body = body
        self.parameters = parameters
        self.title = title
        self.verdict = verdict
        let dynamic = verdict.asking.contains { $0.kind == .dynamic } ? ["dynamic"] : []
        let words = verdict.classes.classes.map(\.rawValue) + dynamic
        check = checks.most(of: words)
        self.approvals = approvals.most(of: words)
    }

    /// The request as a person is shown it.
    package var presentation: Presentation { Presentation(self, verdict: verdict) }

    /// The digest that a confirmation is valid for: connection and its identity, module, exact text and body,
    /// parameters. Each part is preceded by its length, so that moving bytes from one part to the next changes the
    /// digest.
    package var digest: String {
        var hash = SHA256()
        func add(_ bytes: some Collection<UInt8>) {
            var length = UInt64(bytes.count)
            for _ in 0..<8 {
                hash.update(byte: UInt8(truncatingIfNeeded: length))
                length >>= 8
            }
            hash.update(bytes)
        }
        add("mm confirmation 2".utf8)
        add(connection.utf8)
        add((identity ?? "").utf8)
        add(module.utf8)
        add(text.utf8)
        add(body)
        add(JSONWriter.bytes(.object(sorted(parameters))))
        if let principal { add(principal.utf8) }
        if !exact.isEmpty {
            add("exact".utf8)
            add(exact.utf8)
        }
        return Hex.text(hash.finish())
    }

    private func sorted(_ object: JSONObject) -> JSONObject {
        JSONObject(object.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }
}

extension ConfirmationRequest {
    /// Creates a request that runs on a connection, with the connection's actor and the check and number of people that
    /// it demands.
    /// - Parameters:
    ///   - connection: the connection it would run on.
    ///   - module: the module of the session, or the service.
    ///   - title: the kind of action in a few words.
    ///   - text: the exact script, or the request line.
    ///   - body: the exact body of a request.
    ///   - parameters: all other parameters of the call that affect the result.
    ///   - verdict: the guard's verdict on it.
    package init(
        on connection: Connection, module: String, title: String, text: String, body: [UInt8] = [],
        parameters: JSONObject = [:], verdict: Verdict
    ) {
        self.init(
            connection: connection.name, actor: connection.actor, module: module, title: title, text: text, body: body,
            parameters: parameters, verdict: verdict, checks: connection.personChecks,
            approvals: connection.guardPolicy.approvals)
        identity = connection.identity
    }
}
