import MMCore
import MMOperations
import MMPool
import MMSessions
import MMSystem

/// The jobs and stored answers of a cluster's nodes. Each node records where its handles lead, asks other nodes about
/// theirs, and reports what is known of the handles of a node that has gone.
final class ClusterWork: Sendable {
    let local: LocalOperationService
    let member: ClusterMember
    /// The jobs of this node that have been recorded.
    private let told = Mutex<Set<String>>([])
    /// The handles of the copies here of answers of nodes that have gone.
    private let copies = RecentValues<Copy, String>(size: 1000)

    /// A caller's copy of the answer with a handle.
    private struct Copy: Hashable {
        let handle: String
        let owner: String
    }

    private static let lifetime = Duration.seconds(86_400)
    /// How long the outcome of a job is kept, the same as in its node's own table.
    private static let keptTime = Duration.seconds(3600)

    init(_ local: LocalOperationService, _ member: ClusterMember) {
        self.local = local
        self.member = member
    }

    // MARK: Writing down

    /// Records where the handles of an answer lead, if they are this node's.
    func remember(
        _ answer: OperationAnswer, of operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async {
        guard let directory = member.work else { return }
        if let stored = answer.stored { await tell(stored, of: operation, to: context.caller) }
        guard let handle = JobAnswer(answer)?.handle,
            let work = try? local.services.jobs.table.work(handle, for: nil),
            told.withLock({ $0.insert(handle).inserted })
        else { return }
        var entry = WorkDirectory.Entry(
            handle: handle, kind: .job, node: member.id, address: member.options.address, owner: work.owner,
            started: work.report.started.iso8601)
        entry.operation = operation.declaration.name
        entry.connection = local.services.leased(operation, arguments, in: context)
        entry.isReading = operation.declaration.effects.readOnly || context.readsOnly
        entry.state = work.report.state
        await tell(entry, nil, for: Self.lifetime, in: directory)
        Task { [entry] in
            for await event in work.events {
                if case .ended(let report) = event { await ended(work, report, entry, operation, context, directory) }
            }
            told.withLock { _ = $0.remove(handle) }
        }
    }

    private func ended(
        _ work: any LongWork, _ report: JobReport, _ entry: WorkDirectory.Entry, _ operation: AnyOperation,
        _ context: CallContext, _ directory: WorkDirectory
    ) async {
        var entry = entry
        entry.state = report.state
        entry.summary = report.error?.message ?? report.progress?.message
        var kept: [UInt8]?
        if let job = work as? Job<KeptAnswer>, case .success(let success)? = job.result,
            let answer = try? success.read()
        {
            if let stored = answer.stored { await tell(stored, of: operation, to: context.caller) }
            kept = await bytes(of: answer, context.caller)
        }
        await tell(entry, kept, for: Self.keptTime, in: directory)
    }

    /// Returns the bytes of an answer to keep: all of a small one, otherwise its beginning.
    private func bytes(of given: OperationAnswer, _ caller: Caller) async -> [UInt8]? {
        var answer = given
        if let stored = given.stored, stored.bytes > WorkDirectory.keptSize / 2 {
            let budget = OutputBudget(characters: WorkDirectory.keptSize / 4, tokens: .max)
            guard
                let page = try? local.services.outputs.of(caller).page(
                    stored.handle, offset: 0, limit: nil, unit: nil, budget: budget, layout: .compact)
            else { return nil }
            let isRows = page.unit == .rows && page.cutAtByte == nil
            answer.body = isRows ? .json(Array(page.text.utf8)) : .text(page.text)
            answer.notes.append("Only the first part was kept: \(page.count) of \(page.total) \(page.unit.rawValue).")
        } else if let stream = given.body.stream {
            guard case .items = given.body,
                case .whole(let bytes)? = try? await OutputCollection.collect(
                    stream, into: local.services.outputs.of(caller), connection: given.connection ?? "/",
                    budget: OutputBudget(characters: WorkDirectory.keptSize, tokens: .max))
            else { return nil }
            answer.body = .json(bytes)
        }
        answer.stored = nil
        return JSONWriter.bytes(.object(AnswerWire.object(answer)))
    }

    private func tell(_ stored: StoredOutput, of operation: AnyOperation, to caller: Caller) async {
        let outputs = local.services.outputs.of(caller)
        guard let directory = member.work, (try? outputs.find(stored.handle)) != nil else { return }
        var entry = WorkDirectory.Entry(
            handle: stored.handle, kind: .output, node: member.id, address: member.options.address,
            owner: Self.owner(caller), started: stored.stored.iso8601)
        entry.operation = operation.declaration.name
        entry.connection = stored.connection
        entry.bytes = stored.bytes
        entry.isRows = stored.unit == .rows
        let content = stored.bytes <= WorkDirectory.keptSize ? try? outputs.read(stored) : nil
        await tell(entry, content, for: max(stored.expires - Timestamp.now, .seconds(1)), in: directory)
    }

    private func tell(
        _ entry: WorkDirectory.Entry, _ answer: [UInt8]?, for lifetime: Duration, in directory: WorkDirectory
    ) async {
        do throws(MMError) { try await directory.tell(entry, answer: answer, for: lifetime) } catch {
            // Without the entry, the answer is found by asking each node, as long as this one lives.
            local.services.log.debug("the \(entry.kind.rawValue)s of this node can't be listed: \(error.message)")
        }
    }

    private static func owner(_ caller: Caller) -> String { caller.signedIn?.id ?? "" }

    // MARK: By a handle

    /// Asks the node that has what a handle stands for.
    /// - Parameter unknown: this node's error for the handle.
    /// - Returns: `nil` if there is no entry for the handle.
    /// - Throws: that node's error; if the node has gone, an error that says what is known.
    func answer(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext, unknown: MMError
    ) async throws(MMError) -> OperationAnswer? {
        guard let handle = arguments["handle"]?.string, let directory = member.work else { return nil }
        let known: WorkDirectory.Entry?
        do throws(MMError) { known = try await directory.entry(handle) } catch { return nil }
        guard let entry = known else { return nil }
        guard mayAsk(context, for: entry) else { throw unknown }
        // It was here and is no longer: it has expired, or its owner signed out.
        let isOwn = entry.node == member.id || (entry.kind == .output && entry.address == member.options.address)
        guard !isOwn else { throw unknown }
        var unreached: MMError?
        if let address = await place(of: entry) {
            do throws(MMError) {
                var sent = context
                sent.isForwarded = true
                let service = try member.node(at: address, catalogue: local.catalogue)
                return try await whileAlive(entry) { [sent] () async throws(MMError) in
                    try await service.call(operation, arguments, in: sent)
                }
            } catch {
                guard error.code == .unavailable, error.details["pool"] != nil || error.details["node"] != nil else {
                    throw error
                }
                // The node may only be slow: it counts as gone once it has been silent for a while.
                if error.details["node"] == nil { unreached = error }
            }
        }
        // The job may have ended before its node went.
        let last = (try? await directory.entry(handle)) ?? entry
        let gone = GoneWork(entry: last, unreached: unreached, work: self, directory: directory)
        switch entry.kind {
        case .output: return try await gone.output(operation, arguments, context)
        case .job: return try await gone.job(operation, arguments, context)
        }
    }

    private func mayAsk(_ context: CallContext, for entry: WorkDirectory.Entry) -> Bool {
        switch entry.kind {
        case .output: entry.owner == Self.owner(context.caller)
        case .job: OperationJobs.reachableOwners(of: context)?.contains(entry.owner) ?? true
        }
    }

    /// Returns the address of the node to ask about an entry; `nil` if it is gone. Jobs end with their process; answers
    /// lie in the node's folder, where the next process at that address finds them.
    private func place(of entry: WorkDirectory.Entry) async -> String? {
        guard let nodes = try? await member.directory.all() else { return entry.address }
        let isThere = nodes.contains {
            $0.isAlive && ($0.id == entry.node || (entry.kind == .output && $0.address == entry.address))
        }
        return isThere ? entry.address : nil
    }

    /// Waits for another node as long as it announces that it lives.
    private func whileAlive(
        _ entry: WorkDirectory.Entry, _ work: @escaping @Sendable () async throws(MMError) -> OperationAnswer
    ) async throws(MMError) -> OperationAnswer {
        try await WatchedCall.answer(
            lookingEvery: member.options.term / 3,
            for: { [member] in
                guard let nodes = try? await member.directory.all(),
                    !nodes.contains(where: { $0.isAlive && $0.address == entry.address })
                else { return nil }
                return MMError(
                    .unavailable, "The node at \(entry.address) does not answer.",
                    details: ["node": .string(entry.address)])
            }, work)
    }

    // MARK: Work of a node that has gone

    /// Returns the handle of a caller's copy of a gone node's answer. It is stored once, and again where the copy has
    /// expired.
    /// - Parameter store: stores the kept answer; returns `nil` if it was not kept.
    func copy(
        of entry: WorkDirectory.Entry, for caller: Caller, _ store: (OutputStore) async throws(MMError) -> StoredOutput?
    ) async throws(MMError) -> String? {
        let outputs = local.services.outputs.of(caller)
        let key = Copy(handle: entry.handle, owner: Self.owner(caller))
        if let known = copies.value(for: key), (try? outputs.find(known)) != nil { return known }
        guard let stored = try await store(outputs) else { return nil }
        copies.keep(stored.handle, for: key)
        return stored.handle
    }
}

/// What is known of a handle whose node can't be asked any more.
struct GoneWork: Sendable {
    let entry: WorkDirectory.Entry
    /// The reason why the node was not reached; `nil` if it has been silent for so long that it counts as gone.
    let unreached: MMError?
    let work: ClusterWork
    let directory: WorkDirectory

    /// Returns a stored answer, if it was kept.
    func output(
        _ operation: AnyOperation, _ arguments: JSONObject, _ context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        let copy = try await work.copy(of: entry, for: context.caller) { (outputs) throws(MMError) in
            guard let kept = try? await directory.answer(entry.handle) else { return nil }
            return try outputs.put(kept, connection: entry.connection ?? "/", asText: !entry.isRows)
        }
        guard let copy else {
            if let unreached { throw unreached }
            let of = entry.connection.map { $0.hasPrefix("/") ? "" : " of \($0)" } ?? ""
            let again = "Run the request again" + (entry.operation.map { " (\($0)\(of))" } ?? "")
            throw MMError(
                .notFound,
                "The stored output '\(entry.handle)' was lost with the node at \(entry.address)"
                    + (entry.bytes.map { ": it had \($0) bytes, too many to be kept elsewhere." } ?? "."),
                hint: again + ", or wait until that node is back: its answers are in its state folder.",
                details: details)
        }
        var arguments = arguments
        arguments["handle"] = .string(copy)
        var answer = try await work.local.call(operation, arguments, in: context)
        answer.notes.append(
            "The node at \(entry.address), which had this answer, does not answer; this is a stored copy.")
        return answer
    }

    /// Returns the outcome of a job, as far as it is known.
    func job(
        _ operation: AnyOperation, _ arguments: JSONObject, _ context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        let name = entry.operation ?? "The call"
        switch entry.state {
        case .done?:
            guard let kept = try? await directory.answer(entry.handle),
                let object = (try? JSONParser.parse(kept, limits: AnswerWire.limits))?.object,
                var answer = AnswerWire.answer(object, items: nil)
            else {
                if let unreached { throw unreached }
                throw MMError(
                    .notFound,
                    "\(name) was done by the node at \(entry.address), but its answer was lost with the node.",
                    hint: "Read the objects that it changed, or repeat a call that only reads.", details: details)
            }
            if try OutputRead.converts(operation, arguments) {
                answer.connection = answer.connection ?? entry.connection
                let copy = try await work.copy(of: entry, for: context.caller) { [answer] (outputs) throws(MMError) in
                    try await outputs.put(answer, for: context.caller)
                }
                var converted = arguments
                converted["handle"] = copy.map { .string($0) }
                converted["action"] = nil
                answer = try await work.local.call(operation, converted, in: context)
            }
            answer.notes.append(
                "The node at \(entry.address), which carried it out, does not answer; this is a stored copy.")
            return answer
        case .failed?, .cancelled?:
            let end = entry.state == .failed ? "failed" : "was cancelled"
            throw MMError(
                .remoteFailed,
                "\(name) \(end) on the node at \(entry.address), which no longer answers"
                    + (entry.summary.map { ": \($0)" } ?? "."),
                details: details)
        case .running?, nil:
            if let unreached { throw unreached }
            guard !entry.isReading else {
                throw MMError(
                    .notFound, "\(name) was lost with the node at \(entry.address). It only read.",
                    hint: "Repeat the call.", details: details)
            }
            var unknown = details
            unknown["ledger"] = "unknown"
            throw MMError(
                .unavailable, "\(name) was lost with the node at \(entry.address): its outcome is unknown.",
                hint: "Check the objects that it changes before you repeat it.", details: unknown)
        }
    }

    private var details: JSONObject {
        ["node": .string(entry.address), "cluster": "gone", "handle": .string(entry.handle)]
    }
}
