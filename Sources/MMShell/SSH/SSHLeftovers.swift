import Glibc
import MMCore
import MMSystem

/// Which shells run on hosts, and which of them nobody holds any more: when the connection is lost or this process is killed,
/// what they ran goes on over there, and is ended as soon as the host is reached again.
actor SSHLeftovers {
    /// A shell on a host.
    struct Record: Sendable, Hashable {
        /// `user@host:port`.
        var host: String
        /// What its processes bear, and the name of its record.
        var mark: String
        /// Its process over there.
        var shell: Int32
        /// The process that holds it here.
        var owner: ProcessIdentity
    }

    private let directory: String?
    private var held: [String: Record] = [:]
    private var abandoned: [String: Record] = [:]

    /// - Parameter directory: where records are kept for later processes; nil keeps none.
    init(directory: String?) { self.directory = directory }

    /// A shell has been started.
    func began(_ shell: RemoteShell) async {
        guard let owner = ProcessIdentity(running: getpid()) else { return }
        let record = Record(host: shell.master.name, mark: shell.mark, shell: shell.pid, owner: owner)
        held[record.mark] = record
        guard let path = path(of: record.mark) else { return }
        // What can't be remembered must not keep a shell from starting.
        try? await BlockingWork.run { try? ProtectedFile.replace(path, with: record.text, durable: false) }
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
        var found = abandoned.values.filter { $0.host == host }
        guard let directory else { return found }
        let known = Set(held.keys)
        let records =
            try? await BlockingWork.run {
                ((try? FolderListing.names(in: directory)) ?? []).compactMap { name -> Record? in
                    guard !known.contains(name),
                        let bytes = try? ProtectedFile.read("\(directory)/\(name)", limit: 4096),
                        let record = Record(name, bytes), record.host == host, !record.owner.isRunning
                    else { return nil }
                    return record
                }
            }
        found += records ?? []
        return found
    }

    private func forget(_ mark: String) async {
        held[mark] = nil
        abandoned[mark] = nil
        guard let path = path(of: mark) else { return }
        try? await BlockingWork.run { try? ProtectedFile.remove(path) }
    }

    private func path(of mark: String) -> String? { directory.map { "\($0)/\(mark)" } }
}

extension SSHLeftovers.Record {
    fileprivate var text: [UInt8] {
        JSONWriter.bytes([
            "host": .string(host), "shell": .int(Int64(shell)), "pid": .int(Int64(owner.pid)),
            "started": .string(String(owner.startTime)),
        ])
    }

    /// The record of a file; nil when it is none.
    fileprivate init?(_ name: String, _ bytes: [UInt8]) {
        // The mark stands in a script.
        guard !name.isEmpty, name.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
            let object = (try? JSONParser.parse(bytes))?.object, let host = object["host"]?.string,
            let shell = object["shell"]?.int.flatMap({ Int32(exactly: $0) }), shell > 1,
            let pid = object["pid"]?.int.flatMap({ Int32(exactly: $0) }),
            let started = object["started"]?.string.flatMap({ UInt64($0) })
        else { return nil }
        self.init(host: host, mark: name, shell: shell, owner: ProcessIdentity(pid: pid, startTime: started))
    }
}
