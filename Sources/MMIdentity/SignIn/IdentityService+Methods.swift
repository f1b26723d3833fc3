internal import MMCore
internal import MMHTTP

extension IdentityService {
    func files(_ target: SignInTarget) -> TokenFiles {
        TokenFiles(paths: paths, target: target, memory: memory)
    }

    func entra(_ target: SignInTarget) -> EntraClient {
        EntraClient(
            transport: transport, clock: clock, capabilities: configuration.clientCapabilities,
            pace: ServicePace(
                signInOf: target, paths: paths, clock: clock, log: log.from("identity"),
                shared: sharedPaces.withLock { $0 }),
            log: log.from("identity").scoped(target.connection), pause: pause)
    }

    func surroundings(_ target: SignInTarget) -> CredentialContext {
        CredentialContext(
            environment: environment, transport: transport, direct: direct, clock: clock,
            log: log.from("identity").scoped(target.connection), pause: pause)
    }

    /// Returns what obtains the tokens of a person's sign-in.
    func acquirer(
        _ target: SignInTarget, _ resource: ServiceResource, _ options: TokenOptions, _ deadline: Deadline,
        usesBrowser: Bool
    ) -> TokenAcquirer {
        TokenAcquirer(
            files: files(target), entra: entra(target), clock: clock, target: target, resource: resource,
            options: options, deadline: deadline, usesBrowser: usesBrowser)
    }

    /// Returns what obtains the tokens of an app that signs in by itself.
    func acquirer(
        of source: any AppTokenSource, _ target: SignInTarget, _ resource: ServiceResource, _ options: TokenOptions,
        _ deadline: Deadline
    ) -> AppTokenAcquirer {
        AppTokenAcquirer(
            files: files(target), source: source, clock: clock, target: target, resource: resource, options: options,
            deadline: deadline)
    }

    /// Returns what obtains the tokens of a person whom the machine's broker signs in.
    func brokerAcquirer(
        _ target: SignInTarget, _ resource: ServiceResource, _ options: TokenOptions, _ deadline: Deadline
    ) -> BrokerTokenAcquirer {
        BrokerTokenAcquirer(
            files: files(target), environment: environment, clock: clock, target: target, resource: resource,
            options: options, deadline: deadline)
    }

    /// Returns the state of a connection whose tokens aren't a person's in the cache: signed in if its credential is
    /// available.
    func stateWithoutPerson(
        _ method: SignInMethod, _ target: SignInTarget, _ resource: ServiceResource
    ) async throws(MMError) -> SignInState {
        let options = TokenOptions(interaction: .never)
        switch method {
        case .token(let provider):
            // A token in a file can simply be read; a program isn't asked for its state.
            guard provider is KeptToken else { break }
            let token = try await ProvidedTokenAcquirer(
                files: files(target), provider: provider, clock: clock, target: target, resource: resource,
                options: options
            ).run()
            return .signedIn(token.account, expiresAt: token.expiresAt)
        case .app(let credential):
            let surroundings = surroundings(target)
            if let token = try await cachedToken(target, resource, options) { return token }
            try await credential.check(of: target.connection, in: surroundings)
        case .onBehalfOf(let credential, _):
            try await credential.check(of: target.connection, in: surroundings(target))
        case .managedIdentity:
            if let token = try await cachedToken(target, resource, options) { return token }
        case .broker:
            let account = try await brokerAcquirer(target, resource, options, .after(.seconds(10))).account()
            return account.map { .signedIn($0, expiresAt: nil) } ?? .signedOut
        case .deviceCode, .browser: break
        }
        let app = target.clientID.isEmpty ? "of this machine" : target.clientID
        return .signedIn(
            SignedInAccount(
                username: "", objectID: "", tenantID: target.authority.tenant, homeAccountID: "", appID: app),
            expiresAt: nil)
    }

    private func cachedToken(
        _ target: SignInTarget, _ resource: ServiceResource, _ options: TokenOptions
    ) async throws(MMError) -> SignInState? {
        let acquirer = acquirer(of: NoSource(), target, resource, options, .after(.seconds(10)))
        return try await acquirer.cached().map { .signedIn($0.token.account, expiresAt: $0.token.expiresAt) }
    }

    /// A source that is never asked, for looking only at the cache.
    private struct NoSource: AppTokenSource {
        func token(
            _ target: SignInTarget, _ resource: ServiceResource, claims: String?, deadline: Deadline
        ) async throws(MMError) -> TokenAnswer {
            throw MMError(.internalError, "No token source may be used here.")
        }
    }
}
