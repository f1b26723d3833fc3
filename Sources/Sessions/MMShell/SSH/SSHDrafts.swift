import Glibc
import MMCore
import MMSystem

/// The drafts of uploads on hosts. A draft whose connection was lost, or whose process was killed, is continued when
/// the same file is sent to the same place again; after a day it is removed when the host is connected next.
actor SSHDrafts {
    /// A draft on a host.
    struct Record: HostRecord {
        /// The id of the record.
        var id: String
        /// `user@host:port`.
        var host: String
        /// The path of the file that it will replace.
        var target: String
        /// What tells the content from others (``FileSource/mark()``).
        var mark: String
        /// The path of the draft.
        var draft: String
        /// When it was started.
        var begun: Timestamp
        /// The process that writes it.
        var owner: ProcessIdentity
    }

    /// How long an unfinished draft is kept.
    private static let kept = Duration.seconds(86_400)

    private let records: HostRecords<Record>
    /// The drafts of this process.
    private var known: [String: Record] = [:]
    private var writing: Set<String> = []

    /// Creates the list of drafts.
    /// - Parameter directory: the folder of the records for later processes; `nil` keeps none.
    init(directory: String?) { records = HostRecords(directory: directory) }

    /// Returns the draft for an upload: an unfinished one of the same content, or else a new one.
    /// - Parameter place: returns the path of a new draft by its id.
    func take(_ host: String, _ target: String, mark: String, place: @Sendable (String) -> String) async
        -> (record: Record, isLeft: Bool)
    {
        let owner = ProcessIdentity(running: getpid()) ?? ProcessIdentity(pid: getpid(), startTime: 0)
        let left = await left(on: host).first { $0.target == target && $0.mark == mark }
        var record: Record
        if let left, !writing.contains(left.id) {
            record = left
            record.owner = owner
        } else {
            let id = Hex.text(RandomBytes.make(6))
            record = Record(
                id: id, host: host, target: target, mark: mark, draft: place(id), begun: .now, owner: owner)
        }
        writing.insert(record.id)
        known[record.id] = record
        let isLeft = record.id == left?.id
        await records.keep(record)
        return (record, isLeft)
    }

    /// Forgets a draft that has replaced its file or was removed.
    func done(_ record: Record) async {
        writing.remove(record.id)
        known[record.id] = nil
        await records.forget(record.id)
    }

    /// Records that a draft still exists and isn't being written.
    func leave(_ record: Record) { writing.remove(record.id) }

    /// Returns whether there are expired drafts on a host.
    func areLeft(on host: String) async -> Bool { await !forgotten(on: host, .now).isEmpty }

    /// Removes the expired drafts from a host.
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

    /// Returns the drafts on a host that aren't being written.
    private func left(on host: String) async -> [Record] {
        let own = known.values.filter { $0.host == host && !writing.contains($0.id) }
        return await own + records.left(on: host, besides: Set(known.keys))
    }
}

extension SSHDrafts.Record {
    var members: JSONObject {
        [
            "target": .string(target), "mark": .string(mark), "draft": .string(draft),
            "begun": .int(begun.seconds),
        ]
    }

    init?(id: String, host: String, owner: ProcessIdentity, members: JSONObject) {
        guard let target = members["target"]?.string, let mark = members["mark"]?.string,
            let draft = members["draft"]?.string, draft.hasSuffix(".mm-" + id), let begun = members["begun"]?.int
        else { return nil }
        self.init(
            id: id, host: host, target: target, mark: mark, draft: draft,
            begun: Timestamp(seconds: Int64(begun), nanoseconds: 0), owner: owner)
    }
}

/// Something that this program left on a host, recorded for later processes.
protocol HostRecord: Sendable {
    /// The id of the record, which is also the name of its file.
    var id: String { get }
    /// `user@host:port`.
    var host: String { get }
    /// The local process that it belongs to.
    var owner: ProcessIdentity { get }
    /// The other recorded values.
    var members: JSONObject { get }

    /// Reads a record; `nil` if it is invalid.
    init?(id: String, host: String, owner: ProcessIdentity, members: JSONObject)
}

/// Records of what this program left on hosts, one per file. What belonged to a process that has ended is handled by
/// the next process that connects to the host.
struct HostRecords<Record: HostRecord>: Sendable {
    /// The folder of the records; `nil` keeps none.
    let directory: String?

    /// Writes a record.
    func keep(_ record: Record) async {
        guard let path = path(of: record.id) else { return }
        var members = record.members
        members["host"] = .string(record.host)
        members["pid"] = .int(Int64(record.owner.pid))
        members["started"] = .string(String(record.owner.startTime))
        let bytes = JSONWriter.bytes(.object(members))
        // A failure to write the record must not prevent the action itself.
        try? await BlockingWork.run { try? ProtectedFile.replace(path, with: bytes, durable: false) }
    }

    /// Removes a record.
    func forget(_ id: String) async {
        guard let path = path(of: id) else { return }
        try? await BlockingWork.run { try? ProtectedFile.remove(path) }
    }

    /// Returns the records on a host that belong to processes that have ended.
    /// - Parameter known: the ids that this process knows itself.
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
