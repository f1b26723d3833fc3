import MMCore

/// What the router's operations ask of it.
extension IsolatedRouter {
    /// The pool of a connection that a server may use.
    /// - Throws: `notFound` with the names that there are.
    func pool(_ connection: String, for server: String?) throws(MMError) -> IsolatedPool {
        try pool(try registry.snapshot().connection(named: connection, for: server).name)
    }

    /// The pools that run, of connections that a server may use, by name.
    func running(for server: String?) async -> [(String, IsolatedPool)] {
        guard let names = try? names(for: server) else { return [] }
        var running: [(String, IsolatedPool)] = []
        for name in names {
            // Where containers run, their sockets say so; nobody has to have called them through this router.
            guard let pool = setup.sockets == nil ? pools[name] : try? pool(name) else { continue }
            if await pool.isRunning { running.append((name, pool)) }
        }
        return running
    }

    /// The other connections, and whether their pools are being brought back.
    func sleeping(for server: String?) async throws(MMError) -> [(String, Bool)] {
        let running = Set(await running(for: server).map(\.0))
        return try names(for: server).filter { !running.contains($0) }.map { ($0, returning.contains($0)) }
    }

    private func names(for server: String?) throws(MMError) -> [String] {
        let snapshot = try registry.snapshot()
        return (server.map { snapshot.visible(to: $0) } ?? snapshot.connections).map(\.name).sorted()
    }
}
