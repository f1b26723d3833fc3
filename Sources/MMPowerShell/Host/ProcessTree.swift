import Glibc
import MMSystem

/// The processes of one session, found in `/proc`: those of its kernel session, the descendants of its PowerShell, and
/// those that carry its mark in their environment (they left both with `setsid` and a second fork).
///
/// All calls read files and may block; they belong on a thread for such work.
enum ProcessTree {
    /// The variable that marks what a session started. Its value is no secret.
    static let markVariable = "MM_SESSION"

    /// A process of a session.
    struct Process: Sendable, Hashable {
        let id: Int32
        let name: String
    }

    /// The processes of a session but its PowerShell itself.
    /// - Parameters:
    ///   - leader: the process that was started; also the id of its kernel session.
    ///   - host: PowerShell's own process, where it isn't the leader.
    ///   - mark: value of the mark.
    static func others(leader: Int32, host: Int32, mark: String) -> [Process] {
        let all = entries()
        var members: Set<Int32> = [leader, host]
        var grew = true
        while grew {
            grew = false
            for entry in all where !members.contains(entry.id) && members.contains(entry.parent) {
                members.insert(entry.id)
                grew = true
            }
        }
        let sign = Array("\(markVariable)=\(mark)".utf8)
        return all.filter { entry in
            guard entry.id != leader, entry.id != host, entry.id != getpid(), !entry.isDead else { return false }
            if members.contains(entry.id) || entry.session == leader { return true }
            return carries(sign, in: entry.id)
        }.map { Process(id: $0.id, name: $0.name) }
    }

    /// Kills them, and what they start meanwhile, in a few rounds.
    static func endOthers(leader: Int32, host: Int32, mark: String) {
        for _ in 0..<5 {
            let found = others(leader: leader, host: host, mark: mark)
            if found.isEmpty { return }
            for process in found { kill(process.id, SIGKILL) }
        }
    }

    private struct Entry {
        let id: Int32
        let name: String
        let parent: Int32
        let session: Int32
        let isDead: Bool
    }

    private static func entries() -> [Entry] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var entries: [Entry] = []
        while let item = readdir(folder) {
            let name = withUnsafePointer(to: item.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let id = Int32(name), let entry = entry(id) else { continue }
            entries.append(entry)
        }
        return entries
    }

    /// proc(5), /proc/pid/stat: the name stands in parentheses and may hold any character, so what follows is counted
    /// from the last closing one.
    private static func entry(_ id: Int32) -> Entry? {
        guard let text = ProcFile.read("/proc/\(id)/stat", limit: 4096) else { return nil }
        let line = String(decoding: text, as: UTF8.self)
        guard let open = line.firstIndex(of: "("), let close = line.lastIndex(of: ")"), open < close else { return nil }
        let fields = line[line.index(after: close)...].split(separator: " ")
        guard fields.count > 3, let parent = Int32(fields[1]), let session = Int32(fields[3]) else { return nil }
        return Entry(
            id: id, name: String(line[line.index(after: open)..<close]), parent: parent, session: session,
            isDead: fields[0] == "Z" || fields[0] == "X")
    }

    private static func carries(_ sign: [UInt8], in id: Int32) -> Bool {
        guard let environment = ProcFile.read("/proc/\(id)/environ", limit: 1 << 20) else { return false }
        return environment.split(separator: 0).contains { $0.elementsEqual(sign) }
    }
}
