import MMCore
import MMSystem

/// The connections of this process: one to a host, shared by its sessions, and a further one only when the host opens no
/// more channels over it.
public actor SSHMasters {
    private struct Held {
        let master: SSHMaster
        var sessions: Int
        var limit: Int
    }

    private var held: [SSHTarget: [Held]] = [:]
    private var turns: [SSHTarget: ShellTurns] = [:]
    private let environment: [String: String]
    private let temporaryDirectory: String

    /// sshd opens ten channels over a connection by default (sshd_config(5), MaxSessions); two are kept for short calls.
    private static let usualLimit = 8

    /// No connection yet.
    /// - Parameter environment: what ssh sees; see `ShellEnvironment.scrubbed`.
    public init(environment: [String: String]) {
        self.environment = environment
        temporaryDirectory = environment["XDG_RUNTIME_DIR"] ?? environment["TMPDIR"] ?? "/tmp"
    }

    /// A connection with room for one more session.
    /// - Parameter full: a connection that has just refused a channel.
    func acquire(_ target: SSHTarget, besides full: SSHMaster? = nil, deadline: Deadline) async throws(MMError)
        -> SSHMaster
    {
        let turn = turns[target] ?? ShellTurns()
        turns[target] = turn
        try await turn.take(until: deadline)
        defer { turn.leave() }
        if let full, let index = held[target]?.firstIndex(where: { $0.master === full }) {
            let most = held[target]?[index].sessions ?? 0
            held[target]?[index].limit = most
        }
        held[target]?.removeAll { !$0.master.isAlive }
        if let index = held[target]?.firstIndex(where: { $0.sessions < $0.limit && $0.master !== full }),
            let master = held[target]?[index].master
        {
            held[target]?[index].sessions += 1
            return master
        }
        let master = try await SSHMaster.connect(
            target, environment: environment, temporaryDirectory: temporaryDirectory, deadline: deadline)
        held[target, default: []].append(Held(master: master, sessions: 1, limit: Self.usualLimit))
        return master
    }

    /// A session has gone; the last one closes the connection.
    func release(_ master: SSHMaster) async {
        guard let index = held[master.target]?.firstIndex(where: { $0.master === master }) else { return }
        held[master.target]?[index].sessions -= 1
        let left = held[master.target]?[index].sessions ?? 0
        if left <= 0 {
            held[master.target]?.remove(at: index)
            await master.close()
        }
    }

    /// How many connections there are.
    public var count: Int { held.values.reduce(0) { $0 + $1.count { $0.master.isAlive } } }
}
