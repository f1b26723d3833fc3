import MMCore

/// One sign-in of one host: chooses the method, runs the connect command, shows the device code, and checks the
/// identity.
struct SignInProcedure: Sendable {
    /// The result of a sign-in.
    struct Result: Sendable {
        let identity: SessionIdentity
        /// When a supplied token expires, on a monotonic clock.
        let expires: ContinuousClock.Instant?
        /// Whether it can be repeated without a person.
        let isSilent: Bool
        /// The reason why the connection's token couldn't be used, in a sentence.
        let refusal: String?
    }

    let settings: PowerShellSessionSettings
    let profile: any ModuleProfile
    let target: ModuleSignInTarget
    let host: PowerShellHost
    /// Whether a person may be asked; otherwise a sign-in that needs one fails at once.
    var asksPerson = true
    /// The reason why the connection's token couldn't be used, in a sentence.
    var refusal: String?
    /// The function that shows a device code.
    let show: @Sendable (DevicePrompt) async -> Void
    /// Called once the person has approved.
    var approved: @Sendable () async -> Void = {}

    /// Loads the module and runs the preparation of a sign-in.
    static func prepare(_ host: PowerShellHost, _ settings: PowerShellSessionSettings) async throws(MMError) {
        guard let profile = settings.profile else { return }
        let deadline = Deadline.after(settings.connectTimeout)
        let load = try await host.answer(profile.requirement.load, deadline: deadline)
        if load.end?.state != .completed {
            // Both “not found at all” and “not in this version” are recognisable by their ids.
            let id = load.end?.failure?.id ?? ""
            guard id.contains("NotFound") else { throw failed("\(profile.requirement.name) can't be loaded", load) }
            var found: [String] = []
            if let versions = profile.requirement.versions {
                found = try await host.answer(versions, deadline: deadline).values.compactMap(\.string)
            }
            throw profile.requirement.missing(found: found, cause: load.problem)
        }
        guard !profile.preparation.isEmpty else { return }
        let prepared = try await host.answer(PowerShellCommand(profile.preparation), deadline: deadline)
        if prepared.end?.state != .completed { throw failed("\(profile.title) can't be prepared", prepared) }
    }

    /// Signs in. Only this procedure's own commands run before the identity is checked.
    /// - Throws: why it failed; a wrong account is signed out of the session first.
    /// - Parameter chosen: the method; `nil` chooses one.
    func run(by chosen: ModuleSignInMethod? = nil) async throws(MMError) -> Result {
        let method: ModuleSignInMethod
        if let chosen { method = chosen } else { method = try await choose() }
        if method.needsPerson {
            guard settings.mayAskPerson else {
                throw MMError(
                    .unavailable,
                    "\(profile.title) can't sign in with the settings of the connection \(target.connection): "
                        + "it has no access token, and no person can sign in.",
                    hint: "Check the connection's auth; \(profile.title) supports "
                        + profile.methods.map(\.rawValue).joined(separator: ", ") + ".")
            }
            guard asksPerson else {
                throw MMError(.signInNeeded, "\(profile.title) can't be signed in to again without a person.")
            }
        }
        let command = try profile.connect(target, by: method)
        let received = ContinuousClock.now
        let wallTime = settings.clock.now
        let answer = try await connect(command, by: method)
        guard answer.end?.state == .completed else {
            var failure = Self.failed("\(profile.title) could not sign in by \(method.word)", answer)
            if let trap = profile.traps.first(where: { $0.caught(failure.message) }) {
                // Another way to sign in would meet the same error.
                failure.hint = trap.advice
                throw failure
            }
            guard chosen == nil, mayAsk(insteadOf: method), ModuleFault(answer) != .passing else { throw failure }
            settings.host.log?.warning("The module's own sign-in is the next way: \(failure.message)")
            var own = self
            own.refusal = "\(profile.title) did not take the connection's token (\(Self.cause(of: answer, most: 300)))."
            return try await own.run(by: .device)
        }
        do throws(MMError) {
            let identity = try SessionIdentity.check(try await whoIsIt(answer, method), for: target, by: method)
            var expires: ContinuousClock.Instant?
            if case .tokens(let tokens) = method, let first = tokens.map(\.expiresAt).min() {
                expires = received + (first - wallTime)
            }
            return Result(
                identity: identity, expires: expires, isSilent: !method.needsPerson, refusal: refusal)
        } catch {
            await signOut()
            throw error
        }
    }

    /// Signs out of this session, and of nothing else.
    func signOut() async {
        _ = try? await host.answer(profile.disconnect, deadline: .after(.seconds(30)))
    }

    /// Returns the sign-in method: an available token is preferred to anything that involves a person.
    func choose() async throws(MMError) -> ModuleSignInMethod {
        if let method = settings.method { return method }
        if let feed = settings.tokens, profile.methods.contains(.tokens) {
            let resources = try profile.resources(for: target)
            switch try await fed(resources, from: feed) {
            case .all(let tokens): return .tokens(tokens)
            case .lacking(let resource):
                if !profile.methods.contains(.device), settings.mayAskPerson {
                    return .tokens(try await signedIn(for: resources, lacking: resource, from: feed))
                }
            }
        }
        guard profile.methods.contains(.device) else {
            throw MMError(
                .unsupported, "\(profile.title) can't sign in without a token or an app.",
                hint: "Sign in to the connection first: mm login \(ShellWord.quoted(target.connection))")
        }
        return .device
    }

    /// Returns whether the module may show a code of its own after it refused the given method.
    private func mayAsk(insteadOf method: ModuleSignInMethod) -> Bool {
        guard case .tokens = method, settings.method == nil else { return false }
        return settings.mayAskPerson && asksPerson && profile.methods.contains(.device)
    }

    /// The tokens that a source supplies without a person.
    private enum Fed {
        case all([FedToken])
        case lacking(TokenResource)
    }

    private func fed(_ resources: [TokenResource], from feed: any TokenFeeding) async throws(MMError) -> Fed {
        var tokens: [FedToken] = []
        for resource in resources {
            do throws(MMError) {
                if let token = try await feed.token(for: resource) {
                    tokens.append(token)
                } else if !resource.isOptional {
                    return .lacking(resource)
                }
            } catch {
                if resource.isOptional, error.code != .cancelled { continue }
                // A missing sign-in isn't an error here if a person can be asked to sign in.
                guard error.code == .signInNeeded, settings.mayAskPerson else { throw error }
                return .lacking(resource)
            }
        }
        return .all(tokens)
    }

    /// Returns the tokens after a person has signed in to the connection, for a module that shows no code of its own.
    private func signedIn(
        for resources: [TokenResource], lacking: TokenResource, from feed: any TokenFeeding
    ) async throws(MMError) -> [FedToken] {
        guard asksPerson else {
            throw MMError(.signInNeeded, "\(profile.title) can't be signed in to again without a person.")
        }
        try await feed.signIn(for: lacking, show: show)
        await approved()
        switch try await fed(resources, from: feed) {
        case .all(let tokens): return tokens
        case .lacking(let resource):
            throw MMError(
                .signInNeeded, "The sign-in gave no token for \(resource).",
                hint: "Sign in again: mm login \(ShellWord.quoted(target.connection))")
        }
    }

    private func connect(_ command: PowerShellCommand, by method: ModuleSignInMethod) async throws(MMError)
        -> PowerShellAnswer
    {
        let limit = method.needsPerson ? settings.signInTimeout : settings.connectTimeout
        let patience = method.needsPerson ? PromptPatience(settings.promptTimeout) : nil
        // Listening starts before the module can ask for anything.
        let notes = settings.wire?.signIns.listen()
        let onWire = Task { () -> MMError? in
            var refusal: MMError?
            var shown: DevicePrompt?
            var trouble: String?
            for await note in notes ?? AsyncStream(unfolding: { nil }) {
                switch note {
                case .code(let prompt):
                    patience?.end()
                    shown = prompt
                    await tell(prompt)
                case .pending(let told):
                    guard told != trouble, let shown else { continue }
                    trouble = told
                    if let told { settings.host.log?.warning("A code waits, and \(told) It is asked again.") }
                    await tell(shown.noting(told))
                case .approved: await approved()
                // Keep the first cause; later ones only follow from it.
                case .refused(let error): refusal = refusal ?? error
                }
            }
            return refusal
        }
        let outcome: Swift.Result<PowerShellAnswer, MMError> = await Swift.Result { () async throws(MMError) in
            try await read(command, limit, patience)
        }
        settings.wire?.signIns.end()
        // The proxy's refusal is more precise than the module's own message.
        if let refusal = await onWire.value { throw refusal }
        let answer = try outcome.get()
        if let patience, patience.isOver {
            throw MMError(
                .unavailable, "\(profile.title) showed no device code within \(settings.promptTimeout).",
                hint: "Try again; if the problem persists, check what it prints: mm doctor powershell",
                cause: answer.console.map(\.text).joined())
        }
        return answer
    }

    /// Runs the connect command to its end, and shows the code that the module prints if there is no proxy to report
    /// it. With a proxy, printed codes are ignored: a code that the connection's sign-in service never issued may be an
    /// attacker's. The stand-in may have no service to ask.
    private func read(
        _ command: PowerShellCommand, _ limit: Duration, _ patience: PromptPatience?
    ) async throws(MMError) -> PowerShellAnswer {
        let run: PowerShellRun
        do throws(HostLoss) { run = try await host.run(command, deadline: .after(limit)) } catch { throw error.error }
        guard let patience else { return try await run.collect(limit: 1000) }
        patience.watch(run)
        defer { patience.end() }
        var reader = PromptReader(near: profile.promptWords, cloud: target.cloud)
        var answer = PowerShellAnswer()
        var events = run.makeAsyncIterator()
        while let event = try await events.next() {
            answer.add(event, limit: 1000)
            if let wire = settings.wire, wire.signIns.hasCode || !host.isStandIn { continue }
            let prompt: DevicePrompt? =
                switch event {
                case .record(let record): reader.read(record)
                case .console(let text): reader.read(text)
                case .end: nil
                }
            if let prompt {
                patience.end()
                await tell(prompt)
            }
        }
        return answer
    }

    private func tell(_ prompt: DevicePrompt) async {
        var prompt = prompt
        prompt.reason = refusal
        await show(prompt)
    }

    /// Combines the identity that the module reports with that of the supplied token, if both name the same account.
    private func whoIsIt(_ answer: PowerShellAnswer, _ method: ModuleSignInMethod) async throws(MMError) -> TokenClaims?
    {
        var told: TokenClaims?
        if let identity = profile.identity {
            let asked = try await host.answer(identity, deadline: .after(.seconds(60)))
            if asked.end?.state == .completed { told = profile.readIdentity(asked.values) }
        } else {
            told = profile.readIdentity(answer.values)
        }
        guard case .tokens(let tokens) = method, let fed = tokens.first?.claims, fed.account ?? fed.objectID != nil
        else { return told }
        guard var told else { return fed }
        let isSame = told.account == nil || told.account?.lowercased() == fed.account?.lowercased()
        guard isSame else { return told }
        told.account = told.account ?? fed.account
        told.objectID = told.objectID ?? fed.objectID
        told.tenantID = told.tenantID ?? fed.tenantID
        told.appID = told.appID ?? fed.appID
        told.isApp = told.isApp || fed.isApp
        return told
    }

    static func failed(_ what: String, _ answer: PowerShellAnswer) -> MMError {
        let words = cause(of: answer, most: 2000)
        return MMError(
            .remoteFailed, words.isEmpty ? "\(what)." : "\(what): \(words)",
            hint: "Read the message, then sign in again.")
    }

    /// Returns the module's own message, redacted because it may quote the token that it received.
    private static func cause(of answer: PowerShellAnswer, most: Int) -> String {
        let printed = TerminalText.plain(answer.problem ?? answer.console.map(\.text).joined()).trimmingBlanks()
        return String(Redactor.standard.text(printed).prefix(most))
    }
}

/// Stops a connect command that doesn't show a device code in time.
private final class PromptPatience: Sendable {
    private struct State {
        var timer: Task<Void, Never>?
        var hasEnded = false
    }

    private let wait: Duration
    private let state = Mutex(State())
    private let over = FinalFlag()

    init(_ wait: Duration) { self.wait = wait }

    var isOver: Bool { over.isSet }

    /// Starts the timeout.
    func watch(_ run: PowerShellRun) {
        state.withLock { state in
            guard !state.hasEnded else { return }
            state.timer = Task { [over, wait] in
                guard (try? await Task.sleep(for: wait)) != nil, !Task.isCancelled else { return }
                over.set()
                run.stop()
            }
        }
    }

    /// Ends the timeout: there is a code, or the command has ended.
    func end() {
        state.withLock { state in
            state.hasEnded = true
            state.timer?.cancel()
        }
    }
}
