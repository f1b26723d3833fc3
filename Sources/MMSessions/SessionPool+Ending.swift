package import MMCore

extension SessionPool where Factory.Key == SessionKey {
    /// Ends sessions: all, those of a connection, or a single one.
    /// - Parameters:
    ///   - connection: the connection; `nil` for all.
    ///   - module: the module; `nil` for all modules of the connection.
    /// - Returns: the keys of the ended sessions.
    public func reset(connection: String? = nil, module: String? = nil) async -> [SessionKey] {
        let keys = keys(of: connection, module)
        for key in keys { await end(key, MMError(.cancelled, "The session \(key) was reset.")) }
        return keys
    }

    /// Ends the sessions of one of several people.
    /// - Returns: the keys of the ended sessions.
    package func reset(connection: String, module: String?, principal: String) async -> [SessionKey] {
        let keys = keys(of: connection, module).filter { $0.principal == principal }
        for key in keys { await end(key, MMError(.cancelled, "The session \(key) was reset.")) }
        return keys
    }

    /// Signs sessions out and ends them.
    /// - Parameters:
    ///   - connection: the connection.
    ///   - module: the module; `nil` for all modules of the connection.
    /// - Returns: the keys of the ended sessions.
    public func disconnect(connection: String, module: String? = nil) async -> [SessionKey] {
        await disconnect(keys(of: connection, module))
    }

    /// Signs the sessions of one of several people out and ends them.
    /// - Returns: the keys of the ended sessions.
    package func disconnect(connection: String, module: String?, principal: String) async -> [SessionKey] {
        await disconnect(keys(of: connection, module).filter { $0.principal == principal })
    }

    private func disconnect(_ keys: [SessionKey]) async -> [SessionKey] {
        let limit = settings.healthTimeout
        // After the command that is running, and before those that wait; they are dismissed when the session ends.
        let turns = await withTaskGroup(of: TurnQueue.Turn?.self) { group in
            for slot in keys.compactMap({ slots[$0] }) {
                guard slot.life.identity != nil, let session = slot.session else { continue }
                group.addTask {
                    // A session that doesn't respond is ended all the same.
                    try? await Bounded.run(
                        until: .after(limit), doing: "signing out", orElse: { await session.close() }
                    ) { () async throws(MMError) in
                        let turn = try await slot.turns.take(.after(limit), first: true)
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

    private func keys(of connection: String?, _ module: String?) -> [SessionKey] {
        slots.keys.filter { key in
            (connection == nil || key.connection == connection) && (module == nil || key.module == module)
        }.sorted()
    }
}

extension SessionPool {
    /// Ends a session, whatever it is doing.
    /// - Parameter reason: the error for those who wait for it.
    package func end(_ key: Key, _ reason: MMError) async {
        guard let slot = slots.removeValue(forKey: key) else { return }
        lastGeneration = max(lastGeneration, slot.life.generation)
        slot.opening?.cancel()
        slot.turns.close(reason)
        await slot.session?.close()
    }

    /// Ends all sessions and accepts no more calls.
    public func close() async {
        isClosed = true
        await withTaskGroup(of: Void.self) { group in
            for key in slots.keys {
                group.addTask { await self.end(key, MMError(.cancelled, "The pool is stopping.")) }
            }
        }
        await dropSpares { _ in true }
    }
}
