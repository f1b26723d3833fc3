public import MMCore

/// Owns sessions: starts them, signs them in, lends each to one caller at a time in the order of requests, keeps them
/// alive and ends them.
///
/// If a sign-in needs a person, the callers get its details at once, and the session keeps waiting in the background. A
/// later call runs once the person has signed in.
public actor SessionPool<Factory: SessionFactory> {
    /// The type of the sessions' names.
    public typealias Key = Factory.Key
    /// The type of the sessions that the pool lends.
    public typealias Session = Factory.Session

    /// The way to open a session that doesn't exist yet, and its limits.
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
    /// The earliest time to retry a spare that could not be started.
    var spareFaults: [Key: Duration] = [:]
    /// The highest opening number of a session that has ended.
    var lastGeneration = 0
    var isClosed = false
    /// Counters of what the pool has done so far.
    package internal(set) var counters = PoolCounters()

    /// Creates an empty pool.
    /// - Parameters:
    ///   - factory: the creator of the sessions.
    ///   - settings: limits and timeouts.
    public init(factory: Factory, settings: PoolSettings = PoolSettings()) {
        self.init(factory: factory, settings: settings, clock: .system)
    }

    /// Creates an empty pool with clocks of its own.
    package init(factory: Factory, settings: PoolSettings = PoolSettings(), clock: PoolClock) {
        self.factory = factory
        self.settings = settings
        self.clock = clock
    }

    /// Runs work in a session with exclusive use of it, after starting it and signing it in if needed.
    /// - Parameters:
    ///   - key: the session.
    ///   - deadline: the deadline for getting the session.
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
    /// - Parameters:
    ///   - key: the session.
    ///   - deadline: the deadline for getting the session.
    ///   - onPrompt: called when a person is needed, while the call keeps waiting; if `nil`, the call throws instead.
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
    ///   - start: starts the session. It continues as long as a caller waits for it.
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
        await endObsoleteOpening(of: key)
        if let slot = slots[key], let (refusal, session) = slot.untold {
            slot.untold = nil
            // Who has signed in since needs not be told that an earlier code came to nothing.
            if await session?.isPromptObsolete == true {
                return try await lease(key, until: deadline, onPrompt: onPrompt, order)
            }
            // If another device code can help, the caller gets one at once, with the reason why the last one failed.
            guard [.signInNeeded, .deadlineExceeded].contains(refusal.code) else { throw refusal }
            slot.reason = refusal.message
        }
        let slot =
            slots[key]
            ?? Slot(
                life: SessionLife(after: lastGeneration), createdAt: clock.wall.now, touched: clock.now(),
                idleLimit: order.limits.idle)
        slots[key] = slot
        var entry = try slot.turns.enter()
        while true {
            let turn = try await self.turn(entry, key, until: deadline, onPrompt)
            if let lease = await lend(key, turn) { return lease }
            guard slots[key] === slot else {
                throw MMError(.cancelled, "The session \(key) ended while the call waited.")
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

    /// Ends an opening that waits for a person who has nothing to do any more. Its callers go on waiting, and the first
    /// of them opens the session again.
    private func endObsoleteOpening(of key: Key) async {
        guard let slot = slots[key], case .signingIn(_?) = slot.life.state, let session = slot.session else { return }
        let number = slot.life.generation
        guard await session.isPromptObsolete, case .signingIn(_?) = slot.life.state,
            slot.life.failed(MMError(.cancelled, "The code serves no more."), in: number)
        else { return }
        slot.session = nil
        slot.opening?.cancel()
        await session.close()
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
            if let onPrompt {
                onPrompt(prompt)
            } else {
                // Whoever repeats a call after approving the code waits until the service is asked the next time.
                let interval = Duration.seconds(prompt["interval"]?.int ?? 0)
                let told = min(deadline, .after(interval))
                return try await place.turn(until: told, orElse: Self.signInNeeded(prompt))
            }
        }
        return try await place.turn(until: deadline, orElse: deadline.exceeded("waiting for the session \(key)"))
    }

    /// Records that a caller has stopped waiting, for any reason.
    private func left(_ place: TurnQueue.Place, _ key: Key) {
        guard let slot = slots[key] else { return }
        slot.callers.removeAll { $0.place === place }
        if slot.callers.isEmpty, slot.life.isOpening, !settings.opensUnattended { slot.opening?.cancel() }
    }

    /// Returns the lease for the holder of the turn; `nil` if no session is usable.
    private func lend(_ key: Key, _ turn: TurnQueue.Turn) async -> SessionLease<Factory>? {
        guard let slot = slots[key], slot.turns === turn.queue, let account = slot.life.identity,
            let session = slot.session
        else { return nil }
        let number = slot.life.generation
        guard await session.isUsable else {
            await lose(key, number)
            return nil
        }
        guard slots[key] === slot, slot.life.generation == number, slot.life.identity != nil else { return nil }
        defer { (slot.isFresh, slot.isFirst) = (false, false) }
        return SessionLease(
            key: key, session: session, account: account, isFresh: slot.isFresh, isFirst: slot.isFirst,
            generation: number, turn: turn)
    }

    /// Removes a session that was never opened because there was no room, and ends its queue.
    private func forget(_ key: Key, _ turns: TurnQueue, _ error: MMError) {
        guard let slot = slots[key], slot.turns === turns, case .off = slot.life.state else { return }
        slots[key] = nil
        turns.close(error)
    }

    /// Returns the error that tells a caller which step a person must take.
    private static func signInNeeded(_ prompt: JSONObject) -> MMError {
        MMError(
            .signInNeeded, prompt["message"]?.string ?? "A person must sign in.",
            hint:
                "Sign in at the address with the code, then repeat the call. If somebody has just signed in, the service reports it "
                + "within seconds.",
            retry: .after(.seconds(5)), details: prompt
        )
    }

    private func give(back lease: SessionLease<Factory>, failed: Bool, counts: Bool = true) async {
        defer { lease.turn.release() }
        if counts {
            counters.commands += 1
            if failed { counters.errors += 1 }
        }
        guard let slot = slots[lease.key], slot.life.generation == lease.generation else { return }
        slot.touched = clock.now()
        slot.checked = slot.touched
        slot.lastUsed = clock.wall.now
        if counts { slot.commands += 1 }
        // The next holder of the turn checks the session anyway; without one, it is removed now.
        if failed, await !lease.session.isUsable { await lose(lease.key, lease.generation) }
    }

    /// Handles a session that has become unusable. Waiting callers have not started their work yet, and the first of
    /// them opens the replacement.
    func lose(_ key: Key, _ number: Int) async {
        let missing = await slots[key]?.session?.missingSignIn
        guard let slot = slots[key], slot.life.lost("It can no longer be used.", in: number) else { return }
        slot.missing = missing
        let session = slot.session
        slot.session = nil
        await session?.close()
    }
}

extension SessionPool where Factory.Key == SessionKey {
    /// Ends sessions: all, those of a connection, or a single one.
    /// - Parameters:
    ///   - connection: the connection; `nil` for all.
    ///   - module: the module; `nil` for all modules of the connection.
    ///   - signedIn: the person whose sessions end; `nil` for everybody's.
    /// - Returns: the keys of the ended sessions.
    public func reset(
        connection: String? = nil, module: String? = nil, signedIn: String? = nil
    ) async -> [SessionKey] {
        let keys = keys(of: connection, module, signedIn)
        await reset(keys)
        return keys
    }

    /// Ends these sessions.
    package func reset(_ keys: [SessionKey]) async {
        for key in keys { await end(key, MMError(.cancelled, "The session \(key) was reset.")) }
    }

    /// Ends the sessions that nobody uses or opens at the moment.
    package func resetUnused() async {
        // While one ends, a call may open or take another.
        for key in slots.keys where slots[key]?.turns.isTaken == false { await reset([key]) }
    }

    /// Signs sessions out and ends them.
    /// - Parameters:
    ///   - connection: the connection.
    ///   - module: the module; `nil` for all modules of the connection.
    ///   - signedIn: the person whose sessions end; `nil` for everybody's.
    /// - Returns: the keys of the ended sessions.
    public func disconnect(
        connection: String, module: String? = nil, signedIn: String? = nil
    ) async -> [SessionKey] {
        let keys = keys(of: connection, module, signedIn)
        let limit = settings.healthTimeout
        // Sign-out runs after the current command and before those that wait, which are dismissed when the session
        // ends.
        let turns = await withTaskGroup(of: TurnQueue.Turn?.self) { group in
            for slot in keys.compactMap({ slots[$0] }) {
                guard slot.life.identity != nil, let session = slot.session else { continue }
                let queue = slot.turns
                group.addTask {
                    // A session that doesn't respond in time is ended anyway.
                    try? await Bounded.run(
                        until: .after(limit), doing: "signing out", orElse: { await session.close() }
                    ) { () async throws(MMError) in
                        let turn = try await queue.take(.after(limit), first: true)
                        await session.signOut()
                        return turn
                    }
                }
            }
            var turns: [TurnQueue.Turn?] = []
            for await turn in group { turns.append(turn) }
            return turns
        }
        for key in keys { await end(key, MMError(.cancelled, "The session \(key) was disconnected.")) }
        for turn in turns { turn?.release() }
        return keys
    }

    private func keys(of connection: String?, _ module: String?, _ signedIn: String?) -> [SessionKey] {
        slots.keys.filter { $0.isMeant(by: connection, module: module, signedIn: signedIn) }.sorted()
    }
}

extension SessionPool {
    /// Ends a session in any state.
    /// - Parameter reason: the error for the callers that wait for it.
    package func end(_ key: Key, _ reason: MMError) async {
        guard let slot = slots.removeValue(forKey: key) else { return }
        lastGeneration = max(lastGeneration, slot.life.generation)
        slot.opening?.cancel()
        slot.turns.close(reason)
        await slot.session?.close()
    }

    /// Ends all sessions; afterwards no calls are accepted.
    public func close() async {
        isClosed = true
        await Array(slots.keys).concurrentForEach { await self.end($0, MMError(.cancelled, "The pool is stopping.")) }
        await dropSpares { _ in true }
    }
}

extension SessionPool {
    /// Returns the state of one session; `nil` if there is none. Unlike `reports`, it doesn't measure the process's
    /// memory.
    package func state(of key: Key) async -> SessionState? {
        guard let slot = slots[key] else { return nil }
        return await standing(slot)
    }

    /// Returns the state of a slot, after checking whether an unused session's process has ended.
    func standing(_ slot: Slot<Session>) async -> SessionState {
        guard let (session, _) = slot.idle, await !session.isUsable else { return slot.standing }
        return await session.missingSignIn.map { SessionState.failed($0) } ?? .lost
    }

    /// Removes an idle session whose process has ended.
    func noticeLoss(of key: Key) async {
        guard let (session, number) = slots[key]?.idle, let turn = slots[key]?.turns.takeIfFree() else { return }
        if await !session.isUsable { await lose(key, number) }
        turn.release()
    }

    /// Returns when a session was last used, whoever used it; `nil` if it never was.
    package func lastUse(of key: Key) -> Timestamp? { slots[key]?.lastUsed }

    /// The keys of all sessions, in whatever state they are.
    package var keys: [Key] { slots.keys.sorted() }

    /// Returns the current session, whether or not it is ready.
    package func current(_ key: Key) -> Session? { slots[key]?.session }

    /// Returns the current session if it is ready, even if it is in use, and marks it as used.
    package func ready(_ key: Key) -> Session? {
        guard let slot = slots[key], slot.life.identity != nil else { return nil }
        slot.touched = clock.now()
        return slot.session
    }

    /// Returns the sessions that are ready.
    package func readySessions(where isMeant: (Key) -> Bool) -> [Session] {
        slots.filter { isMeant($0.key) && $0.value.life.identity != nil }.compactMap(\.value.session)
    }

    /// Returns a share in the turn of a ready session, for work that runs in it without a caller. The session doesn't
    /// count as idle until the share is released.
    /// - Parameter isCommand: whether the work counts as a command.
    package func share(_ key: Key, isCommand: Bool) -> TurnQueue.Turn? {
        guard let slot = slots[key], slot.life.identity != nil else { return nil }
        slot.touched = clock.now()
        if isCommand {
            slot.commands += 1
            counters.commands += 1
        }
        return slot.turns.share()
    }

    /// Marks a session as used now.
    package func touch(_ key: Key) { slots[key]?.touched = clock.now() }

    /// Returns the number of callers that wait for a session.
    package func waiting(for key: Key) -> Int { slots[key]?.turns.waiting ?? 0 }

    /// Returns the account that signed in to a session.
    package func account(of key: Key) -> String? { slots[key]?.account }

    /// Returns when idle sessions last passed a health check.
    package func lastPings() -> [(key: Key, time: Timestamp)] {
        slots.sorted { $0.key < $1.key }.compactMap { key, slot in slot.lastPing.map { (key, $0) } }
    }
}

extension SessionPool {
    /// Starts and signs in a session in the background. The turn is released afterwards in every case.
    func open(_ key: Key, _ turn: TurnQueue.Turn, _ order: Order) {
        guard let slot = slots[key], slot.turns === turn.queue else { return }
        let wasLost = if case .lost = slot.life.state { true } else { false }
        guard let number = slot.life.beginOpening() else { return }
        counters.starts += 1
        if wasLost { counters.restarts += 1 }
        slot.isFresh = wasLost
        slot.isFirst = true
        slot.missing = nil
        slot.wasShown = false
        slot.idleLimit = order.limits.idle
        slot.account = nil
        slot.commands = 0
        slot.createdAt = clock.wall.now
        slot.lastUsed = nil
        slot.lastPing = nil
        slot.touched = clock.now()
        slot.checked = slot.touched
        slot.opening = Task {
            await self.bringUp(key, number, order)
            turn.release()
        }
    }

    private func bringUp(_ key: Key, _ number: Int, _ order: Order) async {
        do throws(MMError) {
            let session: Session
            if let spare = await takeSpare(key) {
                session = spare
            } else {
                session = try await startSession(key, order.start)
            }
            guard let turns = adopt(session, key, number) else { return await session.close() }
            await (session as? any LentSession)?.lend(through: turns)
            // The steps are processed in order, so that a code is never shown after its approval.
            let (steps, told) = AsyncStream<SignInStep>.makeStream()
            let following = Task { for await step in steps { noteStep(step, key, number) } }
            let outcome = await Result { () async throws(MMError) in
                try await session.connect { told.yield($0) }
            }
            told.finish()
            await following.value
            connected(key, number, as: try outcome.get())
        } catch {
            await failed(key, number, error, wasCalledOff: Task.isCancelled)
        }
    }

    /// Returns the factory's way of opening a session.
    func standardOrder(for key: Key) -> Order {
        let factory = factory
        return Order(limits: settings.limits) { () async throws(MMError) in try await factory.start(key) }
    }

    func startSession(
        _ key: Key, _ start: @escaping @Sendable () async throws(MMError) -> Session
    ) async throws(MMError) -> Session {
        try await Bounded.run(
            until: settings.startTimeout.map { .after($0) } ?? .never, doing: "starting the session \(key)",
            dropping: { await $0.close() }, start)
    }

    private func adopt(_ session: Session, _ key: Key, _ number: Int) -> TurnQueue? {
        guard let slot = slots[key], slot.life.signIn(nil, in: number) else { return nil }
        slot.session = session
        slot.touched = clock.now()
        return slot.turns
    }

    private func noteStep(_ step: SignInStep, _ key: Key, _ number: Int) {
        guard case .personNeeded(var prompt) = step else {
            slots[key]?.life.signIn(nil, in: number)
            return
        }
        guard let slot = slots[key], slot.life.signIn(prompt, in: number) else { return }
        slot.wasShown = true
        if let reason = slot.reason, !slot.callers.isEmpty {
            // The reason is given only once, to the first caller that gets the new code.
            slot.reason = nil
            prompt["message"] = .string([reason, prompt["message"]?.string].compactMap(\.self).joined(separator: " "))
            prompt["reason"] = .string(reason)
        }
        slot.touched = clock.now()
        for caller in slot.callers {
            if let onPrompt = caller.onPrompt {
                onPrompt(prompt)
            } else {
                caller.place.dismiss(Self.signInNeeded(prompt))
            }
        }
    }

    private func connected(_ key: Key, _ number: Int, as account: String) {
        guard let slot = slots[key], slot.life.opened(account, in: number) else { return }
        counters.signIns += 1
        // It belonged to a code that this opening didn't need.
        slot.reason = nil
        slot.account = account
        slot.touched = clock.now()
        slot.checked = slot.touched
    }

    private func failed(_ key: Key, _ number: Int, _ error: MMError, wasCalledOff: Bool) async {
        guard let slot = slots[key], slot.life.failed(error, in: number) else { return }
        let wasShown = slot.wasShown
        let session = slot.session
        slot.session = nil
        guard settings.opensUnattended else {
            // All waiting callers are told why opening failed. After a cancellation by the callers that started it, the
            // next one opens the session again instead.
            if !wasCalledOff || slot.turns.waiting == 0 {
                slots[key] = nil
                lastGeneration = max(lastGeneration, number)
                slot.turns.close(error)
            }
            await session?.close()
            return
        }
        // The caller that showed the code has left while the person signs in. The next call gets the error; otherwise
        // it would ask for another sign-in, endlessly.
        let isWaitedFor = slot.turns.waiting > 0
        slot.untold = !isWaitedFor && wasShown && error.code != .cancelled ? (error, session) : nil
        slot.touched = clock.now()
        // If another device code can help, the waiting callers get it, with the reason why the last one failed; the
        // first of them opens the session anew. This also applies to callers with a person that came during an
        // unattended attempt. Unattended callers get the error.
        let asksAgain =
            error.code == .signInNeeded && (wasShown || Attendance.isUnattended)
            && slot.callers.contains { !$0.isUnattended }
        if asksAgain, wasShown { slot.reason = error.message }
        if asksAgain {
            for caller in slot.callers where caller.isUnattended { caller.place.dismiss(error) }
        } else {
            slot.turns.dismiss(error)
        }
        await session?.close()
    }

    /// Ends the session that has been idle longest if the pool, or an owner's share of it, is full. One of the
    /// owner's own that nothing would be lost with may be ended at once.
    func makeRoom(for key: Key, _ limits: SessionLimits) async throws(MMError) {
        let live = slots.filter { $0.key != key && ($0.value.session != nil || $0.value.life.isOpening) }
        let own = live.filter { $0.key.owner == key.owner }
        let isOwnersLimit = limits.perOwner.map { own.count >= $0 } ?? false
        guard isOwnersLimit || live.count >= limits.total else { return }
        // Sessions in use are never ended, nor are those of other owners because of one owner's limit.
        let now = clock.now()
        let idle = (isOwnersLimit ? own : live).filter { $0.value.idle != nil }.sorted {
            $0.value.touched < $1.value.touched
        }
        var oldest = idle.first { now - $0.value.touched >= limits.evictableAfter }?.key
        for (other, slot) in idle where oldest == nil && other.owner == key.owner {
            guard await (slot.session as? any ReplaceableSession)?.isReplaceable == true else { continue }
            // It may have been used or ended meanwhile.
            if slots[other] === slot, slot.idle != nil { oldest = other }
        }
        guard let oldest else {
            let unused =
                limits.evictableAfter > .zero
                ? "none of them has been unused for \(limits.evictableAfter.components.seconds) s" : "all are in use"
            throw MMError(
                .limitExceeded,
                isOwnersLimit
                    ? "There are already \(own.count) sessions, the limit for one client, and \(unused)."
                    : "There are already \(live.count) sessions, the limit, and \(unused).",
                hint:
                    "Use an existing one, wait for one to finish, end one that is no longer needed (`mm sessions` lists "
                    + "them), or raise \(isOwnersLimit ? limits.names.perOwner : limits.names.total).",
                retry: .after(.seconds(10))
            )
        }
        counters.reaped += 1
        await end(oldest, MMError(.cancelled, "The session \(oldest) was closed to make room for another."))
    }
}

extension SessionPool {
    /// Keeps a started session that isn't signed in ready for each of these keys, so that the first call doesn't wait
    /// for a start.
    ///
    /// A key that has a session needs no spare. A spare that can't be started is tried again later.
    package func keepSpares(for keys: some Sequence<Key>) async {
        spareKeys = Set(keys)
        await dropSpares { !self.spareKeys.contains($0) }
        await fillSpares()
    }

    /// The keys whose spare is ready to sign in.
    package var readySpares: [Key] { spares.keys.sorted() }

    func fillSpares() async {
        let now = clock.now()
        for (key, spare) in spares where await !spare.isSpare {
            // Another call may have taken or replaced it during the check: who removes a spare closes it.
            await spares.removeValue(forKey: key)?.close()
        }
        for key in spareKeys.sorted() where spares[key] == nil && slots[key] == nil && !isClosed {
            if let again = spareFaults[key], now < again { continue }
            guard spares.count < settings.maxSpares else { return }
            do throws(MMError) {
                let start = standardOrder(for: key).start
                let spare = try await startSession(key) { () async throws(MMError) in
                    let session = try await start()
                    do throws(MMError) { try await session.warmUp() } catch {
                        await session.close()
                        throw error
                    }
                    return session
                }
                spareFaults[key] = nil
                if isClosed || !spareKeys.contains(key) || spares[key] != nil || slots[key] != nil {
                    await spare.close()
                } else {
                    spares[key] = spare
                }
            } catch {
                spareFaults[key] = now + settings.spareRetryDelay
            }
        }
    }

    /// Returns a key's spare if it can still be signed in.
    func takeSpare(_ key: Key) async -> Session? {
        guard let spare = spares.removeValue(forKey: key) else { return nil }
        if await spare.isSpare { return spare }
        await spare.close()
        return nil
    }

    func dropSpares(_ isUnwanted: (Key) -> Bool) async {
        let unwanted = spares.filter { isUnwanted($0.key) }
        for key in unwanted.keys { spares[key] = nil }
        for spare in unwanted.values { await spare.close() }
    }
}

extension SessionPool {
    /// Returns reports about all sessions, sorted by name.
    public func reports() async -> [SessionReport<Key>] { await reports { _ in true } }

    /// Returns reports about some sessions, sorted by name.
    package func reports(where isMeant: (Key) -> Bool) async -> [SessionReport<Key>] {
        var reports: [SessionReport<Key>] = []
        for (key, slot) in slots.filter({ isMeant($0.key) }).sorted(by: { $0.key < $1.key }) {
            reports.append(
                SessionReport(
                    key: key, state: await standing(slot), account: slot.account, createdAt: slot.createdAt,
                    lastUsed: slot.lastUsed, commands: slot.commands, waiting: slot.turns.waiting,
                    memory: await slot.session?.memory, engine: await slot.session?.engine,
                    idle: slot.turns.isTaken ? .zero : clock.now() - slot.touched))
        }
        return reports
    }

    /// Returns the signed-in accounts, without asking the sessions.
    package func accounts() -> [Key: String] {
        var accounts: [Key: String] = [:]
        for (key, slot) in slots { accounts[key] = slot.life.identity }
        return accounts
    }

    /// Maintains the sessions until the task is cancelled.
    /// - Parameter tick: the interval; `nil` for the one in the settings.
    public func runMaintenance(every tick: Duration? = nil) async {
        while !Task.isCancelled {
            await runMaintenancePass()
            try? await Task.sleep(for: tick ?? settings.maintenanceInterval)
        }
    }

    /// Maintains the sessions once: removes unused ones and checks the health of idle ones.
    package func runMaintenancePass() async {
        for key in slots.keys { await noticeLoss(of: key) }
        let now = clock.now()
        for key in slots.keys {
            // Others use the sessions while one of them ends.
            guard let slot = slots[key] else { continue }
            let rest = now - slot.touched
            switch slot.life.state {
            case .off, .starting, .signingIn, .failed, .lost, .closed:
                // Without an opening that holds the turn, a caller has it who is about to begin one.
                guard rest >= settings.pendingTimeout, slot.life.isOpening || !slot.turns.isTaken else { continue }
                counters.reaped += 1
                await end(key, MMError(.deadlineExceeded, "The sign-in timed out: \(key)."))
            case .ready:
                guard rest >= slot.idleLimit, slot.idle != nil else { continue }
                counters.reaped += 1
                await end(key, MMError(.cancelled, "The session \(key) was idle for too long."))
            }
        }
        await keepAlive(now)
        await fillSpares()
    }

    /// Checks all idle sessions at the same time, so that one that hangs doesn't delay the others. Each check holds the
    /// turn of its session, and is cancelled when a caller arrives.
    private func keepAlive(_ now: Duration) async {
        let (limit, grace) = (settings.healthTimeout, settings.healthGrace)
        await withTaskGroup(of: Void.self) { group in
            for (key, slot) in slots where now - slot.checked >= settings.keepAliveAfter {
                guard let (session, number) = slot.idle, let turn = slot.turns.takeIfFree() else { continue }
                counters.keepAlives += 1
                group.addTask {
                    let outcome = await Result { () async throws(MMError) in
                        // A session that doesn't react to cancellation is ended, so that it doesn't delay the others.
                        // One that does is kept: the time may have passed while the machine slept.
                        try await Bounded.run(
                            until: .after(limit), doing: "the health check of \(key)", heedingWithin: grace,
                            orElse: { await session.close() }
                        ) { () async throws(MMError) in try await session.checkHealth() }
                    }
                    var fault: MMError?
                    if case .failure(let error) = outcome { fault = error }
                    await self.checked(key, number, fault, isUsable: await session.isUsable)
                    turn.release()
                }
            }
        }
    }

    /// Ends a session at once if its check failed permanently, so that none of its late output reaches the next caller.
    /// After any other fault the session is kept.
    private func checked(_ key: Key, _ number: Int, _ fault: MMError?, isUsable: Bool) async {
        guard let slot = slots[key], slot.life.generation == number else { return }
        slot.checked = clock.now()
        guard let fault else {
            slot.lastPing = clock.wall.now
            return
        }
        counters.keepAliveFailures += 1
        if !isUsable || [.signInNeeded, .sessionLost, .forbidden].contains(fault.code) { await lose(key, number) }
    }
}
