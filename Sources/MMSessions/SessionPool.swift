public import MMCore

/// Owns sessions: starts them, signs them in, lends them to one caller at a time in the order of asking, keeps them alive,
/// ends them.
///
/// A session that needs a person answers its callers at once with the details of the sign-in and goes on waiting in the
/// background; the same call made later just runs.
public actor SessionPool<Factory: SessionFactory> {
    /// What the pool lends.
    public typealias Session = Factory.Session

    let factory: Factory
    package let settings: PoolSettings
    let clock: PoolClock
    var slots: [SessionKey: Slot<Session>] = [:]
    var spares: [SessionKey: Session] = [:]
    var spareKeys: Set<SessionKey> = []
    /// When a spare that could not be started is tried again.
    var spareFaults: [SessionKey: Duration] = [:]
    var lastGeneration = 0
    var lastWaiter = 0
    var isClosed = false
    /// What the pool has done so far.
    public internal(set) var counters = PoolCounters()

    /// An empty pool.
    /// - Parameters:
    ///   - factory: makes the sessions.
    ///   - settings: limits and times.
    ///   - clock: the time it lives by.
    public init(factory: Factory, settings: PoolSettings = PoolSettings(), clock: PoolClock = .system) {
        self.factory = factory
        self.settings = settings
        self.clock = clock
    }

    /// Runs work in a session, alone in it; starts and signs in the session first where needed.
    /// - Parameters:
    ///   - key: which session.
    ///   - deadline: how long to wait for it.
    ///   - onPrompt: told when a person is needed, while the call goes on waiting; `nil`: the call throws instead.
    ///   - work: what is done in the session.
    /// - Throws: `sign_in_needed` with the details of the sign-in, `deadline_exceeded`, `cancelled`, `limit_exceeded`, or
    ///   what start, sign-in or work threw.
    public func withSession<Result: Sendable>(
        _ key: SessionKey, until deadline: Deadline = .never, onPrompt: (@Sendable (JSONObject) -> Void)? = nil,
        _ work: @Sendable (SessionLease<Session>) async throws(MMError) -> Result
    ) async throws(MMError) -> Result {
        let lease = try await lease(key, until: deadline, onPrompt: onPrompt)
        do throws(MMError) {
            let result = try await work(lease)
            await give(back: lease, failed: false)
            return result
        } catch {
            await give(back: lease, failed: true)
            throw error
        }
    }

    /// Starts and signs in a session without running anything.
    /// - Returns: the account that signed in.
    /// - Throws: as `withSession`.
    public func connect(
        _ key: SessionKey, until deadline: Deadline = .never, onPrompt: (@Sendable (JSONObject) -> Void)? = nil
    ) async throws(MMError) -> String {
        let lease = try await lease(key, until: deadline, onPrompt: onPrompt)
        await give(back: lease, failed: false, counts: false)
        return lease.account
    }

    func lease(_ key: SessionKey, until deadline: Deadline, onPrompt: (@Sendable (JSONObject) -> Void)?)
        async throws(MMError) -> SessionLease<Session>
    {
        guard !isClosed else { throw MMError(.unavailable, "The pool is stopping.", retry: .after(.seconds(2))) }
        try deadline.check("waiting for the session \(key)")
        if let refusal = slots[key]?.untold {
            slots[key]?.untold = nil
            throw refusal
        }
        await noticeLoss(of: key)
        if needsStart(key) {
            try await makeRoom(for: key)
            if needsStart(key) { start(key) }
        }
        if let lease = take(key) { return lease }
        if case .signingIn(let prompt?)? = slots[key]?.state {
            guard let onPrompt else {
                // The code was shown before: what was approved since is known once the service has been asked again.
                let moment = min(deadline, .after(settings.approvalLimit))
                return try await wait(key, until: moment, orElse: Self.signInNeeded(prompt), onPrompt: nil)
            }
            onPrompt(prompt)
        }
        return try await wait(key, until: deadline, onPrompt: onPrompt)
    }

    /// The error that tells a caller what a person has to do.
    public static func signInNeeded(_ prompt: JSONObject) -> MMError {
        MMError(
            .signInNeeded, prompt["message"]?.string ?? "A person must sign in.",
            hint: "Sign in at the address with the code, then repeat the call.", retry: .after(.seconds(5)),
            details: prompt
        )
    }

    func needsStart(_ key: SessionKey) -> Bool {
        switch slots[key]?.state {
        case nil, .failed?, .lost?, .stopped?: true
        default: false
        }
    }

    /// The lease, when the session is free and nobody waits for it.
    func take(_ key: SessionKey) -> SessionLease<Session>? {
        guard var slot = slots[key], case .ready = slot.state, slot.waiters.isEmpty, !slot.isUnderCheck,
            let session = slot.session, let account = slot.account
        else { return nil }
        slot.state = .busy
        let lease = SessionLease(
            key: key, session: session, account: account, isFresh: slot.isFresh, generation: slot.generation)
        slot.isFresh = false
        slots[key] = slot
        return lease
    }

    func wait(
        _ key: SessionKey, until deadline: Deadline, orElse failure: MMError? = nil,
        onPrompt: (@Sendable (JSONObject) -> Void)?
    ) async throws(MMError) -> SessionLease<Session> {
        lastWaiter += 1
        let id = lastWaiter
        let timer = deadline.instant.map { instant in
            Task { [weak self] in
                try? await Task.sleep(until: instant, clock: .continuous)
                if !Task.isCancelled {
                    await self?.drop(
                        waiter: id, of: key, failure ?? deadline.exceeded("waiting for the session \(key)"))
                }
            }
        }
        defer { timer?.cancel() }
        let outcome: Result<SessionLease<Session>, MMError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waiter = Slot<Session>.Waiter(id: id, onPrompt: onPrompt) { continuation.resume(returning: $0) }
                if Task.isCancelled {
                    waiter.resume(.failure(MMError(.cancelled, "The call was cancelled.")))
                } else if slots[key] == nil {
                    waiter.resume(.failure(MMError(.cancelled, "The session \(key) was reset while the call waited.")))
                } else {
                    slots[key]?.waiters.append(waiter)
                    if let slot = slots[key], slot.isUnderCheck, let session = slot.session {
                        Task { await session.makeRoom() }
                    }
                }
            }
        } onCancel: {
            Task { await self.drop(waiter: id, of: key, MMError(.cancelled, "The call was cancelled.")) }
        }
        return try outcome.get()
    }

    func drop(waiter id: Int, of key: SessionKey, _ error: MMError) {
        guard let index = slots[key]?.waiters.firstIndex(where: { $0.id == id }) else { return }
        slots[key]?.waiters.remove(at: index).resume(.failure(error))
    }

    func give(back lease: SessionLease<Session>, failed: Bool, counts: Bool = true) async {
        if counts {
            counters.commands += 1
            if failed { counters.errors += 1 }
        }
        let isUsable = await lease.session.isUsable
        guard var slot = slots[lease.key], slot.generation == lease.generation else { return }
        slot.touched = clock.now()
        slot.checked = slot.touched
        slot.lastUsed = clock.wall.now
        if counts { slot.commands += 1 }
        slot.state = isUsable ? .ready : .lost
        slots[lease.key] = slot
        if isUsable { serve(lease.key) } else { await replace(lease.key, lease.session) }
    }

    /// Lends a free session to the first who waits.
    func serve(_ key: SessionKey) {
        guard var slot = slots[key], case .ready = slot.state, !slot.isUnderCheck, let session = slot.session,
            let account = slot.account, !slot.waiters.isEmpty
        else { return }
        let waiter = slot.waiters.removeFirst()
        slot.state = .busy
        let lease = SessionLease(
            key: key, session: session, account: account, isFresh: slot.isFresh, generation: slot.generation)
        slot.isFresh = false
        slots[key] = slot
        waiter.resume(.success(lease))
    }

    /// A lost session's waiters did nothing yet: they get the session that takes its place.
    func replace(_ key: SessionKey, _ dead: Session) async {
        let waiters = slots[key]?.waiters ?? []
        slots[key]?.waiters = []
        slots[key]?.session = nil
        if !waiters.isEmpty, !isClosed {
            start(key)
            slots[key]?.waiters = waiters
        }
        await dead.close()
    }
}
