import MMCore
import MMSessions
import MMSystem

/// The connections of this process: one to a host, shared by its sessions, and a further one only when the host opens no
/// more channels over it.
public actor SSHMasters {
    private struct Held {
        let master: SSHMaster
        var sessions: Int
        var limit: Int
        /// How many sessions there have been.
        var arrivals: Int
    }

    private var held: [SSHTarget: [Held]] = [:]
    private var turns: [SSHTarget: TurnQueue] = [:]
    /// How many channels a host opens over a connection, where it has refused one.
    private var learned: [SSHTarget: Int] = [:]
    private let environment: [String: String]
    private let temporaryDirectory: String
    nonisolated let leftovers: SSHLeftovers
    nonisolated let drafts: SSHDrafts

    /// sshd opens ten channels over a connection by default (sshd_config(5), MaxSessions); two are kept for short calls.
    private static let usualLimit = 8
    /// How often a session that finds no channel looks for another connection.
    private static let mostTries = 12

    /// No connection yet.
    /// - Parameters:
    ///   - environment: what ssh sees; see `ShellEnvironment.scrubbed`.
    ///   - records: the folder that remembers which shells run on hosts and which drafts lie there, so that a later process
    ///     ends and removes those of one that was killed; nil remembers them in this process alone.
    public init(environment: [String: String], records: String? = nil) {
        self.environment = environment
        temporaryDirectory = environment["XDG_RUNTIME_DIR"] ?? environment["TMPDIR"] ?? "/tmp"
        leftovers = SSHLeftovers(directory: records)
        drafts = SSHDrafts(directory: records.map { $0 + "/drafts" })
    }

    /// Opens what takes a channel: over a connection with room, else over another one.
    /// - Parameter body: opens it; `.limitExceeded` says that the host refused the channel.
    /// - Throws: what connecting throws, and the body.
    func open<Opened: Sendable>(
        _ target: SSHTarget, deadline: Deadline,
        _ body: @Sendable (SSHMaster) async throws(MMError) -> Opened
    ) async throws(MMError) -> Opened {
        var full: SSHMaster?
        var tries = 0
        while true {
            let master = try await acquire(target, besides: full, deadline: deadline)
            let before = use(of: master)
            do throws(MMError) {
                let opened = try await body(master)
                return opened
            } catch {
                // A host that refuses over a connection that carries nothing else, and carried nothing meanwhile, will not do
                // better later.
                let wasAlone = before?.sessions == 1 && use(of: master)?.arrivals == before?.arrivals
                tries += 1
                if error.code == .deadlineExceeded { distrust(master) }
                await release(master)
                guard error.code == .limitExceeded, !wasAlone, tries < Self.mostTries, !deadline.hasPassed else {
                    throw error
                }
                full = master
            }
        }
    }

    /// Nothing comes back over a connection: the next session gets another one.
    func distrust(_ master: SSHMaster) {
        guard let index = held[master.target]?.firstIndex(where: { $0.master === master }) else { return }
        held[master.target]?[index].limit = 0
    }

    private func use(of master: SSHMaster) -> Held? { held[master.target]?.first { $0.master === master } }

    /// A connection with room for one more session.
    /// - Parameter full: a connection that has just refused a channel.
    func acquire(_ target: SSHTarget, besides full: SSHMaster? = nil, deadline: Deadline) async throws(MMError)
        -> SSHMaster
    {
        let queue = turns[target] ?? TurnQueue()
        turns[target] = queue
        let turn = try await queue.take(deadline)
        defer { turn.release() }
        if let full, let index = held[target]?.firstIndex(where: { $0.master === full }) {
            let most = max(1, held[target]?[index].sessions ?? 1)
            held[target]?[index].limit = most
            learned[target] = min(learned[target] ?? most, most)
        }
        held[target]?.removeAll { !$0.master.isAlive }
        if let index = held[target]?.firstIndex(where: { $0.sessions < $0.limit && $0.master !== full }),
            let master = held[target]?[index].master
        {
            held[target]?[index].sessions += 1
            held[target]?[index].arrivals += 1
            return master
        }
        let master = try await SSHMaster.connect(
            target, environment: environment, temporaryDirectory: temporaryDirectory, deadline: deadline)
        let (hasLeftovers, hasDrafts) = (
            await leftovers.areLeft(on: master.name), await drafts.areLeft(on: master.name)
        )
        // The sweep needs a channel as a session does: one that finds none beside it looks for another connection.
        let sessions = hasLeftovers || hasDrafts ? 2 : 1
        held[target, default: []].append(
            Held(
                master: master, sessions: sessions, limit: min(learned[target] ?? Self.usualLimit, Self.usualLimit),
                arrivals: sessions))
        if sessions > 1 {
            Task {
                await leftovers.sweep(over: master)
                await drafts.sweep(over: master)
                await release(master)
            }
        }
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
    package var count: Int { held.values.reduce(0) { $0 + $1.count { $0.master.isAlive } } }
}
