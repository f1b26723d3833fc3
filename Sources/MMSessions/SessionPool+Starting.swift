import MMCore

extension SessionPool {
    func start(_ key: SessionKey) {
        lastGeneration += 1
        let generation = lastGeneration
        var wasLost = false
        if case .lost? = slots[key]?.state { wasLost = true }
        counters.starts += 1
        if wasLost { counters.restarts += 1 }
        let now = clock.now()
        var slot = Slot<Session>(
            generation: generation, isFresh: wasLost, createdAt: clock.wall.now, touched: now, checked: now)
        slot.bringUp = Task { await bringUp(key, generation) }
        slots[key] = slot
    }

    func bringUp(_ key: SessionKey, _ generation: Int) async {
        do throws(MMError) {
            let session: Session
            if let spare = await takeSpare(key) {
                session = spare
            } else {
                session = try await startSession(key)
            }
            guard adopt(session, key, generation) else { return await session.close() }
            let account = try await session.connect { prompt in
                Task { await self.prompted(key, generation, prompt) }
            }
            connected(key, generation, as: account)
        } catch {
            await failed(key, generation, error)
        }
    }

    func startSession(_ key: SessionKey) async throws(MMError) -> Session {
        let limit = Deadline.after(settings.startLimit)
        let factory = factory
        return try await Bounded.run(
            until: limit, doing: "starting the session \(key)", dropping: { await $0.close() }
        ) { () async throws(MMError) in try await factory.start(key) }
    }

    func adopt(_ session: Session, _ key: SessionKey, _ generation: Int) -> Bool {
        guard slots[key]?.generation == generation else { return false }
        slots[key]?.session = session
        slots[key]?.state = .signingIn(prompt: nil)
        slots[key]?.touched = clock.now()
        return true
    }

    func prompted(_ key: SessionKey, _ generation: Int, _ prompt: JSONObject) {
        guard var slot = slots[key], slot.generation == generation, case .signingIn = slot.state else { return }
        slot.state = .signingIn(prompt: prompt)
        slot.touched = clock.now()
        let leaving = slot.waiters.filter { $0.onPrompt == nil }
        slot.waiters.removeAll { $0.onPrompt == nil }
        slots[key] = slot
        for waiter in leaving { waiter.resume(.failure(Self.signInNeeded(prompt))) }
        for waiter in slot.waiters { waiter.onPrompt?(prompt) }
    }

    func connected(_ key: SessionKey, _ generation: Int, as account: String) {
        guard var slot = slots[key], slot.generation == generation else { return }
        counters.signIns += 1
        slot.state = .ready
        slot.account = account
        slot.touched = clock.now()
        slot.checked = slot.touched
        slots[key] = slot
        serve(key)
    }

    func failed(_ key: SessionKey, _ generation: Int, _ error: MMError) async {
        guard var slot = slots[key], slot.generation == generation else { return }
        let waiters = slot.waiters
        let session = slot.session
        slot.waiters = []
        slot.session = nil
        slot.state = .failed(error)
        // Whoever saw the code has gone to sign in: the next call is told, or it would ask for a sign-in without end.
        slot.untold = waiters.isEmpty && error.code == .forbidden ? error : nil
        slot.touched = clock.now()
        slots[key] = slot
        for waiter in waiters { waiter.resume(.failure(error)) }
        await session?.close()
    }

    /// Ends the longest idle session when the pool is full.
    func makeRoom(for key: SessionKey) async throws(MMError) {
        let live = slots.filter { $0.value.session != nil || $0.value.bringUp != nil && !Self.isOver($0.value.state) }
        var full = live.count >= settings.mostSessions && live[key] == nil
        if !full, let most = settings.mostMemory { full = await totalMemory() > most }
        guard full else { return }
        let idle = live.filter { if case .ready = $0.value.state { $0.value.waiters.isEmpty } else { false } }
        guard let oldest = idle.min(by: { $0.value.touched < $1.value.touched })?.key else {
            throw MMError(
                .limitExceeded, "The pool is full: \(live.count) sessions, none of them idle.",
                hint: "Wait for one to finish, end one with `mm disconnect`, or raise the limit.",
                retry: .after(.seconds(10))
            )
        }
        counters.reaped += 1
        await end(oldest, MMError(.cancelled, "The session \(oldest) made room for another."))
    }

    static func isOver(_ state: SessionState) -> Bool {
        switch state {
        case .failed, .lost, .stopped: true
        default: false
        }
    }

    func totalMemory() async -> Int {
        var sum = 0
        for session in slots.values.compactMap(\.session) { sum += await session.memory ?? 0 }
        return sum
    }
}
