internal import MMCore

extension IdentityService {
    /// The longest wait for permission to poll again.
    private static let shortWait = Duration.seconds(15)

    /// Like `acquire`, but if it is too early to poll for a code that was shown before, waits briefly and tries again,
    /// so that a sign-in that is already approved isn't answered with its own code.
    func acquireSoon(
        _ connection: Connection, _ resource: ServiceResource, _ options: TokenOptions, _ deadline: Deadline
    ) async throws(MMError) -> TokenAcquirer.Outcome {
        let outcome = try await acquire(connection, resource, options, deadline)
        guard case .approval(_, let wait, isTooEarly: true) = outcome, wait <= Self.shortWait, wait < deadline.remaining
        else { return outcome }
        do { try await pause(wait) } catch {
            throw MMError(.cancelled, "The call was cancelled while the sign-in of \(connection.name) waited.")
        }
        return try await acquire(connection, resource, options, deadline)
    }

    func acquire(
        _ connection: Connection, _ resource: ServiceResource, _ options: TokenOptions, _ deadline: Deadline,
        by given: SignInMethod? = nil
    ) async throws(MMError) -> TokenAcquirer.Outcome {
        let method = try method(of: connection, unless: given)
        let target = try await completed(try target(connection, resource, method), until: deadline)
        let run: @Sendable () async throws(MMError) -> TokenAcquirer.Outcome
        var kind = "device"
        switch method {
        case .deviceCode, .browser:
            if case .browser = method { kind = "browser" }
            let acquirer = acquirer(target, resource, options, deadline, usesBrowser: kind == "browser")
            if let token = try await usable(target, resource, options, acquirer) { return .token(token) }
            run = { () async throws(MMError) in try await acquirer.run() }
        case .broker:
            kind = "broker"
            let acquirer = brokerAcquirer(target, resource, options, deadline)
            run = { () async throws(MMError) in try await acquirer.run() }
        case .app(let credential):
            let grant = ClientCredentialGrant(
                credential: credential, entra: entra(target), surroundings: surroundings(target))
            let acquirer = acquirer(of: grant, target, resource, options, deadline)
            if let token = try await usable(target, resource, options, acquirer) { return .token(token) }
            run = { () async throws(MMError) in
                let token = try await acquirer.run()
                return .token(token)
            }
        case .onBehalfOf(let credential, let source):
            // Whoever signed in acts for themselves, whatever token the connection has besides.
            let assertion: Secret
            if let own = CallerAssertion.current {
                assertion = own
            } else if let source {
                assertion = try source.read(
                    "the token of the person for whom it acts,", of: connection.name, environment: environment)
            } else {
                throw assertionMissing(connection)
            }
            return .token(
                try await token(
                    by: grant(credential, for: assertion, target, resource, options, deadline), until: deadline))
        case .managedIdentity(let identity):
            let grant = ManagedIdentityGrant(identity: identity, surroundings: surroundings(target))
            let acquirer = acquirer(of: grant, target, resource, options, deadline)
            if let token = try await usable(target, resource, options, acquirer) { return .token(token) }
            run = { () async throws(MMError) in
                let token = try await acquirer.run()
                return .token(token)
            }
        case .token(let provider):
            let acquirer = ProvidedTokenAcquirer(
                files: files(target), provider: provider, clock: clock, target: target, resource: resource,
                options: options)
            run = { () async throws(MMError) in
                let token = try await acquirer.run()
                return .token(token)
            }
        }
        return try await shared(
            FlightKey(identity: target.identity + [kind], resource: resource, options: options.key),
            of: connection.name, until: deadline, run)
    }

    /// Runs a request that is shared by all calls for the same token.
    func shared(
        _ key: FlightKey, of connection: String, until deadline: Deadline,
        _ run: @escaping @Sendable () async throws(MMError) -> TokenAcquirer.Outcome
    ) async throws(MMError) -> TokenAcquirer.Outcome {
        let what = "getting a token for \(connection)"
        if let flight = pendingRequests[key] { return try await flight.value(of: what, until: deadline) }
        let flight = SharedRequest<TokenAcquirer.Outcome> { [weak self] in
            let result = await Result { () async throws(MMError) in try await run() }
            await self?.finish(key)
            return result
        }
        pendingRequests[key] = flight
        return try await flight.value(of: what, until: deadline)
    }

    private func finish(_ key: FlightKey) { pendingRequests[key] = nil }

    nonisolated func browserNeeded(_ connection: Connection, _ resource: ServiceResource) -> MMError {
        MMError(
            .signInNeeded, "Sign-in needed for \(connection.name), in a browser of this machine.",
            hint:
                "In a terminal: mm login \(ShellWord.quoted(connection.name)). It opens the browser; then repeat the call.",
            details: ["connection": .string(connection.name), "resource": .string(resource.name)])
    }

    private nonisolated func assertionMissing(_ connection: Connection) -> MMError {
        MMError(
            .invalidInput, "\(connection.name) acts for the people who call it, and this call brings nobody's token.",
            hint:
                "Callers of mm-mcp bring it with --oauth-issuer; Swift programs pass it on: token(onBehalfOf:for:). "
                + "Otherwise name a file that holds it: mm connections edit "
                + "\(ShellWord.quoted(connection.name)) auth.assertionFile=/path.",
            details: ["connection": .string(connection.name), "field": "auth.assertionFile"])
    }
}
