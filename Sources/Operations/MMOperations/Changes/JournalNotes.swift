import MMCore
import MMDesk
import MMIdentity

/// The journal's notes of a call's writes: before they are sent, and how they ended.
struct JournalNotes: Sendable {
    let connection: Connection
    /// The resource that is written to, whose access token identifies the writing account.
    let resource: ServiceResource
    let requests: RequestServices
    let context: OperationContext

    /// The entry that a write undoes.
    struct Undoing: Sendable {
        let entry: String
        /// Whether further writes are needed to undo the whole entry.
        var isPart = false
    }

    /// Notes that writes are about to be sent.
    /// - Parameters:
    ///   - writes: the change and the request of each write.
    ///   - undoing: the entry that they undo, if they are an undo.
    ///   - notes: receives why a write can't be undone.
    /// - Returns: the journal entries of the writes, in order; `nil` for a write that changes nothing.
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
        // Models and people at a terminal are told how to undo the change. Scripts are not; they can use the journal.
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

    /// Adds the notes of one write to those of the call's other writes. One note about undoing the whole call replaces
    /// the notes about single changes.
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
    /// - Parameter writes: each entry with the state that was left, and the error if the write failed.
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

/// The result of a request that writes.
enum WriteEnding: Sendable {
    case done(JSONValue?, etag: String?)
    case failed(MMError)

    /// Returns the results of the items in the answer to a batch.
    /// - Parameter ids: the ids of the batch's items, in order.
    static func ofBatch(_ body: JSONValue?, _ ids: [String]) -> [WriteEnding] {
        let items = body?["responses"]?.array ?? []
        return ids.map { id in
            guard let item = items.first(where: { ($0["id"]?.string ?? $0["id"]?.int.map(String.init)) == id }) else {
                return .failed(MMError(.remoteFailed, "The answer to the batch doesn't include this request."))
            }
            return WriteEnding(
                status: item["status"]?.int ?? 0, headers: item["headers"]?.object ?? [:], body: item["body"] ?? .null)
        }
    }

    /// Creates the result from an item in the answer to a batch. The status of an item without an answer of its own
    /// says nothing about the service.
    init(status: Int, headers: JSONObject, body: JSONValue, arrival: BatchAnswer.Arrival = .answered) {
        if (200..<300).contains(status) {
            let etag = headers.first { $0.key.lowercased() == "etag" }?.value.string
            self = .done(body.isNull ? nil : body, etag: etag)
        } else {
            var error = MMError(
                .remoteFailed, body["error"]?["message"]?.string ?? "status \(status)",
                details: arrival == .answered ? ["status": .int(Int64(status))] : [:])
            error.isUnsent = arrival == .unsent
            self = .failed(error)
        }
    }
}

extension RequestServices {
    /// The journal of writes.
    var journal: ChangeJournal { ChangeJournal(paths: guarding.paths, seal: identity.seal, sharing: exchange) }
}

extension IdentityService {
    /// Returns the account that a connection writes with, as far as it is known without a new sign-in.
    func author(of connection: Connection, resource: ServiceResource, deadline: Deadline) async -> JournalEntry.Author?
    {
        await acting(on: connection, resource: resource, deadline: deadline).map(JournalEntry.Author.init)
    }
}

extension JournalEntry.Author {
    /// Creates an author from a signed-in account.
    init(_ account: SignedInAccount) {
        self.init(tenant: account.tenantID, account: account.objectID, app: account.appID)
    }
}

extension Caller {
    /// The caller's name in the journal.
    var journalName: String { name.isEmpty ? surface.rawValue : "\(surface.rawValue) (\(name))" }
}

extension MMError {
    /// Whether it is certain that the service changed nothing.
    var isRefusal: Bool {
        if isUnsent { return true }
        // A script that ended halfway may have changed something before.
        if details["changed"] == true { return false }
        if let status = details["status"]?.int { return (400..<500).contains(status) && status != 408 }
        return ![.unavailable, .remoteFailed, .sessionLost, .deadlineExceeded, .cancelled, .internalError]
            .contains(code)
    }
}
