import MMCore
import MMOperations
import MMSystem

/// Cleans up after AI clients that vanished: an `mm-mcp` that is killed can't sign off.
///
/// Its calls under way end with their connections; its shells would stay, and its jobs where no principal has them.
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

    /// Watches nobody yet.
    /// - Parameters:
    ///   - pause: how long between two looks.
    ///   - forget: ends what a client has left.
    init(pause: Duration = .seconds(2), forget: @escaping @Sendable (CallContext) async -> Void) {
        self.pause = pause
        self.forget = forget
    }

    deinit { state.withLock { $0.work }?.cancel() }

    /// Notes that a process called for a client of its own. Others than AI clients may come back as another process.
    func note(_ call: CallContext, from pid: Int32) {
        // A process of another container has no number here; its connection's end has to do.
        guard pid > 0, call.caller.surface == .mcp, call.sessionID != nil else { return }
        let key = call.shellOwner
        guard state.withLock({ $0.clients[key] == nil }) else { return }
        var context = CallContext(caller: call.caller, sessionID: call.sessionID)
        context.principal = call.principal
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

    /// Ends what those have left whose processes are gone.
    /// - Returns: whether there is still somebody to watch.
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
