import Glibc
import MMCore
import MMPool
import MMSystem

/// Ends a user's pool.
struct PoolStopper: Sendable {
    private let finder: PoolFinder
    private let environment: [String: String]

    /// Creates a stopper for the pool of a user's files.
    init(environment: [String: String]) {
        self.environment = environment
        finder = PoolFinder(environment: environment)
    }

    /// Ends the pool and waits until it has gone.
    /// - Parameter force: whether to kill a pool that doesn't end.
    /// - Returns: whether a pool was running.
    /// - Throws: `unavailable` if the pool continues to run.
    func stop(force: Bool) async throws(MMError) -> Bool {
        let process: ProcessIdentity
        if case .running(let pool) = await finder.state() {
            process = pool.handshake.process
            _ = try? await pool.client.ask("POST", "/v1/pool/stop", [:])
        } else {
            // One that doesn't answer is ended by a signal, which a suspended process takes once it continues.
            guard let silent = recorded(), silent.signal(force ? SIGKILL : SIGTERM) else { return false }
            process = silent
            process.signal(SIGCONT)
        }
        let deadline = Deadline.after(try patience(force: force))
        while process.isRunning {
            if deadline.hasPassed {
                guard force else {
                    throw MMError(
                        .unavailable, "The pool (process \(process.pid)) does not end.",
                        hint: "Kill it with `mm pool stop --force`.", details: ["pool": "busy"])
                }
                process.signal(SIGKILL)
            }
            try? await Task.sleep(for: .milliseconds(20))
            if Task.isCancelled { throw MMError(.cancelled, "Waiting for the pool's end was cancelled.") }
        }
        return true
    }

    /// Returns how long the pool may take to end: it has some time for its calls, and needs some for its sessions.
    func patience(force: Bool) throws(MMError) -> Duration {
        try force ? .seconds(10) : PoolServeOptions.drainLimit(environment) + .seconds(100)
    }

    /// Returns the process of a pool that doesn't answer but holds its lock.
    private func recorded() -> ProcessIdentity? {
        guard FileLock.holder(of: finder.place.life) != nil,
            let bytes = try? ProtectedFile.read(finder.place.record, limit: 64 << 10),
            let json = try? JSONParser.parse(bytes), let handshake = PoolHandshake(json)
        else { return nil }
        return handshake.process.isRunning ? handshake.process : nil
    }
}
