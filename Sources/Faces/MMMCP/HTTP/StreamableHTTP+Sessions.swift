import MMCore

/// The sessions of the legacy era: finds, opens and closes them, and ends abandoned ones.
extension StreamableHTTP {
    /// Returns the session that a request names, or 400 for a request that names none and 404 for a session that
    /// doesn't exist or belongs to another principal.
    func find(_ request: MCPHTTPRequest, _ principal: Principal) -> Result<HTTPSession, HTTPAdmission.Refusal> {
        let names = request.values(of: "Mcp-Session-Id")
        guard let name = names.first, names.count == 1 else {
            return .failure(
                HTTPAdmission.Refusal(
                    400,
                    names.isEmpty
                        ? "The header Mcp-Session-Id is missing: send initialize first, then the id that its answer names."
                        : "The header Mcp-Session-Id came \(names.count) times: send it once."))
        }
        guard let session = state.withLock({ $0.sessions[name] }), session.principal == principal else {
            return .failure(HTTPAdmission.Refusal(404, "There is no such session; initialize a new one."))
        }
        session.touch(at: .now)
        return .success(session)
    }

    /// Why there is no session for a client.
    enum NoRoom: Error, Sendable {
        /// Its principal has as many as one may have.
        case own
        /// All together have as many as there may be.
        case all
    }

    /// Opens a session. Where there are too many, one goes that nobody has finished to open, else the one that was idle for
    /// longest, a minute at least: a client that never ends its sessions must lock out neither itself nor others.
    func open(_ principal: Principal) throws(NoRoom) -> HTTPSession {
        let now = ContinuousClock.now
        let session = HTTPSession(
            id: RandomBytes.text(bytes: 24), server: server, principal: principal, replayBytes: options.replayBytes,
            now: now, ended: options.sessionEnded
        )
        let (refusal, evicted): (NoRoom?, HTTPSession?) = state.withLock { state in
            guard !state.isStopped else { return (.all, nil) }
            var evicted: HTTPSession?
            let own = options.maxSessionsPerPrincipal.map { most in
                (most, state.sessions.values.filter { $0.principal == principal })
            }
            if let (most, sessions) = own, sessions.count >= most {
                evicted = Self.idlest(of: sessions, at: now)
                guard evicted != nil else { return (.own, nil) }
            } else if state.sessions.count >= options.maxSessions {
                evicted = Self.idlest(of: Array(state.sessions.values), at: now)
                guard evicted != nil else { return (.all, nil) }
            }
            if let evicted { state.sessions[evicted.id] = nil }
            state.sessions[session.id] = session
            startSweeper(&state)
            return (nil, evicted)
        }
        evicted?.close()
        if let refusal { throw refusal }
        return session
    }

    /// The session that was idle for longest: of those whose clients never came back after the first answer, if that is a second,
    /// else of all, if that is a minute.
    private static func idlest(of sessions: [HTTPSession], at now: ContinuousClock.Instant) -> HTTPSession? {
        func idlest(_ sessions: [HTTPSession], _ least: Duration) -> HTTPSession? {
            let idlest = sessions.max { $0.idleTime(at: now) < $1.idleTime(at: now) }
            return idlest.flatMap { $0.idleTime(at: now) >= least ? $0 : nil }
        }
        return idlest(sessions.filter { !$0.isUsed }, .seconds(1)) ?? idlest(sessions, .seconds(60))
    }

    func close(_ session: HTTPSession) {
        _ = state.withLock { $0.sessions.removeValue(forKey: session.id) }
        session.close()
    }

    private func startSweeper(_ state: inout State) {
        guard state.sweeper == nil else { return }
        let pause = options.sessionIdle / 4
        state.sweeper = Task { [weak self] in
            while (try? await Task.sleep(for: pause)) != nil {
                guard let self, self.sweep() else { return }
            }
        }
    }

    /// Ends the sessions that have been idle for too long.
    /// - Returns: whether any sessions remain.
    private func sweep() -> Bool {
        let now = ContinuousClock.now
        let (idle, goesOn): ([HTTPSession], Bool) = state.withLock { state in
            let idle = state.sessions.values.filter { $0.idleTime(at: now) >= options.sessionIdle }
            for session in idle { state.sessions[session.id] = nil }
            if state.sessions.isEmpty { state.sweeper = nil }
            return (idle, !state.sessions.isEmpty)
        }
        for session in idle { session.close() }
        return goesOn
    }
}
