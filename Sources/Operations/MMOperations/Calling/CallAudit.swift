import MMCore
import MMIdentity

/// What is written down of one call when it ends: a line of the log and, where it did something, one of the audit chain.
struct CallAudit: Sendable {
    let operation: AnyOperation
    let caller: Caller
    let record: CallRecord
    /// The call's part of a trace, which ends with it.
    let span: Span?
    private let audit: AuditLog
    private let log: Log
    private let place: CallPlace
    private let journal: ChangeJournal
    private let started = ContinuousClock.now

    init(
        _ operation: AnyOperation, by caller: Caller, _ record: CallRecord, with services: OperationServices,
        span: Span? = nil
    ) {
        self.operation = operation
        self.caller = caller
        self.record = record
        self.span = span
        audit = services.audit
        log = services.log
        place = CallPlace(registry: services.registry, identity: services.identity)
        journal = services.requestServices.journal
    }

    /// Whether it is written to the audit log: not what only shows this machine's own files.
    var isAudited: Bool {
        operation.declaration.effects.openWorld || !operation.declaration.effects.readOnly
    }

    /// Whether the guard called it a read: nothing was changed if it never comes to its end.
    var isRead: Bool { record.facts["class"]?.string == "read" }

    /// Records the end. A log that can't be written does not turn a done operation into a failed one; a log line says so.
    /// - Parameters:
    ///   - error: why it failed.
    ///   - rows: how many rows went to the reader, where they flowed.
    ///   - errors: how many errors it reported that did not end it.
    func end(_ error: MMError?, rows: Int? = nil, errors: Int = 0) async {
        await notePlace()
        let entry = told(error, rows: rows, errors: errors)
        guard isAudited else { return }
        do throws(MMError) {
            try await audit.append(entry)
        } catch {
            record.auditFault = error
            log.error("the audit line could not be written: \(error.message)")
        }
    }

    /// Records that another node had begun the call and is gone: what it did is not known, but for what the journal has of it. That
    /// this node, which only looked, may not do it again says nothing of that.
    func endUnknown(begunBy node: String) async {
        record.close()
        await notePlace()
        for name in ["verdict", "rule", "rules", "reason"] { record.note(name, .null) }
        record.note("begunBy", .string(node))
        record.note("reason", "The node that had begun it is gone.")
        record.note("writes", await AbandonedCalls.writes(of: record.call, in: journal))
        var entry = entry(outcome: "unknown", rows: nil)
        for (name, value) in entry where value == .null { entry[name] = nil }
        end(span, record.facts, nil, "unknown", nil)
        let log = log.scoped(record.facts["connection"]?.string ?? "-", operation.declaration.name)
        log.warning(
            "\(operation.declaration.name) was begun by a node that is gone: whether it was done is unknown", entry)
        guard isAudited else { return }
        do throws(MMError) {
            try await audit.append(entry)
        } catch {
            record.auditFault = error
            log.error("the audit line could not be written: \(error.message)")
        }
    }

    /// Notes where the call goes and as whom.
    func notePlace() async {
        if isAudited { await place.note(in: record) }
    }

    /// The same without a task to wait in: for a reader that went away in the middle.
    func endAtOnce(_ error: MMError, rows: Int?) {
        let entry = told(error, rows: rows)
        guard isAudited else { return }
        do throws(MMError) {
            try audit.append(entry)
        } catch {
            log.error("the audit line could not be written: \(error.message)")
        }
    }

    /// Lets the record say that the call began to change things: whatever becomes of it, that stands in the chain.
    func prepareBeginning() {
        guard isAudited else { return }
        record.begins { () async throws(MMError) in
            await notePlace()
            var entry = entry(outcome: "begun", rows: nil)
            entry["process"] = .string(AbandonedCalls.ownProcess)
            do throws(MMError) {
                try await audit.append(entry)
            } catch {
                log.error("the audit line could not be written: \(error.message)")
                throw error
            }
        }
    }

    /// What the caller is told of a line that could not be written.
    var notes: [String] {
        record.auditFault.map {
            ["The audit log could not be written (\($0.message)): this call has no line of its own there."]
        } ?? []
    }

    /// How a call ended that reported errors and went on.
    static let withErrors = "done with errors"

    private func told(_ error: MMError?, rows: Int?, errors: Int = 0) -> JSONObject {
        record.close()
        let name = operation.declaration.name
        if errors > 0 { record.note("errors", .int(Int64(errors))) }
        let facts = record.facts
        let outcome = error?.code.word ?? (errors > 0 ? Self.withErrors : "done")
        end(span, facts, error, outcome, rows)
        let entry = entry(outcome: outcome, rows: rows)
        let log = log.scoped(facts["connection"]?.string ?? "-", facts["module"]?.string ?? name)
        switch error?.code {
        case nil, .signInNeeded?, .confirmationNeeded?: log.info(text(of: entry, error), facts)
        case .internalError?: log.error("\(text(of: entry, error)): \(error?.message ?? "")", facts)
        default: log.warning("\(text(of: entry, error)): \(error?.message ?? "")", facts)
        }
        return entry
    }

    /// Names and states alone: what was sent and answered is nobody else's business.
    private func end(_ span: Span?, _ facts: JSONObject, _ error: MMError?, _ outcome: String, _ rows: Int?) {
        guard let span else { return }
        span.note("mm.operation", .string(operation.declaration.name))
        span.note("mm.call", .string(record.call))
        span.note("mm.surface", .string(caller.surface.rawValue))
        span.note("mm.client", caller.name.isEmpty ? nil : .string(caller.name))
        for name in ["connection", "module", "verdict", "class", "rule", "engine"] {
            span.note("mm.\(name)", facts[name])
        }
        span.note("mm.outcome", .string(outcome))
        span.note("mm.errors", facts["errors"])
        span.note("mm.rows", rows.map { .int(Int64($0)) })
        switch error?.code {
        // A question that waits for a person is no failure.
        case nil, .signInNeeded?, .confirmationNeeded?, .cancelled?: span.end()
        case let code?:
            span.note("error.type", .string(code.word))
            span.end(fault: code.word)
        }
    }

    /// The log line: what, how it ended, for whom, and sizes instead of content.
    private func text(of entry: JSONObject, _ error: MMError?) -> String {
        let sizes = [("bytesSent", "bytes sent"), ("bytesAnswered", "bytes answered"), ("rows", "rows")]
            .compactMap { key, words in entry[key]?.int.map { ", \($0) \(words)" } }.joined()
        return "\(operation.declaration.name) \(entry["outcome"]?.string ?? "done") in \(milliseconds) ms for "
            + "\(caller.surface.rawValue)\(caller.name.isEmpty ? "" : " (\(caller.name))")\(sizes)"
    }

    private var milliseconds: Int64 { Int64((ContinuousClock.now - started) / .milliseconds(1)) }

    private func entry(outcome: String, rows: Int?) -> JSONObject {
        var entry: JSONObject = [
            "operation": .string(operation.declaration.name), "call": .string(record.call),
            "surface": .string(caller.surface.rawValue),
            "client": .string(caller.name), "outcome": .string(outcome), "durationMilliseconds": .int(milliseconds),
        ]
        entry["user"] = caller.user.map { .string($0) }
        if let principal = caller.signedIn {
            entry["principal"] = .string(principal.id)
            entry["person"] = principal.name.map { .string(VisibleText.exact(String($0.prefix(200)))) }
        }
        if let rows { entry["rows"] = .int(Int64(rows)) }
        for (key, value) in record.facts { entry[key] = value }
        return entry
    }
}

extension MMError {
    /// Whether it is what a caller is told who may only read.
    var isRefusalOfReader: Bool { [.denied, .forbidden, .confirmationNeeded].contains(code) }
}

/// Where a call went and as whom: a connection's name may be another's tomorrow, a tenant's id and an account's are not.
struct CallPlace: Sendable {
    let registry: ConnectionRegistry
    let identity: IdentityService

    /// Notes the tenant and the account of the connection that a call has named, as far as this machine's files tell.
    func note(in record: CallRecord) async {
        let facts = record.facts
        guard facts["account"] == nil, facts["app"] == nil, let name = facts["connection"]?.string,
            let connection = record.connection.flatMap({ $0.name == name ? $0 : nil })
                ?? (try? registry.snapshot().connection(named: name))
        else { return }
        for (key, value) in await self.facts(of: connection) { record.note(key, value) }
    }

    /// The tenant and the account of a connection.
    func facts(of connection: Connection) async -> JSONObject {
        var facts = JSONObject()
        let account = await identity.known(of: connection)
        func add(_ key: String, _ text: String?) {
            if let text, !text.isEmpty { facts[key] = .string(text) }
        }
        add("tenant", (account?.tenantID ?? connection.tenantId)?.lowercased())
        add("account", account?.objectID.lowercased())
        add("accountName", account.map { VisibleText.exact($0.username) })
        add("app", account?.appID?.lowercased())
        return facts
    }
}

extension Caller {
    /// The user of this machine whose process called, where nobody has signed in to it; `nil` for those who have.
    var user: String? { signedIn == nil ? Self.ownUser : nil }

    private static let ownUser = SecurityKey.login
}
