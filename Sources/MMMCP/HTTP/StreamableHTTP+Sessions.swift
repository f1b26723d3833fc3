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

    func open(_ principal: Principal) -> HTTPSession? {
        let now = ContinuousClock.now
        let session = HTTPSession(
            id: RandomBytes.text(bytes: 24), server: server, principal: principal, replayBytes: options.replayBytes,
            now: now, ended: options.sessionEnded
        )
        let (isOpen, evicted): (Bool, HTTPSession?) = state.withLock { state in
            guard !state.isStopped else { return (false, nil) }
            var evicted: HTTPSession?
            if state.sessions.count >= options.maxSessions {
                // A client that never ends its sessions must not lock out all others.
                let idlest = state.sessions.values.max { $0.idleTime(at: now) < $1.idleTime(at: now) }
                guard let idlest, idlest.idleTime(at: now) >= .seconds(60) else { return (false, nil) }
                state.sessions[idlest.id] = nil
                evicted = idlest
            }
            state.sessions[session.id] = session
            startSweeper(&state)
            return (true, evicted)
        }
        evicted?.close()
        return isOpen ? session : nil
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
