import Glibc
public import MMCore
import MMSessions
import MMSystem

/// The connections of this process: one per host, shared by its sessions; a further one is opened only if the host
/// opens no more channels over the first.
public actor SSHMasters {
    private struct Held {
        let master: SSHMaster
        var sessions: Int
        var limit: Int
        /// The number of sessions so far.
        var arrivals: Int
    }

    private var held: [SSHTarget: [Held]] = [:]
    private var turns: [SSHTarget: TurnQueue] = [:]
    /// The number of channels that a host opens over a connection, learned when it refused one.
    private var learned: [SSHTarget: Int] = [:]
    private let environment: [String: String]
    private let temporaryDirectory: String
    nonisolated let leftovers: SSHLeftovers
    nonisolated let drafts: SSHDrafts

    /// sshd opens ten channels over a connection by default (sshd_config(5), MaxSessions); two are kept for short
    /// calls.
    private static let usualLimit = 8
    /// How often a session that gets no channel tries another connection.
    private static let mostTries = 12

    /// Creates an empty set of connections.
    /// - Parameters:
    ///   - environment: the environment of ssh; by default that of this process without its secrets
    ///     (``ShellEnvironment/scrubbed(_:)``).
    ///   - records: the folder that records which shells run on hosts and which drafts lie there, so that a later
    ///     process can end and remove those of a process that was killed; `nil` records them only in this process.
    public init(
        environment: [String: String] = ShellEnvironment.scrubbed(ProcessEnvironment.read()), records: String? = nil
    ) {
        self.environment = environment
        temporaryDirectory = environment["XDG_RUNTIME_DIR"] ?? environment["TMPDIR"] ?? "/tmp"
        leftovers = SSHLeftovers(directory: records)
        drafts = SSHDrafts(directory: records.map { $0 + "/drafts" })
    }

    /// Opens something that needs a channel: over a connection with room, or else over another one.
    /// - Parameter body: opens it; throws `.limitExceeded` if the host refused the channel.
    /// - Throws: the errors of connecting and of the body.
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
                // If the connection carried nothing else before and during the attempt, another connection wouldn't
                // help.
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

    /// Marks a connection over which nothing comes back; the next session gets another one.
    func distrust(_ master: SSHMaster) {
        guard let index = held[master.target]?.firstIndex(where: { $0.master === master }) else { return }
        held[master.target]?[index].limit = 0
    }

    private func use(of master: SSHMaster) -> Held? { held[master.target]?.first { $0.master === master } }

    /// Returns a connection with room for one more session.
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
        // The sweep needs a channel, too. A session that then gets none tries another connection.
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

    /// Gives back a session's place; the last one closes the connection.
    func release(_ master: SSHMaster) async {
        guard let index = held[master.target]?.firstIndex(where: { $0.master === master }) else { return }
        held[master.target]?[index].sessions -= 1
        let left = held[master.target]?[index].sessions ?? 0
        if left <= 0 {
            held[master.target]?.remove(at: index)
            await master.close()
        }
    }

    /// The number of open connections.
    package var count: Int { held.values.reduce(0) { $0 + $1.count { $0.master.isAlive } } }
}

/// The shells on hosts, and those among them that this program has lost: if the connection is lost or this process is
/// killed, their commands keep running on the host, and are ended as soon as it is connected again.
actor SSHLeftovers {
    /// A shell on a host.
    struct Record: HostRecord {
        /// `user@host:port`.
        var host: String
        /// The mark of its processes, which is also the name of its record.
        var mark: String
        /// Its process id on the host.
        var shell: Int32
        /// The local process that holds it.
        var owner: ProcessIdentity
        var id: String { mark }
    }

    private let records: HostRecords<Record>
    private var held: [String: Record] = [:]
    private var abandoned: [String: Record] = [:]

    /// Creates the list of shells.
    /// - Parameter directory: the folder of the records for later processes; `nil` keeps none.
    init(directory: String?) { records = HostRecords(directory: directory) }

    /// Records that a shell has been started.
    func began(_ shell: RemoteShell) async {
        guard let owner = ProcessIdentity(running: getpid()) else { return }
        let record = Record(host: shell.master.name, mark: shell.mark, shell: shell.pid, owner: owner)
        held[record.mark] = record
        await records.keep(record)
    }

    /// Records that a shell and everything that it started have ended.
    func ended(_ shell: RemoteShell) async { await forget(shell.mark) }

    /// Records that a shell is no longer held but may still run.
    func abandon(_ shell: RemoteShell) {
        abandoned[shell.mark] = held[shell.mark]
    }

    /// Returns whether a host has shells that are no longer held.
    func areLeft(on host: String) async -> Bool { await !left(on: host).isEmpty }

    /// Ends the shells on a host that are no longer held.
    func sweep(over master: SSHMaster) async {
        for record in await left(on: master.name) {
            // One sweep at a time is enough, and what it can't end is left to the next connection.
            abandoned[record.mark] = nil
            let outcome = try? await master.control(Self.script(record))
            if outcome?.exit == .status(0) {
                await forget(record.mark)
            } else {
                abandoned[record.mark] = record
            }
        }
    }

    /// Returns the script that ends a shell and everything that it started, and removes its folder.
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
        // The mark becomes part of a script.
        guard !id.isEmpty, id.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
            let shell = members["shell"]?.int.flatMap({ Int32(exactly: $0) }), shell > 1
        else { return nil }
        self.init(host: host, mark: id, shell: shell, owner: owner)
    }
}
