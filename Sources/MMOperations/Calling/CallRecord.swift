package import MMCore

/// What becomes known of a call while it runs and belongs into its audit line: connection, verdict, sizes; never content.
package final class CallRecord: Sendable {
    private let members = Mutex(JSONObject())

    package init() {}

    /// Notes a fact.
    package func note(_ key: String, _ value: JSONValue) {
        members.withLock { $0[key] = value }
    }

    /// The facts so far.
    package var facts: JSONObject { members.withLock { $0 } }
}
