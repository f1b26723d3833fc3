import MMCore
import MMOperations
import MMSystem

/// Cleans up after AI clients that disappeared: an `mm-mcp` that is killed can't sign off.
///
/// Its running calls end with their connections, but its shells would remain, and so would its jobs that no principal
/// owns.
final class ClientWatch: Sendable {
    private struct Client {
        let process: ProcessIdentity
        let context: CallContext
    }

    private struct State {
        var clients: [String: Client] = [:]
        var work: Task<Void, Never>?
    }

    private let state = Mutex(State())
    private let pause: Duration
    private let forget: @Sendable (CallContext) async -> Void

    /// Creates a watch without clients.
    /// - Parameters:
    ///   - pause: the time between two checks.
    ///   - forget: ends what a client has left behind.
    init(pause: Duration = .seconds(2), forget: @escaping @Sendable (CallContext) async -> Void) {
        self.pause = pause
        self.forget = forget
    }

    deinit { state.withLock { $0.work }?.cancel() }

    /// Notes that a process made a call for a client of its own. Only AI clients are watched: others may come back as
    /// another process.
    func note(_ call: CallContext, from pid: Int32) {
        // A process in another container has no process id here; the end of its connection has to suffice.
        guard pid > 0, call.caller.surface == .mcp, call.sessionID != nil else { return }
        let key = call.shellOwner
        guard state.withLock({ $0.clients[key] == nil }) else { return }
        var context = CallContext(caller: call.caller, sessionID: call.sessionID)
        context.jobOwner = call.jobOwner
        let client = Client(
            process: ProcessIdentity(running: pid) ?? ProcessIdentity(pid: pid, startTime: 0), context: context)
        state.withLock { state in
            state.clients[key] = client
            guard state.work == nil else { return }
            state.work = Task { [weak self, pause] in
                while (try? await Task.sleep(for: pause)) != nil, await self?.look() == true {}
            }
        }
    }

    /// Notes that a client has signed off.
    func dismiss(_ call: CallContext) {
        _ = state.withLock { $0.clients.removeValue(forKey: call.shellOwner) }
    }

    /// Ends what the clients whose processes have ended left behind.
    /// - Returns: whether any client remains to be watched.
    private func look() async -> Bool {
        let clients = state.withLock { $0.clients }
        for (key, client) in clients where !client.process.isRunning {
            await forget(client.context)
            _ = state.withLock { $0.clients.removeValue(forKey: key) }
        }
        return state.withLock { state in
            if state.clients.isEmpty { state.work = nil }
            return state.work != nil
        }
    }
}
