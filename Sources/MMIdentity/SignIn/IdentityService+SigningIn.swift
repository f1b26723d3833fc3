public import MMCore

extension IdentityService {
    /// The progress of a sign-in.
    public enum SignInProgress: Sendable {
        /// This account is signed in.
        case signedIn(SignedInAccount)
        /// A person has to approve this prompt.
        case waiting(SignInPrompt)
    }

    /// Starts a sign-in, or polls the pending one once as soon as the service allows.
    /// - Parameters:
    ///   - connection: the connection that signs in.
    ///   - resource: the service that the first token is for.
    ///   - renewing: whether to sign in again even if there are valid tokens; further calls continue with the same
    ///     code.
    /// - Throws: `.signInNeeded` if the connection signs in with a browser; `.forbidden` for a wrong account, a declined
    ///   sign-in, or a policy; `.unsupported` for a service that the cloud lacks; network errors.
    public func beginSignIn(
        _ connection: Connection, resource: ServiceResource = .graph, renewing: Bool = false,
        deadline: Deadline = .after(.seconds(60))
    ) async throws(MMError) -> SignInProgress {
        let resource = await resourceToMend(connection, asked: resource)
        let target = try target(connection, resource)
        if !renewing { try clearClosedSignIn(target, resource) }
        let options = TokenOptions(renewal: renewing ? .start : .no)
        switch try await acquireSoon(connection, resource, options, deadline) {
        case .token(let token): return .signedIn(token.account)
        case .approval(let prompt, _, _): return .waiting(prompt)
        case .browser: throw browserNeeded(connection, resource)
        case .window: throw BrokerTokenAcquirer.signInNeeded(connection.name, resource)
        }
    }

    /// Signs in and waits until a person has approved; for terminals.
    /// - Parameters:
    ///   - connection: the connection that signs in.
    ///   - resource: the service that the first token is for.
    ///   - renewing: whether to sign in again even if there are valid tokens.
    ///   - method: how the person signs in, if it differs from the connection's entry: `.deviceCode` or `.browser`.
    ///   - deadline: when to give up; codes expire on their own.
    ///   - show: called once with each code, including one that replaces an expired code, and with the URL of a browser
    ///     sign-in.
    /// - Returns: the account that signed in.
    /// - Throws: as `token`; `cancelled` when the task is cancelled.
    public func signIn(
        _ connection: Connection, resource: ServiceResource = .graph, renewing: Bool = false,
        by method: SignInMethod? = nil, deadline: Deadline = .never,
        show: @Sendable (SignInPrompt) async -> Void
    ) async throws(MMError) -> SignedInAccount {
        try await signIn(
            connection, resource: resource, renewing: renewing, by: method, deadline: deadline, show: show
        ) { _ in }
    }

    /// Signs in and waits, as above.
    /// - Parameter polled: called with the same code whenever the service was asked again, and still waits.
    package func signIn(
        _ connection: Connection, resource: ServiceResource = .graph, renewing: Bool = false,
        by method: SignInMethod? = nil, deadline: Deadline = .never,
        show: @Sendable (SignInPrompt) async -> Void, polled: @Sendable (SignInPrompt) async -> Void
    ) async throws(MMError) -> SignedInAccount {
        let method = try self.method(of: connection, unless: method)
        let resource = await resourceToMend(connection, asked: resource)
        let target = try target(connection, resource, method)
        if !renewing { try clearClosedSignIn(target, resource) }
        var shown: String?
        var options = TokenOptions(renewal: renewing ? .start : .no)
        while true {
            let step = min(deadline, .after(.seconds(60)))
            switch try await acquire(connection, resource, options, step, by: method) {
            case .token(let token): return token.account
            case .browser(let claims):
                let signIn = BrowserSignIn(
                    work: acquirer(target, resource, options, deadline, usesBrowser: true), claims: claims,
                    asksForAccount: renewing && target.expectedEmail == nil,
                    opener: BrowserOpener(environment: environment))
                return try await signIn.run(show: show).account
            case .window(let claims):
                let acquirer = brokerAcquirer(target, resource, options, min(deadline, .after(BrowserSignIn.patience)))
                return try await acquirer.signIn(
                    claims: claims, choosesAccount: renewing && target.expectedEmail == nil
                ).account
            case .approval(let prompt, let wait, _):
                if prompt.userCode != shown {
                    shown = prompt.userCode
                    await show(prompt)
                } else {
                    await polled(prompt)
                }
                guard wait < deadline.remaining else { throw prompt.error(now: clock.now) }
                do { try await pause(wait) } catch {
                    throw MMError(
                        .cancelled, "The sign-in of \(connection.name) was cancelled.",
                        hint:
                            "Its code stays good until it runs out: mm login \(ShellWord.quoted(connection.name)) goes on with it."
                    )
                }
            }
            if renewing { options = TokenOptions(renewal: .resume) }
        }
    }

    /// The service that a sign-in is for first: the one that wants another sign-in, where only that one does.
    private func resourceToMend(_ connection: Connection, asked: ServiceResource) async -> ServiceResource {
        guard let name = await end(of: connection)?.resource else { return asked }
        return ServiceResource(name: name) ?? asked
    }

    /// Removes a declined or expired sign-in, because someone is explicitly asking for a new one.
    private func clearClosedSignIn(_ target: SignInTarget, _ resource: ServiceResource) throws(MMError) {
        let file = TokenFiles(paths: paths, connection: target.connection, memory: memory).pending(target, resource)
        if try file.read()?.outcome != nil { try file.remove() }
    }
}
