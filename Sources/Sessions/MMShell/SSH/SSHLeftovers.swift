import Glibc
import MMCore
import MMSystem

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
