package import MMCore

/// One write in the journal: who sent it when, what it changed, and how it ended.
package struct JournalEntry: Sendable, Hashable {
    /// How a write ended, as far as it is known.
    package enum Outcome: Sendable, Hashable {
        /// Nobody knows whether it was sent: the process ended in between, or no answer came.
        case unknown
        /// The service did it.
        case done
        /// The service refused it, or it was never sent.
        case refused
    }

    /// Its name: what `mm undo` takes.
    package let id: String
    /// When it began.
    package let time: Timestamp
    /// The connection that it was sent with.
    package let connection: String
    /// The call that it belongs to, as the audit log names it.
    package let call: String
    /// The client's own session, where it has one.
    package let session: String?
    /// Who asked: the face and the client's name.
    package let client: String
    /// The person or app behind the client, where it signed in to this server; `nil` for this machine's user.
    package let principal: String?
    /// What was sent: method and path.
    package let request: String
    /// What it changes.
    package internal(set) var change: Change
    /// The entry that it takes back, where it is an undo.
    package let undoes: String?
    /// Whether more has to follow before that entry is taken back as a whole.
    package let isPart: Bool
    /// How it ended.
    package internal(set) var outcome = Outcome.unknown
    /// What the service said, where it refused or did not answer.
    package internal(set) var message: String?

    /// Creates an entry for a write that is about to be sent.
    package init(
        connection: String, call: String, session: String?, client: String, principal: String? = nil, request: String,
        change: Change, undoes: String? = nil, isPart: Bool = false, time: Timestamp = .now
    ) {
        id = "chg_" + Hex.text(RandomBytes.make(5))
        self.time = time
        self.connection = connection
        self.call = call
        self.session = session
        self.client = client
        self.principal = principal
        self.request = request
        self.change = change
        self.undoes = undoes
        self.isPart = isPart
    }
}

extension JournalEntry {
    /// The line that says that it is about to be sent.
    var begun: JSONObject {
        var line: JSONObject = [
            "id": .string(id), "time": .string(time.iso8601Milliseconds), "connection": .string(connection),
            "call": .string(call), "client": .string(client), "request": .string(request), "change": change.json,
        ]
        line["session"] = session.map { .string($0) }
        line["principal"] = principal.map { .string($0) }
        line["undoes"] = undoes.map { .string($0) }
        if isPart { line["isPart"] = true }
        return line
    }

    /// Reads the line that `begun` makes; `nil` when it is none.
    init?(begun line: JSONValue) {
        guard let id = line["id"]?.string, let time = line["time"]?.string.flatMap(Timestamp.init(iso8601:)),
            let connection = line["connection"]?.string, let change = line["change"].flatMap(Change.init(json:))
        else { return nil }
        self.id = id
        self.time = time
        self.connection = connection
        self.change = change
        call = line["call"]?.string ?? ""
        session = line["session"]?.string
        client = line["client"]?.string ?? ""
        principal = line["principal"]?.string
        request = line["request"]?.string ?? ""
        undoes = line["undoes"]?.string
        isPart = line["isPart"]?.bool ?? false
    }

    /// Takes over the line that says how it ended.
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
    /// Whether the reference that it gave or took may have been there, or not, before it as after it: only the service's answer
    /// tells, which refuses what is so already.
    package var mayHaveChangedNothing: Bool {
        outcome == .unknown && [.link, .unlink].contains(change.kind) && change.after == nil
    }

    /// The entry with what the write left.
    package func left(_ change: Change) -> JournalEntry {
        var entry = self
        entry.change = change
        return entry
    }
}
