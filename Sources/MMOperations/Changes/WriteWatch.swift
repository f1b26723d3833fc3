import MMCore
import MMEndpoints
import MMGraph
import MMGuard
import MMIdentity
import MMStates

/// Reads what writes will change before they are sent, and keeps it in the journal.
///
/// The state before is read with one request at most, by the same client, and only where the guard would let anybody read it.
/// What can't be read never stops a write: it can't be taken back then, and the answer says so.
struct WriteWatch: Sendable {
    let client: GraphClient
    let connection: Connection
    let requests: RequestServices
    let context: OperationContext

    /// A write, and what it changes; `nil` for what only reads, or is no request to Graph.
    struct Write: Sendable {
        let request: GraphRequest
        var change: Change?
    }

    /// How long reading a state may take.
    private static let longestRead = Duration.seconds(20)

    private var journal: ChangeJournal { requests.journal }

    // MARK: Before

    /// What requests will change, with the states before.
    func writes(_ requests: [GraphRequest]) async -> [Write] {
        var writes = requests.map { Write(request: $0, change: change(of: $0)) }
        guard writes.contains(where: { $0.change?.priorPath != nil }), await isSignedIn else { return writes }
        await read(&writes)
        return writes
    }

    /// What a person is shown of writes before they are sent.
    static func lines(of writes: [Write]) -> [String] {
        var lines: [String] = []
        for change in writes.compactMap(\.change) {
            lines.append(change.title)
            for line in change.lines { lines.append("  " + line) }
            for consequence in change.consequences { lines.append("  ! " + consequence) }
            if let reason = change.expectedObstacle { lines.append("  ! It can't be taken back: \(reason).") }
        }
        return lines
    }

    private func change(of request: GraphRequest) -> Change? {
        guard let engine = try? requests.guarding.guards.engine() else { return nil }
        let policy = requests.guarding.policy(of: connection, in: context)
        guard engine.judge(request.guarded, policy: policy).guardClass != .read else { return nil }
        let isAction = engine.template(of: request.target).flatMap { found in
            EndpointIndex.standard.calls(of: found.template).first { $0.method == "POST" }?.kind == .action
        }
        return Change(request, isAction: isAction)
    }

    /// Whether the connection can read without asking a person to sign in first.
    private var isSignedIn: Bool {
        get async {
            if case .signedIn = await requests.identity.state(of: connection, resource: client.resource) { return true }
            return false
        }
    }

    private func read(_ writes: inout [Write]) async {
        var places: [(index: Int, request: GraphRequest)] = []
        for (index, write) in writes.enumerated() {
            guard let change = write.change, !change.isBeforeKnown, !change.isUnreadable, let path = change.priorPath
            else { continue }
            do throws(MMError) {
                places.append((index, try allowedRead(path)))
            } catch {
                writes[index].change = change.unreadable(error.message)
            }
        }
        guard !places.isEmpty else { return }
        let answers = await answers(to: places.map(\.request))
        var known: [String: Change] = [:]
        for (place, answer) in zip(places, answers) {
            guard var change = writes[place.index].change else { continue }
            switch answer {
            case .success(let answer): change = change.knowing(answer)
            case .failure(let error) where error.code == .notFound: change = change.missing
            case .failure(let error): change = change.unreadable(error.message)
            }
            // A later request of the same call finds what the earlier one has left.
            if let earlier = known[change.place] { change = change.following(earlier) }
            known[change.place] = change
            writes[place.index].change = change
        }
    }

    /// A request that reads a state.
    /// - Throws: `denied` where the guard would not let the caller read it.
    private func allowedRead(_ path: String) throws(MMError) -> GraphRequest {
        let request = try GraphRequest(target: try client.target(path))
        let policy = requests.guarding.policy(of: connection, in: context)
        guard try requests.guarding.guards.engine().judge(request.guarded, policy: policy).decision == .allow else {
            throw MMError(.denied, "the guard holds reading it back")
        }
        return request
    }

    private func answers(to reads: [GraphRequest]) async -> [Result<JSONValue, MMError>] {
        let deadline = min(context.deadline, .after(Self.longestRead))
        guard reads.count > 1 else { return [await answer(to: reads[0], deadline)] }
        do throws(MMError) {
            let parts = reads.enumerated().map { BatchPart(id: String($0), request: $1) }
            return try await client.batch(parts, deadline: deadline).map(Self.result)
        } catch {
            return reads.map { _ in .failure(error) }
        }
    }

    private static func result(_ answer: BatchAnswer) -> Result<JSONValue, MMError> {
        if answer.status < 300 { return .success(answer.body) }
        let text = answer.body["error"]?["message"]?.string ?? "status \(answer.status)"
        return .failure(MMError(answer.status == 404 ? .notFound : .remoteFailed, text))
    }

    private func answer(to read: GraphRequest, _ deadline: Deadline) async -> Result<JSONValue, MMError> {
        do throws(MMError) {
            let value = try await client.send(read, deadline: deadline).json()
            return .success(value)
        } catch {
            return .failure(error)
        }
    }

    /// How the place of a change is now; `nil` where there is no such object.
    func present(of change: Change) async throws(MMError) -> JSONValue? {
        guard let path = change.presentPath else { return nil }
        switch await answer(to: try allowedRead(path), context.deadline) {
        case .success(let value): return value
        case .failure(let error) where error.code == .notFound: return nil
        case .failure(let error): throw error
        }
    }

    // MARK: Writing

    /// What became of a write.
    enum Ending: Sendable {
        case done(JSONValue?, etag: String?)
        case failed(MMError)

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

    /// Notes that writes are about to be sent. What could not be read before the sign-in is read now.
    /// - Returns: their entries, in order; `nil` for what changes nothing.
    func begin(_ writes: [Write], undoing: String? = nil, notes: inout [String]) async -> [JournalEntry?] {
        var writes = writes
        await read(&writes)
        var entries: [JournalEntry?] = []
        for write in writes {
            guard let change = write.change else {
                entries.append(nil)
                continue
            }
            let entry = JournalEntry(
                connection: connection.name, call: context.record.call, session: context.call.sessionID,
                client: context.call.caller.journalName,
                request: "\(write.request.method) \(write.request.target.path)", change: change, undoes: undoing)
            do throws(MMError) {
                try await journal.begin(entry)
                entries.append(entry)
                if change.isUnreadable { notes.append("This can't be undone: \(change.obstacle ?? "")") }
            } catch {
                notes.append("This can't be undone: \(error.message)")
                entries.append(nil)
            }
        }
        let ids = entries.compactMap { $0?.id }
        if ids.count == 1 { context.record.note("change", .string(ids[0])) }
        if ids.count > 1 { context.record.note("changes", .array(ids.map { .string($0) })) }
        return entries
    }

    /// Notes how writes ended.
    func end(_ entries: [JournalEntry?], _ results: [Ending]) async {
        for (entry, result) in zip(entries, results) {
            guard let entry else { continue }
            do throws(MMError) {
                switch result {
                case .done(let answer, let etag):
                    try await journal.end(entry.left(by: answer, etag: etag), .done)
                case .failed(let error):
                    try await journal.end(entry, error.isRefusal ? .refused : .unknown, message: error.message)
                }
            } catch {
                requests.log.error("the end of \(entry.id) could not be noted in the journal: \(error.message)")
            }
        }
    }

    /// Sends one write, or a batch of them: notes them, sends, and notes how they ended.
    /// - Parameter ids: the ids of the items, where the request is a batch.
    func sending(
        _ writes: [Write], ids: [String]? = nil, undoing: String? = nil, notes: inout [String],
        _ send: () async throws(MMError) -> GraphResponse
    ) async throws(MMError) -> GraphResponse {
        guard writes.contains(where: { $0.change != nil }) else { return try await send() }
        let entries = await begin(writes, undoing: undoing, notes: &notes)
        do throws(MMError) {
            let response = try await send()
            await end(entries, Self.endings(response, ids))
            return response
        } catch {
            await end(entries, entries.map { _ in .failed(error) })
            throw error
        }
    }

    private static func endings(_ response: GraphResponse, _ ids: [String]?) -> [Ending] {
        let body = try? response.json()
        guard let ids else { return [.done(body, etag: response.etag)] }
        let items = body?["responses"]?.array ?? []
        return ids.map { id in
            guard let item = items.first(where: { ($0["id"]?.string ?? $0["id"]?.int.map(String.init)) == id }) else {
                return .failed(MMError(.remoteFailed, "The answer to the batch says nothing of this request."))
            }
            return Ending(
                status: item["status"]?.int ?? 0, headers: item["headers"]?.object ?? [:], body: item["body"] ?? .null)
        }
    }
}

extension RequestServices {
    /// The journal of writes.
    var journal: ChangeJournal { ChangeJournal(paths: guarding.paths, seal: identity.seal) }
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
