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
    /// The highest number that an opening of a session that has ended had.
    var lastGeneration = 0
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

    private func lease(_ key: SessionKey, until deadline: Deadline, onPrompt: (@Sendable (JSONObject) -> Void)?)
        async throws(MMError) -> SessionLease<Session>
    {
        guard !isClosed else { throw MMError(.unavailable, "The pool is stopping.", retry: .after(.seconds(2))) }
        try deadline.check("waiting for the session \(key)")
        if let refusal = slots[key]?.untold {
            slots[key]?.untold = nil
            throw refusal
        }
        let slot =
            slots[key]
            ?? Slot(
                life: SessionLife(after: lastGeneration), createdAt: clock.wall.now, touched: clock.now(),
                checked: clock.now())
        slots[key] = slot
        var entry = try slot.turns.enter()
        while true {
            let turn = try await self.turn(entry, key, until: deadline, onPrompt)
            if let lease = await lend(key, turn) { return lease }
            guard slots[key]?.turns === slot.turns else {
                throw MMError(.cancelled, "The session \(key) was ended while the call waited.")
            }
            do throws(MMError) { try await makeRoom(for: key) } catch {
                forget(key, slot.turns, error)
                throw error
            }
            // Whoever finds that there is no session waits in front while it opens.
            entry = try slot.turns.enter(first: true)
            open(key, turn)
        }
    }

    /// Waits for the turn, or for what a person has to be told.
    private func turn(
        _ entry: TurnQueue.Entry, _ key: SessionKey, until deadline: Deadline,
        _ onPrompt: (@Sendable (JSONObject) -> Void)?
    ) async throws(MMError) -> TurnQueue.Turn {
        let place: TurnQueue.Place
        switch entry {
        case .turn(let turn): return turn
        case .place(let given): place = given
        }
        slots[key]?.callers.append(Slot<Session>.Caller(place: place, onPrompt: onPrompt))
        defer { slots[key]?.callers.removeAll { $0.place === place } }
        if case .signingIn(let prompt?)? = slots[key]?.life.state {
            guard let onPrompt else {
                // The code was shown before: what was approved since is known once the service has been asked again.
                let moment = min(deadline, .after(settings.approvalLimit))
                return try await place.turn(until: moment, orElse: Self.signInNeeded(prompt))
            }
            onPrompt(prompt)
        }
        return try await place.turn(until: deadline, orElse: deadline.exceeded("waiting for the session \(key)"))
    }

    /// The lease for whoever has the turn; `nil` when there is no session that can be used.
    private func lend(_ key: SessionKey, _ turn: TurnQueue.Turn) async -> SessionLease<Session>? {
        guard let slot = slots[key], slot.turns === turn.queue, let account = slot.life.identity,
            let session = slot.session
        else { return nil }
        let number = slot.life.generation
        guard await session.isUsable else {
            await lose(key, number)
            return nil
        }
        guard slots[key]?.life.generation == number, slots[key]?.life.identity != nil else { return nil }
        slots[key]?.isFresh = false
        return SessionLease(
            key: key, session: session, account: account, isFresh: slot.isFresh, generation: number, turn: turn)
    }

    /// There is no room for a session that was never opened: nobody needs to wait for it.
    private func forget(_ key: SessionKey, _ turns: TurnQueue, _ error: MMError) {
        guard let slot = slots[key], slot.turns === turns, case .off = slot.life.state else { return }
        slots[key] = nil
        turns.close(error)
    }

    /// The error that tells a caller what a person has to do.
    public static func signInNeeded(_ prompt: JSONObject) -> MMError {
        MMError(
            .signInNeeded, prompt["message"]?.string ?? "A person must sign in.",
            hint: "Sign in at the address with the code, then repeat the call.", retry: .after(.seconds(5)),
            details: prompt
        )
    }

    private func give(back lease: SessionLease<Session>, failed: Bool, counts: Bool = true) async {
        defer { lease.turn.giveBack() }
        if counts {
            counters.commands += 1
            if failed { counters.errors += 1 }
        }
        guard var slot = slots[lease.key], slot.life.generation == lease.generation else { return }
        slot.touched = clock.now()
        slot.checked = slot.touched
        slot.lastUsed = clock.wall.now
        if counts { slot.commands += 1 }
        slots[lease.key] = slot
        // The next one who has the turn looks anyway; what nobody waits for is cleared away now.
        if failed, await !lease.session.isUsable { await lose(lease.key, lease.generation) }
    }

    /// A session can't be used any more. Who waits did nothing yet: the first of them opens the one that takes its place.
    func lose(_ key: SessionKey, _ number: Int) async {
        guard slots[key]?.life.lost("It can't be used any more.", in: number) == true else { return }
        let session = slots[key]?.session
        slots[key]?.session = nil
        await session?.close()
    }
}
