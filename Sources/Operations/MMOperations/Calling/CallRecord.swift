public import MMCore
import MMGuard

/// What becomes known of a call while it runs and belongs into its audit line: connection, verdict, sizes; never content.
package final class CallRecord: Sendable {
    private let name = Mutex(RandomBytes.name(bytes: 9))
    private let members = Mutex(JSONObject())
    private let beginning = Mutex(Beginning())
    private let place = Mutex<Connection?>(nil)

    /// How far the line is that says what begins.
    private struct Beginning {
        var write: (@Sendable () async throws(MMError) -> Void)?
        var fault: MMError?
    }

    package init() {}

    /// The connection that the call was found to work with; `nil` until then, and for calls with several or none.
    var connection: Connection? { place.withLock { $0 } }

    /// Notes the connection that the call works with.
    func note(_ connection: Connection) {
        place.withLock { $0 = connection }
        note("connection", .string(connection.name))
        if let actor = connection.actor { note("actor", .string(actor)) }
    }

    /// What names this call in the audit log and the journal, and the requests that it sent.
    package var call: String { name.withLock { $0 } }

    /// Says that this goes on with a call that stopped: it is the same one, by its name.
    package func goesOn(with call: String) { name.withLock { $0 = call } }

    /// Says how the line is written with which the call begins to change something.
    func begins(_ write: @escaping @Sendable () async throws(MMError) -> Void) {
        beginning.withLock { $0.write = write }
    }

    /// Puts on disk, once, that the call begins to change something: whatever becomes of this process, that is known then.
    /// - Parameter audit: what becomes of a write whose beginning can't be written.
    /// - Throws: `unavailable` where the line is required and can't be written.
    package func begin(_ audit: ConnectionAudit) async throws(MMError) {
        let write = beginning.withLock { state in
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
            hint: "Nothing was sent. Make room for the log, or have its owner set audit=preferred.")
    }

    /// Says that the call has come to its end, and begins nothing any more. What would write its beginning holds the record, which would
    /// hold itself for ever otherwise.
    func close() {
        beginning.withLock { $0.write = nil }
    }

    /// Why the call has no line in the audit log, or none that it begins with.
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

    /// Whether a person has confirmed that a secret is given out.
    var hasConfirmedSecret: Bool {
        let facts = facts
        return facts["class"] == "secret" && facts["confirmedBy"].map { $0 != "refused" } ?? false
    }

    /// The facts so far.
    package var facts: JSONObject { members.withLock { $0 } }
}

/// What a running operation knows of its call.
public struct OperationContext: Sendable {
    /// What all copies share: each step of an operation holds a copy.
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

    /// The same call of a caller who may only read.
    package var reading: OperationContext {
        var call = call
        call.readsOnly = true
        return OperationContext(call: call, deadline: deadline, record: record)
    }

    /// Who asks, for how long, and who can be asked back.
    public var call: CallContext { parts.call }
    /// When the call must have ended.
    public var deadline: Deadline { parts.deadline }
    /// What the audit line will say.
    package var record: CallRecord { parts.record }
}

extension ConnectionRegistry {
    /// The connection that a call names, as far as its caller may use it.
    /// - Throws: `notFound` with the known names, nearest first.
    package func connection(named name: String, in context: OperationContext) throws(MMError) -> Connection {
        let connection = try snapshot().connection(named: name, for: context.call.caller.server)
        context.record.note(connection)
        return connection
    }
}
