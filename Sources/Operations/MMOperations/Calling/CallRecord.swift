public import MMCore
import MMGuard

/// The facts about a call that are gathered while it runs and written to its audit line: connection, verdict, sizes;
/// never content.
package final class CallRecord: Sendable {
    private let name = Mutex(RandomBytes.name(bytes: 9))
    private let members = Mutex(JSONObject())
    private let beginning = Mutex(Beginning())
    private let place = Mutex<Connection?>(nil)

    /// The state of the audit line that says that the call begins to change something.
    private struct Beginning {
        var write: (@Sendable () async throws(MMError) -> Void)?
        var fault: MMError?
        var hasBegun = false
    }

    package init() {}

    /// The connection that the call works with; `nil` before it is known, and for calls with several or none.
    var connection: Connection? { place.withLock { $0 } }

    /// Notes the connection that the call works with.
    func note(_ connection: Connection) {
        place.withLock { $0 = connection }
        note("connection", .string(connection.name))
        if let actor = connection.actor { note("actor", .string(actor)) }
    }

    /// The call's name in the audit log and the journal, and for the requests that it sent.
    package var call: String { name.withLock { $0 } }

    /// Gives this call the name of an interrupted call, which it continues.
    package func goesOn(with call: String) { name.withLock { $0 = call } }

    /// Sets the closure that writes the audit line for the beginning of the call's changes.
    func begins(_ write: @escaping @Sendable () async throws(MMError) -> Void) {
        beginning.withLock { $0.write = write }
    }

    /// Writes to disk, once, that the call begins to change something, so that this is known even if the process dies.
    /// - Parameter audit: whether the call may go on when the line can't be written.
    /// - Throws: `unavailable` where the line is required and can't be written.
    package func begin(_ audit: ConnectionAudit) async throws(MMError) {
        let write = beginning.withLock { state in
            state.hasBegun = true
            defer { state.write = nil }
            return state.write
        }
        do throws(MMError) {
            try await write?()
        } catch {
            beginning.withLock { $0.fault = error }
        }
        guard audit == .required, let fault = beginning.withLock({ $0.fault }) else { return }
        throw MMError(
            .unavailable, "The audit log can't be written, and this connection requires it: \(fault.message)",
            hint: "Nothing was sent. Free disk space for the log, or ask the connection's owner to set audit=preferred."
        )
    }

    /// Whether the call has begun to change something.
    var hasBegun: Bool { beginning.withLock { $0.hasBegun } }

    /// Ends the record: no beginning is written any more. The closure that writes it captures the record, so keeping it
    /// would leak both.
    func close() {
        beginning.withLock { $0.write = nil }
    }

    /// Why the call's audit line, or the line for its beginning, could not be written.
    var auditFault: MMError? {
        get { beginning.withLock { $0.fault } }
        set { beginning.withLock { $0.fault = newValue } }
    }

    /// Notes a fact.
    package func note(_ key: String, _ value: JSONValue) {
        members.withLock { $0[key] = value }
    }

    /// Notes which call this one is a step of.
    func note(_ part: CallPart?) {
        guard let part else { return }
        note("partOf", .array(part.calls.map { .string($0) }))
        if let tool = part.tool { note("tool", .string(tool)) }
        if let step = part.step { note("step", .string(step)) }
    }

    /// Whether a person has confirmed that a secret is revealed.
    var hasConfirmedSecret: Bool {
        let facts = facts
        return facts["class"] == "secret" && facts["confirmedBy"].map { $0 != "refused" } ?? false
    }

    /// The facts so far.
    package var facts: JSONObject { members.withLock { $0 } }

    /// The maximum length of a list in a line of the logs.
    static let longestList = 100

    /// The facts as the logs keep them: of a longer list only its beginning, with the count of the whole.
    var written: JSONObject {
        var written = facts
        for (name, value) in facts {
            guard let list = value.array, list.count > Self.longestList else { continue }
            written[name] = .array(Array(list.prefix(Self.longestList)))
            written["\(name)Count"] = .int(Int64(list.count))
        }
        return written
    }
}

/// The call, the deadline and the record of a running operation.
public struct OperationContext: Sendable {
    /// The storage that all copies share; each step of an operation holds a copy.
    private final class Parts: Sendable {
        let call: CallContext
        let deadline: Deadline
        let record: CallRecord

        init(_ call: CallContext, _ deadline: Deadline, _ record: CallRecord) {
            self.call = call
            self.deadline = deadline
            self.record = record
        }
    }

    private let parts: Parts

    init(call: CallContext, deadline: Deadline, record: CallRecord) { parts = Parts(call, deadline, record) }

    /// The same call, limited to reads.
    package var reading: OperationContext {
        var call = call
        call.readsOnly = true
        return OperationContext(call: call, deadline: deadline, record: record)
    }

    /// The call's context: who asks, for how long, and which person can be asked.
    public var call: CallContext { parts.call }
    /// When the call must have ended.
    public var deadline: Deadline { parts.deadline }
    /// The facts for the audit line.
    package var record: CallRecord { parts.record }
}

extension ConnectionRegistry {
    /// Returns the connection that a call names, if its caller may use it.
    /// - Throws: `notFound` with the known names, nearest first.
    package func connection(named name: String, in context: OperationContext) throws(MMError) -> Connection {
        let connection = try snapshot().connection(named: name, for: context.call.caller.server)
        context.record.note(connection)
        return connection
    }
}
