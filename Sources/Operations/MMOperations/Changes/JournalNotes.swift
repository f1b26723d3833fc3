import MMCore
import MMIdentity

/// Notes in the journal what a call writes: before it is sent, and how it ended.
struct JournalNotes: Sendable {
    let connection: Connection
    /// The service that is written to: its token says who writes.
    let resource: ServiceResource
    let requests: RequestServices
    let context: OperationContext

    /// Which entry a write takes back.
    struct Undoing: Sendable {
        let entry: String
        /// Whether more has to follow before it is taken back as a whole.
        var isPart = false
    }

    /// Notes that writes are about to be sent.
    /// - Parameters:
    ///   - writes: what each changes, with what is sent.
    ///   - undoing: what they take back, where they are an undo.
    ///   - notes: gets what can't be undone and why.
    /// - Returns: their entries, in order; `nil` for what changes nothing.
    func begin(
        _ writes: [(change: Change?, request: String)], undoing: Undoing? = nil, notes: inout [String]
    ) async -> [JournalEntry?] {
        var entries: [JournalEntry?] = []
        guard writes.contains(where: { $0.change != nil }) else { return writes.map { _ in nil } }
        let author = await requests.identity.author(of: connection, resource: resource, deadline: context.deadline)
        let partner = await partner
        for write in writes {
            guard let change = write.change else {
                entries.append(nil)
                continue
            }
            let entry = JournalEntry(
                connection: connection.name, author: author, partner: partner, call: context.record.call,
                within: context.call.partOf?.calls ?? [], session: context.call.sessionID,
                client: context.call.caller.journalName, principal: context.call.caller.signedIn?.id,
                request: write.request, change: change, undoes: undoing?.entry, isPart: undoing?.isPart ?? false)
            do throws(MMError) {
                try await requests.journal.begin(entry)
                entries.append(entry)
                if change.isUnreadable { notes.append("This can't be undone: \(change.obstacle ?? "")") }
            } catch {
                notes.append("This can't be undone: \(error.message)")
                entries.append(nil)
            }
        }
        let isFirst = context.record.facts["change"] == nil && context.record.facts["changes"] == nil
        let standing = entries.compactMap(\.self).filter { $0.change.expectedObstacle == nil }
        // A model and somebody at a terminal are told that there is such a thing; a script has the journal.
        let isTold = context.call.caller.surface == .mcp || context.isTerminal && context.call.person != nil
        if isTold, context.call.partOf == nil, undoing == nil, let first = standing.first {
            let isOne = isFirst && standing.count == 1
            notes.append("\(Self.way)\(isOne ? first.id : "\(Self.whole)\(context.record.call)")`")
        }
        let ids = entries.compactMap { $0?.id }
        if ids.count == 1 { context.record.note("change", .string(ids[0])) }
        if ids.count > 1 { context.record.note("changes", .array(ids.map { .string($0) })) }
        return entries
    }

    private static let (way, whole) = ("undo: `mm undo ", "--call ")

    /// Adds what one write of a call has to tell to what its others have told: one way back is named for all of them.
    static func add(_ more: [String], to notes: inout [String]) {
        for note in more {
            if note.hasPrefix(way + whole) { notes.removeAll { $0.hasPrefix(way) } }
            notes.append(note)
        }
    }

    private var partner: JournalEntry.Partner? {
        get async {
            guard let partner = requests.identity.partner(ofCustomer: connection),
                let author = await requests.identity.author(of: partner, resource: .graph, deadline: context.deadline)
            else { return nil }
            return JournalEntry.Partner(name: partner.name, author: author)
        }
    }

    /// Notes how writes ended.
    /// - Parameter writes: each entry as it is left, with why it failed where it did.
    func end(_ writes: [(entry: JournalEntry, error: MMError?)?]) async {
        for case let write? in writes {
            do throws(MMError) {
                if let error = write.error {
                    try await requests.journal.end(
                        write.entry, error.isRefusal ? .refused : .unknown, message: error.message)
                } else {
                    try await requests.journal.end(write.entry, .done)
                }
            } catch {
                requests.log.error("the end of \(write.entry.id) could not be noted in the journal: \(error.message)")
            }
        }
    }
}

/// What became of a request that writes.
enum WriteEnding: Sendable {
    case done(JSONValue?, etag: String?)
    case failed(MMError)

    /// The endings that the answer to a batch speaks of.
    /// - Parameter ids: the ids of its items, in order.
    static func ofBatch(_ body: JSONValue?, _ ids: [String]) -> [WriteEnding] {
        let items = body?["responses"]?.array ?? []
        return ids.map { id in
            guard let item = items.first(where: { ($0["id"]?.string ?? $0["id"]?.int.map(String.init)) == id }) else {
                return .failed(MMError(.remoteFailed, "The answer to the batch says nothing of this request."))
            }
            return WriteEnding(
                status: item["status"]?.int ?? 0, headers: item["headers"]?.object ?? [:], body: item["body"] ?? .null)
        }
    }

    /// The ending that an item of a batch speaks of.
    init(status: Int, headers: JSONObject, body: JSONValue) {
        if (200..<300).contains(status) {
            let etag = headers.first { $0.key.lowercased() == "etag" }?.value.string
            self = .done(body.isNull ? nil : body, etag: etag)
        } else {
            self = .failed(
                MMError(
                    .remoteFailed, body["error"]?["message"]?.string ?? "status \(status)",
                    details: ["status": .int(Int64(status))]))
        }
    }
}

extension RequestServices {
    /// The journal of writes.
    var journal: ChangeJournal { ChangeJournal(paths: guarding.paths, seal: identity.seal, sharing: exchange) }
}

extension IdentityService {
    /// Who writes with a connection, as far as that is known without asking anybody to sign in.
    func author(of connection: Connection, resource: ServiceResource, deadline: Deadline) async -> JournalEntry.Author?
    {
        await acting(on: connection, resource: resource, deadline: deadline).map(JournalEntry.Author.init)
    }
}

extension JournalEntry.Author {
    /// An account that signed in.
    init(_ account: SignedInAccount) {
        self.init(tenant: account.tenantID, account: account.objectID, app: account.appID)
    }
}

extension Caller {
    /// The caller as the journal names it.
    var journalName: String { name.isEmpty ? surface.rawValue : "\(surface.rawValue) (\(name))" }
}

extension MMError {
    /// Whether the service did nothing for certain.
    var isRefusal: Bool {
        if let status = details["status"]?.int { return (400..<500).contains(status) && status != 408 }
        return ![.unavailable, .remoteFailed, .deadlineExceeded, .cancelled, .internalError].contains(code)
    }
}
