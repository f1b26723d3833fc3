import MMCore
import MMOperations

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
        // Asked at once: one that hangs holds up no other.
        return await withTaskGroup(of: (String, IsolatedPool)?.self) { group in
            for name in names { group.addTask { await self.running(name).map { (name, $0) } } }
            var found: [(String, IsolatedPool)] = []
            for await pool in group { if let pool { found.append(pool) } }
            return found.sorted { $0.0 < $1.0 }
        }
    }

    /// The pools that have written something down, of connections that a server may use, by name: those that run, and those that
    /// can be started to tell.
    func holding(for server: String?) async -> [(String, IsolatedPool)] {
        guard let names = try? names(for: server) else { return [] }
        var found: [(String, IsolatedPool)] = []
        for name in names {
            if sites.areStarted {
                if sites.hasRecords(name), let pool = try? pool(name) { found.append((name, pool)) }
            } else if let pool = await running(name) {
                found.append((name, pool))
            }
        }
        return found
    }

    /// The pool of a connection of the registry, where it runs; some run without this router's doing.
    func running(_ name: String) async -> IsolatedPool? {
        guard let pool = sites.areStarted ? pools[name] : try? pool(name), await pool.site.isRunning else { return nil }
        return pool
    }

    /// The connections whose pools are not among those that run, and whether they are being brought back.
    func sleeping(besides running: Set<String>, for server: String?) throws(MMError) -> [(String, Bool)] {
        try names(for: server).filter { !running.contains($0) }.map { ($0, returning.contains($0)) }
    }

    private func names(for server: String?) throws(MMError) -> [String] {
        let snapshot = try registry.snapshot()
        return (server.map { snapshot.visible(to: $0) } ?? snapshot.connections).map(\.name).sorted()
    }
}

extension LocalOperationService {
    /// The first answer of a pool that knows what is asked for; without pools, that of this process.
    func answer(
        after pools: [(String, IsolatedPool)], to operation: AnyOperation, _ arguments: JSONObject,
        in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        var refusal: MMError?
        for (_, pool) in pools {
            do throws(MMError) {
                return try await pool.call(operation, arguments, in: context)
            } catch {
                guard error.code == .notFound else { throw error }
                refusal = error
            }
        }
        if let refusal { throw refusal }
        return try await call(operation, arguments, in: context)
    }
}
