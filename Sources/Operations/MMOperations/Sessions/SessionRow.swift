package import MMCore

/// A sign-in or a session, as `status` and `sessions` list it.
package struct SessionRow: Sendable, Hashable {
    /// Its name: the connection or the place, and the module.
    package var session: String
    /// The connection; `nil` for a shell or a host.
    package var connection: String?
    /// The module.
    package var module: String?
    /// The word for its state.
    package var state: String
    /// The account that is signed in, or that is to sign in.
    package var account: String?
    /// When the sign-in or its code expires.
    package var until: Timestamp?
    /// The code of a pending sign-in.
    package var code: String?
    /// The address at which the code is entered.
    package var address: String?
    /// Why it can't be used.
    package var reason: String?
    /// What to do about it.
    package var remedy: String?
    /// The number of commands that it has run.
    package var commands: Int?
    /// The number of calls that wait for it.
    package var waiting: Int?
    /// What runs its commands.
    package var engine: String?
    /// The memory of its process in bytes.
    package var memory: Int?

    /// The word for the state of a sign-in whose tokens are there.
    static let signedIn = "signed in"

    /// The member of an answer that holds the rows.
    package static let list = "sessions"

    /// Creates a row.
    /// - Parameters:
    ///   - session: the session's name.
    ///   - connection: the connection; `nil` for a shell or a host.
    ///   - module: the module.
    ///   - state: the word for the state.
    package init(_ session: String, connection: String?, module: String?, state: String) {
        self.session = session
        self.connection = connection
        self.module = module
        self.state = state
    }

    /// Reads a row of an answer; `nil` for a value without a name.
    package init?(_ value: JSONValue) {
        guard let session = value["session"]?.string else { return nil }
        self.init(
            session, connection: value["connection"]?.string, module: value["module"]?.string,
            state: value["state"]?.string ?? "")
        account = value["account"]?.string
        until = value["until"]?.string.flatMap { Timestamp(iso8601: $0) }
        code = value["code"]?.string
        address = value["address"]?.string
        reason = value["reason"]?.string
        remedy = value["remedy"]?.string
        commands = value["commands"]?.int
        waiting = value["waiting"]?.int
        engine = value["engine"]?.string
        memory = value["memory"]?.int
    }

    /// The row as JSON.
    package var json: JSONObject {
        var row: JSONObject = ["session": .string(session)]
        func add(_ name: String, _ text: String?) { row[name] = text.map { .string($0) } }
        func add(_ name: String, _ number: Int?) { row[name] = number.map { .int(Int64($0)) } }
        add("connection", connection)
        add("module", module)
        add("state", state)
        add("account", account)
        add("until", until?.iso8601)
        add("code", code)
        add("address", address)
        add("reason", reason)
        add("remedy", remedy)
        add("commands", commands)
        add("waiting", waiting)
        add("engine", engine)
        add("memory", memory)
        return row
    }

    /// Whether it is signed in, or has been started.
    var isInUse: Bool { state == Self.signedIn || commands != nil }

    /// Returns what a table of rows has no room for. Sessions that wait for the same sign-in have one remark.
    package static func remarks(on rows: [SessionRow]) -> [String] {
        var codes: Set<String> = []
        return rows.compactMap { row in
            if let code = row.code, !codes.insert(code).inserted { return nil }
            return row.remark
        }
    }

    /// How to sign in, or why it can't be used.
    var remark: String? {
        if let code, let address { return SignInText.waiting(code, at: address, for: session, as: account) }
        return reason.map { ["\(session): \($0)", remedy].compactMap(\.self).joined(separator: " ") }
    }

    /// Returns the members of an answer with rows.
    package static func members(of rows: [SessionRow]) -> JSONObject { [list: .array(rows.map { .object($0.json) })] }

    /// Returns the rows of an answer of `status` or `sessions`.
    fileprivate static func rows(of answer: OperationAnswer) -> [SessionRow] {
        guard case .value(let value) = answer.body else { return [] }
        return (value[list]?.array ?? []).compactMap { SessionRow($0) }
    }
}

extension OperationService {
    /// Returns the sign-ins and sessions of the connections that a caller may use, or of one of them.
    /// - Throws: the errors of `status`.
    package func status(
        of connection: String?, in context: CallContext
    ) async throws(MMError) -> [SessionRow] {
        var arguments = JSONObject()
        arguments["connection"] = connection.map { .string($0) }
        return SessionRow.rows(of: try await call(.status, arguments, in: context))
    }

    /// Returns the open sessions that a caller may see.
    /// - Throws: the errors of `sessions`.
    package func sessions(in context: CallContext) async throws(MMError) -> [SessionRow] {
        SessionRow.rows(of: try await call(.sessions, [:], in: context))
    }
}
