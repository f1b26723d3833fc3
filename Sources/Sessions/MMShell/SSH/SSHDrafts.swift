import Glibc
import MMCore
import MMSystem

/// Which drafts of uploads lie on hosts. One whose connection was lost, or whose process was killed, is gone on with when the
/// same file is sent to the same place again, and taken away after a day when the host is reached.
actor SSHDrafts {
    /// A draft on a host.
    struct Record: HostRecord {
        /// What it is known by.
        var id: String
        /// `user@host:port`.
        var host: String
        /// Where it will go.
        var target: String
        /// The checksum of what it will be.
        var digest: String
        /// Where it lies.
        var draft: String
        /// When it was begun.
        var begun: Timestamp
        /// The process that writes it.
        var owner: ProcessIdentity
    }

    /// How long a draft is kept to be gone on with.
    private static let kept = Duration.seconds(86_400)

    private let records: HostRecords<Record>
    /// Those of this process.
    private var known: [String: Record] = [:]
    private var writing: Set<String> = []

    /// - Parameter directory: where records are kept for later processes; nil keeps none.
    init(directory: String?) { records = HostRecords(directory: directory) }

    /// The draft for an upload: what is left of the same one, else a new one.
    /// - Parameter place: where a new one lies, by what it is known by.
    func take(_ host: String, _ target: String, digest: String, place: @Sendable (String) -> String) async
        -> (record: Record, isLeft: Bool)
    {
        let owner = ProcessIdentity(running: getpid()) ?? ProcessIdentity(pid: getpid(), startTime: 0)
        let left = await left(on: host).first { $0.target == target && $0.digest == digest }
        var record: Record
        if let left, !writing.contains(left.id) {
            record = left
            record.owner = owner
        } else {
            let id = Hex.text(RandomBytes.make(6))
            record = Record(
                id: id, host: host, target: target, digest: digest, draft: place(id), begun: .now, owner: owner)
        }
        writing.insert(record.id)
        known[record.id] = record
        let isLeft = record.id == left?.id
        await records.keep(record)
        return (record, isLeft)
    }

    /// A draft is not there any more: it has taken its place, or was removed.
    func done(_ record: Record) async {
        writing.remove(record.id)
        known[record.id] = nil
        await records.forget(record.id)
    }

    /// A draft is still there, and nobody writes it.
    func leave(_ record: Record) { writing.remove(record.id) }

    /// Whether there is something on a host that nobody has gone on with.
    func areLeft(on host: String, now: Timestamp = .now) async -> Bool { await !forgotten(on: host, now).isEmpty }

    /// Removes from a host what nobody has gone on with.
    func sweep(over master: SSHMaster, now: Timestamp = .now) async {
        for record in await forgotten(on: master.name, now) {
            guard await Self.remove(record, over: master) else { continue }
            await done(record)
        }
    }

    /// Removes a draft from its host.
    static func remove(_ record: Record, over master: SSHMaster) async -> Bool {
        let script = "rm -f -- " + RemoteDialect.quoted(record.draft)
        return (try? await master.control(script, timeout: .seconds(10)))?.exit == .status(0)
    }

    private func forgotten(on host: String, _ now: Timestamp) async -> [Record] {
        await left(on: host).filter { now - $0.begun >= Self.kept }
    }

    /// The drafts on a host that nobody writes.
    private func left(on host: String) async -> [Record] {
        let own = known.values.filter { $0.host == host && !writing.contains($0.id) }
        return await own + records.left(on: host, besides: Set(known.keys))
    }
}

extension SSHDrafts.Record {
    var members: JSONObject {
        [
            "target": .string(target), "digest": .string(digest), "draft": .string(draft),
            "begun": .int(begun.seconds),
        ]
    }

    init?(id: String, host: String, owner: ProcessIdentity, members: JSONObject) {
        guard let target = members["target"]?.string, let digest = members["digest"]?.string,
            let draft = members["draft"]?.string, draft.hasSuffix(".mm-" + id), let begun = members["begun"]?.int
        else { return nil }
        self.init(
            id: id, host: host, target: target, digest: digest, draft: draft,
            begun: Timestamp(seconds: Int64(begun), nanoseconds: 0), owner: owner)
    }
}

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
