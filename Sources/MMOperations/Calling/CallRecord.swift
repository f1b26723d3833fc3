package import MMCore

/// What becomes known of a call while it runs and belongs into its audit line: connection, verdict, sizes; never content.
package final class CallRecord: Sendable {
    /// What names this call in the audit log, and the requests that it sent.
    package let call = RandomBytes.text(bytes: 9)
    private let members = Mutex(JSONObject())

    package init() {}

    /// Notes a fact.
    package func note(_ key: String, _ value: JSONValue) {
        members.withLock { $0[key] = value }
    }

    /// Whether a person has confirmed that a secret is given out.
    var hasConfirmedSecret: Bool {
        let facts = facts
        return facts["class"] == "secret" && facts["confirmedBy"].map { $0 != "refused" } ?? false
    }

    /// The facts so far.
    package var facts: JSONObject { members.withLock { $0 } }
}
