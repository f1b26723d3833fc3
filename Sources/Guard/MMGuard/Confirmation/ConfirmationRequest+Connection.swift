package import MMCore

extension ConfirmationRequest {
    /// Creates a request that runs on a connection: it names who acts there, and requires the check and the
    /// number of people that the connection demands.
    /// - Parameters:
    ///   - connection: the connection it would run on.
    ///   - module: the module of the session, or the service.
    ///   - title: what kind of thing it is, in a few words.
    ///   - text: the exact script, or the request line.
    ///   - body: the exact body of a request.
    ///   - parameters: everything else that affects what happens.
    ///   - verdict: the guard's verdict on it.
    package init(
        on connection: Connection, module: String, title: String, text: String, body: [UInt8] = [],
        parameters: JSONObject = [:], verdict: Verdict
    ) {
        self.init(
            connection: connection.name, actor: connection.actor, module: module, title: title, text: text, body: body,
            parameters: parameters, verdict: verdict, checks: connection.personChecks,
            approvals: connection.guardPolicy.approvals)
        identity = connection.identity
    }
}
