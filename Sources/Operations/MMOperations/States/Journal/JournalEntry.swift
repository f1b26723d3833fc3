package import MMCore

/// One write in the journal: its sender and time, what it changed, and how it ended.
package struct JournalEntry: Sendable, Hashable {
    /// The outcome of a write, as far as it is known.
    package enum Outcome: Sendable, Hashable {
        /// It may have been sent or not: the process ended in between, or no answer came.
        case unknown
        /// The service carried it out.
        case done
        /// The service refused it, or it was never sent.
        case refused
    }

    /// The tenant in which a write was made and the account that made it. An undo is sent only with the same account in
    /// the same tenant, whatever the connection is called.
    package struct Author: Sendable, Hashable {
        /// The tenant's id.
        package let tenant: String
        /// The account's object id in the tenant; for a partner's account in a customer's tenant, the one in its token.
        package let account: String
        /// The app's id, for app-only access.
        package let app: String?

        /// Creates an author from ids, which are lowercased.
        package init(tenant: String, account: String, app: String? = nil) {
            self.tenant = tenant.lowercased()
            self.account = account.lowercased()
            self.app = app?.lowercased()
        }

        /// Whether both are the same account of the same tenant. An app without a token yet is compared by its id
        /// alone.
        package func isSame(as other: Author) -> Bool {
            guard tenant == other.tenant else { return false }
            if !account.isEmpty, !other.account.isEmpty { return account == other.account }
            return app != nil && app == other.app
        }
    }

    /// The partner for whose customer a write was made: its connection's name at the time, and its signed-in account.
    package struct Partner: Sendable, Hashable {
        /// The name of the partner's connection.
        package let name: String
        /// The partner's own tenant and account.
        package let author: Author
    }

    /// The entry's id, as `mm undo` takes it.
    package let id: String
    /// The time at which the write began.
    package let time: Timestamp
    /// The name that the connection had at the time.
    package let connection: String
    /// The tenant and account of the write; `nil` in entries of earlier versions.
    package let author: Author?
    /// The partner, if the tenant is one of its customers'.
    package let partner: Partner?
    /// The id of the call that made the write, as in the audit log.
    package let call: String
    /// The calls of which that call is a step, the outermost first: a tool, a recipe, or a call for several
    /// connections.
    package let within: [String]
    /// The client's own session, if it has one.
    package let session: String?
    /// The interface that was called and the client's name.
    package let client: String
    /// The person or app behind the client, if it signed in to this server; `nil` for the local user.
    package let principal: String?
    /// The method and path that were sent.
    package let request: String
    /// The change that the write makes.
    package internal(set) var change: Change
    /// The id of the entry that this one takes back, if it is an undo.
    package let undoes: String?
    /// Whether other entries have to follow until that entry is taken back as a whole.
    package let isPart: Bool
    /// The outcome of the write.
    package internal(set) var outcome = Outcome.unknown
    /// The service's message, where it refused the write or did not answer.
    package internal(set) var message: String?

    /// Creates an entry for a write that is about to be sent.
    package init(
        connection: String, author: Author? = nil, partner: Partner? = nil, call: String, within: [String] = [],
        session: String?, client: String, principal: String? = nil, request: String, change: Change,
        undoes: String? = nil, isPart: Bool = false, time: Timestamp = .now
    ) {
        id = "chg_" + Hex.text(RandomBytes.make(5))
        self.time = time
        self.connection = connection
        self.author = author
        self.partner = partner
        self.call = call
        self.within = within
        self.session = session
        self.client = client
        self.principal = principal
        self.request = request
        self.change = change
        self.undoes = undoes
        self.isPart = isPart
    }
}

extension JournalEntry.Author {
    /// The author as it is stored and shown.
    package var json: JSONValue {
        var object: JSONObject = ["tenant": .string(tenant), "account": .string(account)]
        object["app"] = app.map { .string($0) }
        return .object(object)
    }

    init?(json: JSONValue) {
        guard let tenant = json["tenant"]?.string, let account = json["account"]?.string else { return nil }
        self.init(tenant: tenant, account: account, app: json["app"]?.string)
    }
}

extension JournalEntry {
    /// Whether it was made by a call, or by a step of it.
    package func isOf(call: String) -> Bool { self.call == call || within.contains(call) }

    /// The outermost call that it belongs to.
    package var wholeCall: String { within.first ?? call }

    /// The line that records that it is about to be sent.
    var begun: JSONObject {
        var line: JSONObject = [
            "id": .string(id), "time": .string(time.iso8601Milliseconds), "connection": .string(connection),
            "call": .string(call), "client": .string(client), "request": .string(request), "change": change.json,
        ]
        line["author"] = author?.json
        if let partner {
            line["partner"] = ["name": .string(partner.name), "author": partner.author.json]
        }
        if !within.isEmpty { line["within"] = .array(within.map { .string($0) }) }
        line["session"] = session.map { .string($0) }
        line["principal"] = principal.map { .string($0) }
        line["undoes"] = undoes.map { .string($0) }
        if isPart { line["isPart"] = true }
        return line
    }

    /// Reads the line that `begun` makes; `nil` when the value isn't one.
    init?(begun line: JSONValue) {
        guard let id = line["id"]?.string, let time = line["time"]?.string.flatMap(Timestamp.init(iso8601:)),
            let connection = line["connection"]?.string, let change = line["change"].flatMap(Change.init(json:))
        else { return nil }
        self.id = id
        self.time = time
        self.connection = connection
        self.change = change
        author = line["author"].flatMap(Author.init(json:))
        partner = line["partner"].flatMap { partner in
            guard let name = partner["name"]?.string, let author = partner["author"].flatMap(Author.init(json:)) else {
                return nil
            }
            return Partner(name: name, author: author)
        }
        within = line["within"]?.array?.compactMap(\.string) ?? []
        call = line["call"]?.string ?? ""
        session = line["session"]?.string
        client = line["client"]?.string ?? ""
        principal = line["principal"]?.string
        request = line["request"]?.string ?? ""
        undoes = line["undoes"]?.string
        isPart = line["isPart"]?.bool ?? false
    }

    /// Takes the outcome from the line that records how the write ended.
    mutating func end(_ line: JSONValue) {
        switch line["ended"]?.string {
        case "done": outcome = .done
        case "refused": outcome = .refused
        default: outcome = .unknown
        }
        message = line["message"]?.string
        if let left = line["change"].flatMap(Change.init(json:)) { change = left }
    }
}

extension JournalEntry {
    /// Whether an added or removed reference may have been there (or not) already before the write. Only the service's
    /// answer, which is missing, would tell: it refuses such a write.
    package var mayHaveChangedNothing: Bool {
        outcome == .unknown && [.link, .unlink].contains(change.kind) && change.after == nil
    }

    /// Returns the entry with the state after the write.
    package func left(_ change: Change) -> JournalEntry {
        var entry = self
        entry.change = change
        return entry
    }
}
