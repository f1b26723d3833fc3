import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// A watch on writes that reads the state before they are sent and keeps it in the journal.
///
/// The prior state is read with one request at most, by the same client, and only if the guard allows the read without
/// asking. A failed read never stops the write; the write then can't be undone, and the answer says so.
struct WriteWatch: Sendable {
    let client: GuardedClient
    let connection: Connection
    let requests: RequestServices
    let context: OperationContext

    /// A write and its change. The change is `nil` for a request that only reads or doesn't go to Graph.
    struct Write: Sendable {
        let request: GraphRequest
        var change: Change?
        /// The change with the state that was read, before earlier writes of the same call are taken into account.
        var found: Change?
        /// The ETag of the object that was read, if the service has one.
        var etag: String?
        /// The error of a read that failed.
        var fault: MMError?
        /// The error of a read that found no object.
        var absence: MMError?
    }

    /// The time limit for reading a state.
    private static let longestRead = Duration.seconds(20)

    private var journal: JournalNotes {
        JournalNotes(connection: connection, resource: client.resource, requests: requests, context: context)
    }

    // MARK: Before

    /// Returns the writes of requests, with the states before them.
    /// - Parameter earlier: the changes that are made before these requests are sent, by the places that they change.
    func writes(_ requests: [GraphRequest], after earlier: [String: [Change]] = [:]) async -> [Write] {
        var writes = requests.map { Write(request: $0, change: change(of: $0)) }
        guard writes.contains(where: { $0.change?.priorPath != nil }), await isSignedIn else { return writes }
        await read(&writes, after: earlier)
        return writes
    }

    /// Returns a write whose change can't be derived from the request alone, with the state before it.
    func known(_ change: Change, by request: GraphRequest) async -> Write {
        var writes = [Write(request: request, change: change)]
        if change.priorPath != nil, await isSignedIn { await read(&writes) }
        return writes[0]
    }

    /// Returns the lines about writes that a person is shown before they are sent.
    static func lines(of writes: [Write]) -> [String] {
        writes.compactMap(\.change).flatMap(\.shownLines)
    }

    /// Checks that a write has something to do, before a person is asked about it.
    ///
    /// A request that deletes a missing object can only fail. Other writes may create what is missing, and what one of
    /// several requests needs may be made by another of them.
    /// - Throws: `notFound` with the answer of the read, for the deletion of an object that the service doesn't have.
    static func checkObjects(of writes: [Write]) throws(MMError) {
        guard writes.count == 1, writes[0].change?.kind == .deletion, let absence = writes[0].absence,
            // Headers may say how the service reads the path; the read was sent without them.
            writes[0].request.headers.isEmpty
        else { return }
        throw absence.about("There is nothing to delete")
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
    var isSignedIn: Bool {
        get async {
            if case .signedIn = await requests.identity.state(of: connection, resource: client.resource) { return true }
            return false
        }
    }

    /// Reads the states before writes.
    /// - Returns: the error of a read that waits for a sign-in. The state stays unread then.
    @discardableResult
    private func read(_ writes: inout [Write], after earlier: [String: [Change]] = [:]) async -> MMError? {
        var places: [(index: Int, content: String?)] = []
        var reads: [GraphRequest] = []
        // The writes that need the same related data, such as the name of one group, which is read once.
        var sharing: [String: [Int]] = [:]
        for (index, write) in writes.enumerated() {
            guard let change = write.change, !change.isBeforeKnown, !change.isUnreadable, let path = change.priorPath
            else { continue }
            do throws(MMError) {
                reads.append(try allowedRead(path))
                places.append((index, nil))
            } catch {
                writes[index].change = change.unreadable(error.message)
                writes[index].fault = error
                continue
            }
            guard let path = change.contentPath else { continue }
            if sharing[path] == nil, let read = try? allowedRead(path, headers: ["ConsistencyLevel": "eventual"]) {
                reads.append(read)
                places.append((index, path))
            }
            sharing[path, default: []].append(index)
        }
        guard !places.isEmpty else { return nil }
        let answers = await answers(to: reads)
        var known = earlier
        var waiting: MMError?
        for (place, answer) in zip(places, answers) {
            guard let written = writes[place.index].change else { continue }
            var change = written
            if let path = place.content {
                guard case .success(let answer) = answer else { continue }
                for index in sharing[path] ?? [] {
                    writes[index].change = writes[index].change?.knowing(content: answer)
                }
                continue
            }
            switch answer {
            case .success(let answer):
                change = change.knowing(answer)
                writes[place.index].etag = answer["@odata.etag"]?.string
            case .failure(let error) where error.code == .notFound:
                change = change.missing
                writes[place.index].absence = error
            case .failure(let error) where error.code == .signInNeeded:
                waiting = error
                writes[place.index].fault = error
                continue
            case .failure(let error):
                change = change.unreadable(error.message)
                writes[place.index].fault = error
            }
            writes[place.index].found = change
            // A later request of the same call finds the state that the earlier one leaves.
            change = change.following(known[change.place] ?? [], written: written)
            known[change.place, default: []].append(change)
            writes[place.index].change = change
        }
        return waiting
    }

    /// Returns a request that reads a state.
    /// - Throws: `denied` if the guard doesn't allow the caller to read it without asking.
    private func allowedRead(_ path: String, headers: [String: String] = [:]) throws(MMError) -> GraphRequest {
        let request = try GraphRequest(target: try client.target(path), headers: headers)
        let policy = requests.guarding.policy(of: connection, in: context)
        guard try requests.guarding.guards.engine().judge(request.guarded, policy: policy).decision == .allow else {
            throw MMError(.denied, "the guard does not allow the read that would show its state")
        }
        return request
    }

    private func answers(to reads: [GraphRequest]) async -> [Result<JSONValue, MMError>] {
        let deadline = min(context.deadline, .after(Self.longestRead))
        guard reads.count > 1 else { return [await answer(to: reads[0], deadline)] }
        do throws(MMError) {
            let parts = reads.enumerated().map { BatchPart(id: String($0), request: $1) }
            return try await client.readBatch(parts, deadline: deadline).map(Self.result)
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
            let value = try await client.read(read, deadline: deadline).json()
            return .success(value)
        } catch {
            return .failure(error)
        }
    }

    /// Returns the present state at the place of a change; `nil` if there is no such object.
    func present(of change: Change) async throws(MMError) -> JSONValue? {
        guard let path = change.presentPath else { return nil }
        switch await answer(to: try allowedRead(path), context.deadline) {
        case .success(let value): return value
        case .failure(let error) where error.code == .notFound: return nil
        case .failure(let error): throw error
        }
    }

    /// Returns an object, if the guard allows the read; `nil` if there is no such object.
    func found(_ path: String) async -> Result<JSONValue?, MMError> {
        do throws(MMError) {
            switch await answer(to: try allowedRead(path), min(context.deadline, .after(Self.longestRead))) {
            case .success(let value): return .success(value)
            case .failure(let error) where error.code == .notFound: return .success(nil)
            case .failure(let error): return .failure(error)
            }
        } catch {
            return .failure(error)
        }
    }

    /// The maximum number of objects that are read of a list.
    private static let mostRows = 5_000

    /// Returns the objects of a list; an empty array if there is no such list.
    func rows(_ path: String) async throws(MMError) -> [JSONValue] {
        var pages = try client.readPages(
            try allowedRead(path), limits: PageLimits(items: Self.mostRows), deadline: context.deadline
        ).makeAsyncIterator()
        var rows: [JSONValue] = []
        do throws(MMError) {
            while let page = try await pages.next() {
                rows += page.items.compactMap { try? JSONParser.parse($0) }
            }
        } catch {
            guard error.code == .notFound else { throw error }
        }
        return rows
    }

    // MARK: Writing

    /// Notes that writes are about to be sent. States that could not be read before the sign-in are read now.
    /// - Returns: the journal entries of the writes, in order; `nil` for a write that changes nothing.
    /// - Throws: `signInNeeded` if a state can't be read without a sign-in. The writes need it too: sent after it, they
    ///   could not be undone.
    func begin(
        _ writes: [Write], undoing: JournalNotes.Undoing? = nil, notes: inout [String]
    ) async throws(MMError) -> [JournalEntry?] {
        var writes = writes
        if let waiting = await read(&writes) { throw waiting }
        return await note(writes, undoing: undoing, notes: &notes)
    }

    /// Notes that a program is about to send writes with a sign-in of its own. The journal causes none of ours.
    func beginElsewhere(_ writes: [Write], notes: inout [String]) async -> [JournalEntry?] {
        var writes = writes
        if await isSignedIn { await read(&writes) }
        for index in writes.indices where writes[index].change?.isUnread == true {
            writes[index].change = writes[index].change?.withoutSignIn
        }
        return await note(writes, notes: &notes)
    }

    private func note(
        _ writes: [Write], undoing: JournalNotes.Undoing? = nil, notes: inout [String]
    ) async -> [JournalEntry?] {
        await journal.begin(
            writes.map { ($0.change, "\($0.request.method) \($0.request.target.path)") }, undoing: undoing,
            notes: &notes)
    }

    /// Notes how writes ended.
    func end(_ entries: [JournalEntry?], _ results: [WriteEnding]) async {
        await journal.end(
            zip(entries, results).map { entry, result in
                guard let entry else { return nil }
                switch result {
                case .done(let answer, let etag):
                    return (entry.left(entry.change.left(by: answer, etag: etag)), nil)
                case .failed(let error): return (entry, error)
                }
            })
    }

    /// Sends one write or a batch of them, with notes in the journal before and after.
    /// - Parameters:
    ///   - writes: the writes of the request.
    ///   - ids: the ids of the items, if the request is a batch.
    func send(
        _ request: GraphRequest, by cleared: Cleared<some RequestAct>, changing writes: [Write], ids: [String]? = nil,
        undoing: JournalNotes.Undoing? = nil, notes: inout [String]
    ) async throws(MMError) -> GraphResponse {
        let deadline = context.deadline
        guard writes.contains(where: { $0.change != nil }) else {
            return try await client.send(request, by: cleared, deadline: deadline)
        }
        let entries = try await begin(writes, undoing: undoing, notes: &notes)
        do throws(MMError) {
            let response = try await client.send(request, by: cleared, deadline: deadline)
            await end(entries, Self.endings(response, ids))
            return response
        } catch {
            await end(entries, entries.map { _ in .failed(error) })
            throw error
        }
    }

    private static func endings(_ response: GraphResponse, _ ids: [String]?) -> [WriteEnding] {
        let body = try? response.json()
        guard let ids else { return [.done(body, etag: response.etag)] }
        return WriteEnding.ofBatch(body, ids)
    }
}
