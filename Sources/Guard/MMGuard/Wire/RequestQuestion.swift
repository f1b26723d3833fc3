package import MMCore

/// A request that is held open until a person has said yes or no.
package struct RequestQuestion: Sendable, Hashable {
    /// The request.
    package let intent: RequestIntent
    /// Its number within the session.
    package let number: UInt64
    /// What the guard says of it, and why this call may not send it by itself.
    package let verdict: Verdict
    /// How many more of this kind a yes may hold for in this call: what was counted beforehand, less what was sent.
    package let moreOfKind: Int

    /// What a person is asked: the same wherever it is asked, and bound to exactly this request.
    /// - Parameters:
    ///   - connection: the connection.
    ///   - module: the module of the session.
    package func confirmation(on connection: Connection, module: String) -> ConfirmationRequest {
        let request = intent.request.withoutVolatileParts
        return ConfirmationRequest(
            on: connection, module: module, title: "send from a script in \(module)", text: request.line,
            body: request.body.seen, parameters: request.decisiveHeaders, verdict: verdict)
    }

    /// Whether a yes can wait for the same request: only where all of it is known.
    package var canWait: Bool { intent.request.isWhole }
}
