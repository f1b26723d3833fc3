package import MMCore

/// How an operation runs for several connections in one call. An operation that declares it needs nothing else: its calls
/// are made one by one, side by side, and their answers become the rows of one.
package struct SeveralConnections: Sendable {
    /// The member of an answer whose items are rows; `nil`: its own list, and an answer without one is one row.
    package var rows: String?
    /// Whether its calls pass the guard, which judges all of them before the first is sent.
    package var isGuarded = false
    /// How many calls are under way at once.
    package var atOnce = 100
    /// Arguments that go with one connection alone.
    package var alone: [String] = []
    /// The argument that names a folder, in which each connection gets one of its own.
    package var folder: String?
    /// What each call is given besides, such as the form in which an answer has rows.
    package var arguments: JSONObject = [:]

    /// How many calls to one tenant are under way at once: services count per tenant.
    package static let atOncePerTenant = 4
}

extension OperationDeclaration {
    /// The same, which takes several connections at once.
    func forSeveral(_ several: SeveralConnections) -> OperationDeclaration {
        var copy = self
        copy.severalConnections = several
        return copy
    }
}

extension InputField {
    /// Goes on with a call for several connections.
    static let resume = InputField(
        "resume", .text, "Go on with a call for several connections, by its name (set_…); nothing else goes with it.",
        .notForModels)
}
