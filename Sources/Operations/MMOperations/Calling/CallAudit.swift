import MMCore
import MMIdentity
import MMSystem

/// The record of one call, written when it ends: a line in the log and, if the call did something, a line in the audit
/// chain.
struct CallAudit: Sendable {
    let operation: AnyOperation
    let caller: Caller
    let record: CallRecord
    /// The call's trace span, which ends with the call.
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

    /// Whether the call is written to the audit log. A call that only shows this machine's own files is not.
    var isAudited: Bool {
        operation.declaration.effects.openWorld || !operation.declaration.effects.readOnly
    }

    /// Whether the guard classified all that the call does as reads, so that it has changed nothing. The noted class is
    /// that of the last act.
    var isRead: Bool { record.facts["class"]?.string == "read" && !record.hasBegun }

    /// Records the end of the call. If the audit log can't be written, the call's result stays as it is; `notes` and a
    /// log line report the failure.
    /// - Parameters:
    ///   - error: why the call failed; `nil` if it succeeded.
    ///   - rows: how many rows went to the reader, if the answer was streamed.
    ///   - errors: how many errors the call reported without ending.
    func end(_ error: MMError?, rows: Int? = nil, errors: Int = 0) async {
        await notePlace()
        await append(logEnd(error, rows: rows, errors: errors))
    }

    /// Records that another node began the call and is gone. Only the writes in the journal are known of it. The
    /// verdict of this node, which only looked at the call again and was refused, is left out because it says nothing
    /// about the first attempt.
    func endUnknown(begunBy node: String) async {
        record.close()
        await notePlace()
        for name in ["verdict", "rule", "rules", "reason"] { record.note(name, .null) }
        record.note("begunBy", .string(node))
        record.note("reason", "The node that began the call is gone.")
        record.note("writes", await AbandonedCalls.writes(of: record.call, in: journal))
        var entry = entry(outcome: "unknown", rows: nil)
        for (name, value) in entry where value == .null { entry[name] = nil }
        end(span, record.facts, nil, "unknown", nil)
        let log = log.scoped(record.facts["connection"]?.string ?? "-", operation.declaration.name)
        log.warning(
            "\(operation.declaration.name) was begun by a node that is gone: its outcome is unknown", entry)
        await append(entry)
    }

    /// Notes the tenant the call goes to and the account it uses.
    func notePlace() async {
        if isAudited { await place.note(in: record) }
    }

    /// Records the end without suspending, for a reader that stopped before the end of the answer.
    func endAtOnce(_ error: MMError, rows: Int?) {
        let entry = logEnd(error, rows: rows)
        guard isAudited else { return }
        do throws(MMError) { try audit.append(entry) } catch { report(error) }
    }

    /// Lets the record write an audit line before the call's first change, so that the chain has one even if the
    /// process or the machine dies. No other line is waited for: it would cost each call a write to the disk.
    func prepareBeginning() {
        guard isAudited else { return }
        record.begins { () async throws(MMError) in
            await notePlace()
            var entry = entry(outcome: "begun", rows: nil)
            entry["process"] = .string(AbandonedCalls.ownProcess)
            do throws(MMError) {
                try await audit.append(entry)
                try await BlockingWork.run { [audit] () throws(MMError) in try audit.sync() }
            } catch {
                report(error)
                throw error
            }
        }
    }

    private func append(_ entry: JSONObject) async {
        guard isAudited else { return }
        do throws(MMError) { try await audit.append(entry) } catch { report(error) }
    }

    private func report(_ fault: MMError) {
        record.auditFault = fault
        log.error("the audit line could not be written: \(fault.message)")
    }

    /// The notes that tell the caller about an audit line that could not be written.
    var notes: [String] {
        record.auditFault.map {
            ["The audit log could not be written (\($0.message)): this call is not recorded there."]
        } ?? []
    }

    /// The outcome of a call that reported errors but ran to its end.
    static let withErrors = "done with errors"

    /// Ends the span, logs how the call ended, and returns its line for the audit log.
    private func logEnd(_ error: MMError?, rows: Int?, errors: Int = 0) -> JSONObject {
        record.close()
        let name = operation.declaration.name
        if errors > 0 { record.note("errors", .int(Int64(errors))) }
        let facts = record.written
        let outcome = error?.code.word ?? (errors > 0 ? Self.withErrors : "done")
        end(span, facts, error, outcome, rows)
        let entry = entry(outcome: outcome, rows: rows)
        let log = log.scoped(facts["connection"]?.string ?? "-", facts["module"]?.string ?? name)
        switch error?.code {
        case nil, .signInNeeded?, .confirmationNeeded?: log.info(text(of: entry), facts)
        case .internalError?: log.error("\(text(of: entry)): \(error?.message ?? "")", facts)
        default: log.warning("\(text(of: entry)): \(error?.message ?? "")", facts)
        }
        return entry
    }

    /// Ends the span. Its attributes hold names and states only, never content that was sent or received.
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
        // A call that waits for a person has not failed.
        case nil, .signInNeeded?, .confirmationNeeded?, .cancelled?: span.end()
        case let code?:
            span.note("error.type", .string(code.word))
            span.end(fault: code.word)
        }
    }

    /// Returns the log line: the operation, its outcome, its caller, and sizes instead of content.
    private func text(of entry: JSONObject) -> String {
        let sizes = [("bytesSent", "bytes sent"), ("bytesAnswered", "bytes answered"), ("rows", "rows")]
            .compactMap { key, words in entry[key]?.int.map { ", \($0) \(words)" } }.joined()
        return "\(operation.declaration.name) \(entry["outcome"]?.string ?? "done") in \(milliseconds) ms for "
            + "\(caller.surface.rawValue)\(caller.name.isEmpty ? "" : " (\(caller.name))")\(sizes)"
    }

    private var milliseconds: Int64 { (ContinuousClock.now - started).milliseconds }

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
        for (key, value) in record.written { entry[key] = value }
        return entry
    }
}

extension MMError {
    /// Whether the error is one that a read-only caller gets for a write.
    var isRefusalOfReader: Bool { [.denied, .forbidden, .confirmationNeeded].contains(code) }
}

/// The tenant and the account of a call. They are recorded by id, since the name of a connection may later be given to
/// another one.
struct CallPlace: Sendable {
    let registry: ConnectionRegistry
    let identity: IdentityService

    /// Notes the tenant and the account of the connection that a call has named, as far as they are known from local
    /// files.
    func note(in record: CallRecord) async {
        let facts = record.facts
        guard facts["account"] == nil, facts["app"] == nil, let name = facts["connection"]?.string,
            let connection = record.connection.flatMap({ $0.name == name ? $0 : nil })
                ?? (try? registry.snapshot().connection(named: name))
        else { return }
        for (key, value) in await self.facts(of: connection) { record.note(key, value) }
    }

    /// Returns the tenant and the account of a connection.
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
    /// The user of this machine whose process made the call; `nil` for a caller that has signed in to this server.
    var user: String? { signedIn == nil ? Self.ownUser : nil }

    private static let ownUser = ThisProcess.login
}
