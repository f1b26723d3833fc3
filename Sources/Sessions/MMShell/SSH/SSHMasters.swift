import Glibc
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

/// Which shells run on hosts, and which of them nobody holds any more: when the connection is lost or this process is killed,
/// what they ran goes on over there, and is ended as soon as the host is reached again.
actor SSHLeftovers {
    /// A shell on a host.
    struct Record: HostRecord {
        /// `user@host:port`.
        var host: String
        /// What its processes bear, and the name of its record.
        var mark: String
        /// Its process over there.
        var shell: Int32
        /// The process that holds it here.
        var owner: ProcessIdentity
        var id: String { mark }
    }

    private let records: HostRecords<Record>
    private var held: [String: Record] = [:]
    private var abandoned: [String: Record] = [:]

    /// - Parameter directory: where records are kept for later processes; nil keeps none.
    init(directory: String?) { records = HostRecords(directory: directory) }

    /// A shell has been started.
    func began(_ shell: RemoteShell) async {
        guard let owner = ProcessIdentity(running: getpid()) else { return }
        let record = Record(host: shell.master.name, mark: shell.mark, shell: shell.pid, owner: owner)
        held[record.mark] = record
        await records.keep(record)
    }

    /// A shell has ended, and all that it had started.
    func ended(_ shell: RemoteShell) async { await forget(shell.mark) }

    /// Nobody holds a shell any more, and it may still run.
    func abandon(_ shell: RemoteShell) {
        abandoned[shell.mark] = held[shell.mark]
    }

    /// Whether there is something on a host that nobody holds any more.
    func areLeft(on host: String) async -> Bool { await !left(on: host).isEmpty }

    /// Ends what nobody holds any more on a host.
    func sweep(over master: SSHMaster) async {
        for record in await left(on: master.name) {
            // Who sweeps it is enough, and what fails is left to the next connection.
            abandoned[record.mark] = nil
            let outcome = try? await master.control(Self.script(record))
            if outcome?.exit == .status(0) {
                await forget(record.mark)
            } else {
                abandoned[record.mark] = record
            }
        }
    }

    /// What ends a shell and all that it started, and removes its folder.
    static func script(_ record: Record) -> String {
        RemoteDialect.sweep(shell: record.shell, mark: record.mark) + "; " + RemoteDialect.tidying(mark: record.mark)
    }

    private func left(on host: String) async -> [Record] {
        await abandoned.values.filter { $0.host == host } + records.left(on: host, besides: Set(held.keys))
    }

    private func forget(_ mark: String) async {
        held[mark] = nil
        abandoned[mark] = nil
        await records.forget(mark)
    }
}

extension SSHLeftovers.Record {
    var members: JSONObject { ["shell": .int(Int64(shell))] }

    init?(id: String, host: String, owner: ProcessIdentity, members: JSONObject) {
        // The mark stands in a script.
        guard !id.isEmpty, id.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
            let shell = members["shell"]?.int.flatMap({ Int32(exactly: $0) }), shell > 1
        else { return nil }
        self.init(host: host, mark: id, shell: shell, owner: owner)
    }
}
