import MMCore
import MMSessions

extension SessionServices {
    /// The interval at which the registry is looked at: removals are rare, and a look costs one call of the kernel.
    private static let interval = Duration.seconds(2)

    /// Signs a connection's sessions out, ends them, and forgets what is kept for them.
    /// - Returns: the keys of the ended sessions.
    func end(connection: String) async -> [SessionKey] {
        restorer.forget(connection: connection, module: nil)
        let ended = await sessions.disconnect(connection: connection)
        await variables.forget(connection: connection)
        return ended
    }

    /// Ends the sessions of connections that the registry no longer has, in whatever state they are: one that waits for
    /// its person would sign in a connection that is gone.
    func endRemoved() async {
        // Editors replace a file by moving it away first; whether it comes back is only seen then.
        guard let snapshot = try? registry.snapshot(), snapshot.revision != 0 else { return }
        let known = Set(snapshot.names)
        let isGone = { !known.contains($0) && snapshot.implied(named: $0) == nil }
        let gone = Set(await sessions.keys.map(\.connection)).filter(isGone)
        await Array(gone).concurrentForEach { _ = await end(connection: $0) }
        await shells.closeAll(withIdentityOf: isGone)
    }

    /// Ends the sessions of removed connections soon after their removal, whichever program removes them, until the
    /// task is cancelled.
    func watchRemovals() async {
        while !Task.isCancelled {
            await endRemoved()
            try? await Task.sleep(for: Self.interval)
        }
    }
}
