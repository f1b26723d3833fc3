public import MMCore

/// Owns sessions: starts them, signs them in, lends each to one caller at a time in the order of requests, keeps them
/// alive and ends them.
///
/// A session that needs a person answers its callers at once with the details of the sign-in and keeps waiting in the
/// background. The same call made later simply runs.
public actor SessionPool<Factory: SessionFactory> {
    /// The type of the sessions' names.
    public typealias Key = Factory.Key
    /// The type of the sessions that the pool lends.
    public typealias Session = Factory.Session

    /// How to open a session that doesn't exist yet.
    struct Order: Sendable {
        let limits: SessionLimits
        let start: @Sendable () async throws(MMError) -> Session
    }

    let factory: Factory
    package let settings: PoolSettings
    let clock: PoolClock
    var slots: [Key: Slot<Session>] = [:]
    var spares: [Key: Session] = [:]
    var spareKeys: Set<Key> = []
    /// When to retry a spare that could not be started.
    var spareFaults: [Key: Duration] = [:]
    /// The highest opening number of a session that has ended.
    var lastGeneration = 0
    var isClosed = false
    /// Counters of what the pool has done so far.
    public internal(set) var counters = PoolCounters()

    /// Creates an empty pool.
    /// - Parameters:
    ///   - factory: creates the sessions.
    ///   - settings: limits and timeouts.
    ///   - clock: the clocks to use.
    public init(factory: Factory, settings: PoolSettings = PoolSettings(), clock: PoolClock = .system) {
        self.factory = factory
        self.settings = settings
        self.clock = clock
    }

    /// Runs work in a session with exclusive use of it, after starting it and signing it in if needed.
    /// - Parameters:
    ///   - key: the session.
    ///   - deadline: how long to wait for it.
    ///   - onPrompt: called when a person is needed, while the call keeps waiting; if `nil`, the call throws instead.
    ///   - work: the work to do in the session.
    /// - Throws: `sign_in_needed` with the details of the sign-in, `deadline_exceeded`, `cancelled`, `limit_exceeded`,
    ///   or the error of the start, the sign-in or the work.
    public func withSession<Result: Sendable>(
        _ key: Key, until deadline: Deadline = .never, onPrompt: (@Sendable (JSONObject) -> Void)? = nil,
        _ work: @Sendable (SessionLease<Factory>) async throws(MMError) -> Result
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
        _ key: Key, until deadline: Deadline = .never, onPrompt: (@Sendable (JSONObject) -> Void)? = nil
    ) async throws(MMError) -> String {
        let lease = try await lease(key, until: deadline, onPrompt: onPrompt)
        await give(back: lease, failed: false, counts: false)
        return lease.account
    }

    /// Returns a session whose commands wait in its own queue, opened if there is none. Running commands don't delay
    /// this call; each holds a share in the turn (``share(_:isCommand:)``), so that its session doesn't count as idle.
    /// - Parameters:
    ///   - key: the session.
    ///   - limits: the limits for the number and idle time of such sessions.
    ///   - start: starts the session. It continues as long as somebody waits for it.
    /// - Returns: the session, and whether it was opened for this caller.
    /// - Throws: as `withSession`.
    package func session(
        _ key: Key, limits: SessionLimits, start: @escaping @Sendable () async throws(MMError) -> Session
    ) async throws(MMError) -> (session: Session, isNew: Bool) {
        if let session = ready(key), await session.isUsable { return (session, false) }
        let lease = try await lease(key, until: .never, onPrompt: nil, Order(limits: limits, start: start))
        await give(back: lease, failed: false, counts: false)
        return (lease.session, lease.isFirst)
    }

    private func lease(
        _ key: Key, until deadline: Deadline, onPrompt: (@Sendable (JSONObject) -> Void)?, _ order: Order? = nil
    ) async throws(MMError) -> SessionLease<Factory> {
        let order = order ?? standardOrder(for: key)
        guard !isClosed else { throw MMError(.unavailable, "The pool is stopping.", retry: .after(.seconds(2))) }
        try deadline.check("waiting for the session \(key)")
        if let refusal = slots[key]?.untold {
            slots[key]?.untold = nil
            // Where another code mends it, that one comes at once, with why the last came to nothing.
            guard [.signInNeeded, .deadlineExceeded].contains(refusal.code) else { throw refusal }
            slots[key]?.reason = refusal.message
        }
        let slot =
            slots[key]
            ?? Slot(
                life: SessionLife(after: lastGeneration), createdAt: clock.wall.now, touched: clock.now(),
                idleLimit: order.limits.idle, checked: clock.now())
        slots[key] = slot
        var entry = try slot.turns.enter()
        while true {
            let turn = try await self.turn(entry, key, until: deadline, onPrompt)
            if let lease = await lend(key, turn) { return lease }
            guard slots[key]?.turns === slot.turns else {
                throw MMError(.cancelled, "The session \(key) was ended while the call waited.")
            }
            do throws(MMError) { try await makeRoom(for: key, order.limits) } catch {
                forget(key, slot.turns, error)
                throw error
            }
            // The caller who finds no session waits at the head of the queue while it is opened.
            entry = try slot.turns.enter(first: true)
            open(key, turn, order)
        }
    }

    /// Waits for the turn, or for a message that a person must see.
    private func turn(
        _ entry: TurnQueue.Entry, _ key: Key, until deadline: Deadline,
        _ onPrompt: (@Sendable (JSONObject) -> Void)?
    ) async throws(MMError) -> TurnQueue.Turn {
        let place: TurnQueue.Place
        switch entry {
        case .turn(let turn): return turn
        case .place(let given): place = given
        }
        slots[key]?.callers.append(
            Slot<Session>.Caller(place: place, onPrompt: onPrompt, isUnattended: Attendance.isUnattended))
        defer { left(place, key) }
        if case .signingIn(let prompt?)? = slots[key]?.life.state {
            guard let onPrompt else {
                // The code was shown before. Whether it was approved since is known once the service has been polled
                // again.
                let moment = min(deadline, .after(settings.approvalTimeout))
                return try await place.turn(until: moment, orElse: Self.signInNeeded(prompt))
            }
            onPrompt(prompt)
        }
        return try await place.turn(until: deadline, orElse: deadline.exceeded("waiting for the session \(key)"))
    }

    /// Records that a caller stopped waiting, for whatever reason.
    private func left(_ place: TurnQueue.Place, _ key: Key) {
        guard var slot = slots[key] else { return }
        slot.callers.removeAll { $0.place === place }
        slots[key] = slot
        if slot.callers.isEmpty, slot.life.isOpening, !settings.opensUnattended { slot.opening?.cancel() }
    }

    /// Returns the lease for the holder of the turn; `nil` if there is no usable session.
    private func lend(_ key: Key, _ turn: TurnQueue.Turn) async -> SessionLease<Factory>? {
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
        slots[key]?.isFirst = false
        return SessionLease(
            key: key, session: session, account: account, isFresh: slot.isFresh, isFirst: slot.isFirst,
            generation: number, turn: turn)
    }

    /// Removes a session that was never opened because there is no room: nobody needs to wait for it.
    private func forget(_ key: Key, _ turns: TurnQueue, _ error: MMError) {
        guard let slot = slots[key], slot.turns === turns, case .off = slot.life.state else { return }
        slots[key] = nil
        turns.close(error)
    }

    /// Returns the error that tells a caller what a person has to do.
    public static func signInNeeded(_ prompt: JSONObject) -> MMError {
        MMError(
            .signInNeeded, prompt["message"]?.string ?? "A person must sign in.",
            hint: "Sign in at the address with the code, then repeat the call.", retry: .after(.seconds(5)),
            details: prompt
        )
    }

    private func give(back lease: SessionLease<Factory>, failed: Bool, counts: Bool = true) async {
        defer { lease.turn.release() }
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
        // The next holder of the turn checks anyway; a session that nobody waits for is removed now.
        if failed, await !lease.session.isUsable { await lose(lease.key, lease.generation) }
    }

    /// Handles a session that has become unusable. Waiting callers have not done anything yet: the first of them opens
    /// the replacement.
    func lose(_ key: Key, _ number: Int) async {
        let missing = await slots[key]?.session?.missingSignIn
        guard slots[key]?.life.lost("It can no longer be used.", in: number) == true else { return }
        slots[key]?.missing = missing
        let session = slots[key]?.session
        slots[key]?.session = nil
        await session?.close()
    }
}
