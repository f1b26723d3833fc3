import MMCore
import MMSystem

/// Something of this program on a host, remembered for later processes.
protocol HostRecord: Sendable {
    /// What it is known by, and the name of its file.
    var id: String { get }
    /// `user@host:port`.
    var host: String { get }
    /// The process that it belongs to here.
    var owner: ProcessIdentity { get }
    /// What else is remembered.
    var members: JSONObject { get }

    /// The record of what was remembered; `nil` when it is none.
    init?(id: String, host: String, owner: ProcessIdentity, members: JSONObject)
}

/// Records of what lies or runs on hosts, one a file. What belonged to a process that is gone is for whoever reaches its host
/// next.
struct HostRecords<Record: HostRecord>: Sendable {
    /// Where they are kept for later processes; `nil` keeps none.
    let directory: String?

    /// Remembers something.
    func keep(_ record: Record) async {
        guard let path = path(of: record.id) else { return }
        var members = record.members
        members["host"] = .string(record.host)
        members["pid"] = .int(Int64(record.owner.pid))
        members["started"] = .string(String(record.owner.startTime))
        let bytes = JSONWriter.bytes(.object(members))
        // What can't be remembered must not keep the thing itself from being done.
        try? await BlockingWork.run { try? ProtectedFile.replace(path, with: bytes, durable: false) }
    }

    /// Forgets something.
    func forget(_ id: String) async {
        guard let path = path(of: id) else { return }
        try? await BlockingWork.run { try? ProtectedFile.remove(path) }
    }

    /// What processes that are gone have left on a host.
    /// - Parameter known: what this process knows of itself.
    func left(on host: String, besides known: Set<String>) async -> [Record] {
        guard let directory else { return [] }
        let found = try? await BlockingWork.run {
            ((try? FolderListing.names(in: directory)) ?? []).compactMap { name -> Record? in
                guard !known.contains(name), let record = Self.read(name, in: directory), record.host == host,
                    !record.owner.isRunning
                else { return nil }
                return record
            }
        }
        return found ?? []
    }

    private static func read(_ name: String, in directory: String) -> Record? {
        guard let bytes = try? ProtectedFile.read("\(directory)/\(name)", limit: 65_536),
            let members = (try? JSONParser.parse(bytes))?.object, let host = members["host"]?.string,
            let pid = members["pid"]?.int.flatMap({ Int32(exactly: $0) }),
            let started = members["started"]?.string.flatMap({ UInt64($0) })
        else { return nil }
        return Record(id: name, host: host, owner: ProcessIdentity(pid: pid, startTime: started), members: members)
    }

    private func path(of id: String) -> String? { directory.map { "\($0)/\(id)" } }
}
