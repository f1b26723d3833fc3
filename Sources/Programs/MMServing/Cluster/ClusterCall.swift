import MMCore
import MMGuard
import MMOperations
import MMPool
import MMSystem

/// One call of a connection in a cluster, until it has an answer or its outcome turns out to be unknown.
struct ClusterCall: Sendable {
    let operation: AnyOperation
    let arguments: JSONObject
    let context: CallContext
    let connection: String
    let local: LocalOperationService
    let member: ClusterMember

    /// The pause before the lease's holder is looked up again.
    private static let pause = Duration.milliseconds(100)

    private var isReading: Bool { operation.declaration.effects.readOnly || context.readsOnly }
    private var name: String { operation.declaration.name }

    func answer() async throws(MMError) -> OperationAnswer {
        let deadline = Deadline.after(context.timeLimit)
        var isRepeat = false
        var lost: MMError?
        while true {
            let place: LeaseKeeper.Place
            do throws(MMError) {
                place = try await member.keeper.place(connection)
            } catch {
                if error.isOfAbsentRedis { return try await withoutRedis(error) }
                guard case .after = error.retry, deadline.remaining > Self.pause else { throw error }
                try await rest(deadline)
                continue
            }
            do throws(MMError) {
                switch place {
                case .here(let lease): return try await here(lease)
                case .there(let record):
                    guard !context.isForwarded else {
                        throw MMError(
                            .unavailable, "\(connection) is held by another node.", retry: .now,
                            details: ["lease": "elsewhere"])
                    }
                    member.countForwarded(isRepeat: isRepeat)
                    isRepeat = true
                    return try await there(record)
                }
            } catch {
                guard mayBeRepeated(error), deadline.remaining > Self.pause else { throw error.after(lost) }
                if error.details["lease"] == "over" { lost = error }
                try await rest(deadline)
            }
        }
    }

    private func rest(_ deadline: Deadline) async throws(MMError) {
        do { try await Task.sleep(for: min(Self.pause, deadline.remaining)) } catch {
            throw MMError(.cancelled, "\(name) was cancelled while it waited for the lease of \(connection).")
        }
    }

    /// Returns whether the call may be tried again on this or another node: either nothing was begun, or the ledger
    /// knows what was.
    private func mayBeRepeated(_ error: MMError) -> Bool {
        if context.isForwarded || error.code == .cancelled { return false }
        if error.details["ledger"] != nil { return false }
        if error.details["lease"] != nil { return true }
        return error.code == .unavailable && error.details["pool"] != nil
    }

    // MARK: Here

    private func here(_ lease: HeldLease) async throws(MMError) -> OperationAnswer {
        guard !isReading, let id = context.callID else {
            return try await local.call(operation, arguments, in: context)
        }
        let (node, token) = (member.id, lease.token)
        let beginning: CallLedger.Beginning
        do throws(MMError) {
            beginning = try await member.ledger.begin(
                id, of: connection, digest: digest, node: node, token: token)
        } catch {
            if error.isOfAbsentRedis { return try await withoutRedis(error) }
            throw error
        }
        switch beginning {
        case .new: return try await begun(id, token)
        case .noLease:
            throw MMError(
                .unavailable, "Another node now holds the lease of \(connection).", retry: .now,
                details: ["lease": "elsewhere"])
        case .other:
            throw MMError(
                .invalidInput, "The id \(id.prefix(40)) already belongs to another call.",
                hint: "Use a new id for each call (Idempotency-Key), and reuse it only to repeat that call.",
                details: ["ledger": "other"])
        case .begun(node: member.id, token: lease.token):
            return try await readingAgain(
                else: MMError(
                    .conflict, "This call is still running, or its outcome is unknown.",
                    hint: "Wait for its answer. Before you use another id, check the objects that it changes.",
                    details: ["ledger": "begun"]))
        case .begun(let gone, _):
            return try await readingAgain(
                begunBy: gone,
                else: MMError(
                    .unavailable, "The node that ran \(name) is gone: its outcome is unknown.",
                    hint: "Check the objects that the call changes before you repeat it with another id.",
                    details: ["ledger": "unknown", "connection": .string(connection)]))
        case .done(let bytes):
            guard let bytes, let object = (try? JSONParser.parse(bytes, limits: AnswerWire.limits))?.object,
                var answer = AnswerWire.answer(object, items: nil)
            else {
                return try await readingAgain(
                    else: MMError(
                        .conflict, "This call was already carried out, and its answer was not kept.",
                        hint: "Read the objects that it changed. To keep answers (encrypted), set MM_CLUSTER_KEY_FILE.",
                        details: ["ledger": "done"]))
            }
            answer.notes.append("The call was already carried out; this is its answer.")
            return answer
        }
    }

    private func begun(_ id: String, _ token: Int64) async throws(MMError) -> OperationAnswer {
        do throws(MMError) {
            let answer = try await local.call(operation, arguments, in: named)
            var bytes: [UInt8]?
            if answer.body.stream == nil { bytes = JSONWriter.bytes(.object(AnswerWire.object(answer))) }
            do throws(MMError) {
                try await member.ledger.end(id, of: connection, node: member.id, token: token, answer: bytes)
            } catch {
                local.services.log.warning("the end of a call of \(connection) could not be written: \(error.message)")
            }
            return answer
        } catch {
            if Self.mayBeRepeated(after: error) {
                await member.ledger.forget(id, of: connection, node: member.id, token: token)
            }
            throw error
        }
    }

    /// Returns whether a call with this error was not begun, so that it may be tried again under the same id, for
    /// example after a confirmation or a sign-in.
    static func mayBeRepeated(after error: MMError) -> Bool {
        // A sign-in may have ended in the middle of a script.
        if error.details["changed"] == true { return false }
        let harmless: [MMErrorCode] = [
            .denied, .confirmationNeeded, .signInNeeded, .invalidInput, .notFound, .forbidden, .throttled, .unsupported,
        ]
        return harmless.contains(error.code) || error.details["lease"] == "elsewhere"
            || error.code == .sessionLost && error.isUnsent
    }

    /// The call with the name under which the audit logs and journals of all nodes record it, whichever node carries it
    /// out.
    private var named: CallContext {
        var context = context
        context.recordName = context.callID.map { id in
            Hex.text(SHA256.digest("\(context.caller.signedIn?.id ?? "")\u{0}\(connection)\u{0}\(id)".utf8).prefix(8))
        }
        return context
    }

    /// Repeats a call that had been begun before, but only if it just reads.
    /// - Parameter node: the node that had begun the call, if that node is gone.
    private func readingAgain(
        begunBy node: String? = nil, else known: MMError
    ) async throws(MMError) -> OperationAnswer {
        var reading = named
        reading.readsOnly = true
        reading.begunElsewhere = node
        do throws(MMError) {
            return try await local.call(operation, arguments, in: reading)
        } catch {
            guard error.code == .denied || error.code == .forbidden || error.code == .confirmationNeeded else {
                throw error
            }
            throw known
        }
    }

    // MARK: Without Redis

    private func withoutRedis(_ cause: MMError) async throws(MMError) -> OperationAnswer {
        var alone = context
        if !member.options.isLone { alone.readsOnly = true }
        do throws(MMError) {
            var answer = try await local.call(operation, arguments, in: alone)
            answer.notes.append("\(cause.message) \(member.meanwhile)")
            return answer
        } catch {
            guard !member.options.isLone, !isReading, error.code == .denied || error.code == .forbidden else {
                throw error
            }
            throw MMError(
                .unavailable, "\(cause.message) \(member.meanwhile)",
                hint: "Try again when Redis is back: nothing was sent.", retry: .after(.seconds(2)),
                details: ["cluster": "away"])
        }
    }

    // MARK: Elsewhere

    /// Has another node carry out the call, as long as that node holds the lease.
    private func there(_ record: LeaseRecord) async throws(MMError) -> OperationAnswer {
        let ledger = local.services.ledger
        let handed = try await context.oneOfSeveral?.handOver(connection, in: ledger)
        do throws(MMError) {
            return try await sentOn(record)
        } catch {
            // An approval that was handed over but not used there must not be left for a later call.
            if let handed { await ledger.withdraw(handed) }
            throw error
        }
    }

    private func sentOn(_ record: LeaseRecord) async throws(MMError) -> OperationAnswer {
        let service = try member.node(at: record.address, catalogue: local.catalogue)
        var sent = context
        sent.isForwarded = true
        return try await WatchedCall.answer(
            lookingEvery: member.options.term / 5,
            for: { [member, connection] in
                guard let now = try? await member.keeper.look(connection) else { return nil }
                let isAbandoned = await member.keeper.isAbandoned(connection)
                guard now.holder != record.holder || now.token != record.token || isAbandoned else { return nil }
                return MMError(
                    .unavailable, "The node at \(record.address) is silent, or has lost its lease.", retry: .now,
                    details: ["lease": "gone"])
            }
        ) { [operation, arguments, sent] () async throws(MMError) in
            try await service.call(operation, arguments, in: sent)
        }
    }

    private var digest: String {
        // The digest includes the caller: the same id from another caller must not return this caller's answer.
        let text =
            "\(context.caller.signedIn?.id ?? "")\u{0}\(name)\u{0}"
            + String(decoding: JSONWriter.bytes(.object(arguments)), as: UTF8.self)
        return Hex.text(SHA256.digest(text.utf8).prefix(16))
    }
}

extension MMError {
    /// Returns the error with the message of a lost lease in front, if this node had begun the call before it lost the
    /// lease.
    fileprivate func after(_ lost: MMError?) -> MMError {
        guard let lost, details["ledger"] != nil else { return self }
        var told = self
        told.message = "\(lost.message) \(message)"
        told.details["lease"] = "over"
        return told
    }
}
