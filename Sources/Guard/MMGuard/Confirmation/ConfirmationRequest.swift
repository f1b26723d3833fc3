package import MMCore

/// A request that a person is asked to confirm, and that the confirmation is bound to.
package struct ConfirmationRequest: Sendable, Hashable {
    /// The connection it would run on.
    package var connection: String
    /// What that name stands for (`Connection.identity`); `nil` for what is no connection of the registry.
    package var identity: String?
    /// Who acts there if it isn't a person.
    package var actor: String?
    /// The module of the session, or the service: `exo`, `graph`.
    package var module: String
    /// The exact script, or the request line.
    package var text: String
    /// The exact body of a request; empty for scripts.
    package var body: [UInt8]
    /// The exact form of what `text` says in words; a person is shown it behind that, on pages of its own.
    package var exact = ""
    /// Everything else that affects what happens: further parameters of the call.
    package var parameters: JSONObject
    /// What kind of thing it is, in a few words: `run in exo`.
    package var title: String
    /// What it changes, as far as that is known: a person is shown it, and the confirmation is not bound to it, because the
    /// state before may be another one when the same call comes back.
    package var changes: [String] = []
    /// How long it waits for its answer, and a yes to it holds; `nil` for the usual minutes. A yes that is bound to a
    /// state, which is looked at again before anything is sent, may well hold for days.
    package var lasting: Duration?
    /// The guard's verdict on it.
    package var verdict: Verdict
    /// The check that the person has to pass besides saying yes.
    package var check: PersonCheck
    /// How many people have to say yes.
    package var approvals: Int
    /// Who signed in to ask, where a server serves several: one's confirmation is of no use to another.
    package var principal: String?
    /// Who asks, for the person who decides; the confirmation is not bound to it.
    package var requester: Requester?

    /// Creates a request.
    /// - Parameters:
    ///   - connection: the connection it would run on.
    ///   - actor: who acts there if it isn't a person: `app ID, no person`.
    ///   - module: the module of the session, or the service.
    ///   - title: what kind of thing it is, in a few words.
    ///   - text: the exact script, or the request line.
    ///   - body: the exact body of a request.
    ///   - parameters: everything else that affects what happens.
    ///   - verdict: the guard's verdict on it.
    ///   - checks: the checks that the connection demands of a person.
    ///   - approvals: how many people the connection demands.
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
        check = checks.strongest(of: words)
        self.approvals = approvals.most(of: words)
    }

    /// What a person sees of it.
    package var presentation: Presentation { Presentation(self, verdict: verdict) }

    /// The digest that a confirmation is valid for: connection and what it stands for, module, exact text and body, parameters.
    /// Each part is preceded by its length, so that no two requests share a digest by moving bytes from one part to the next.
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
    /// Creates a request that runs on a connection: it names who acts there, and requires the check and the
    /// number of people that the connection demands.
    /// - Parameters:
    ///   - connection: the connection it would run on.
    ///   - module: the module of the session, or the service.
    ///   - title: what kind of thing it is, in a few words.
    ///   - text: the exact script, or the request line.
    ///   - body: the exact body of a request.
    ///   - parameters: everything else that affects what happens.
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
