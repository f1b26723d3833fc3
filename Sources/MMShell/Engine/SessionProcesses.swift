import Glibc
import MMSystem

/// The processes of one shell session, found in `/proc`: those of its kernel session, their descendants, and those that
/// carry its mark in their environment (they left it with `setsid` and a second fork).
///
/// All calls read files and may block; they belong on a thread for such work.
struct SessionProcesses: Sendable {
    /// The variable that marks what a session started; its value names the session and is no secret.
    static let markVariable = "MM_SHELL_ID"

    /// The shell: also the id of its kernel session.
    let shell: Int32
    /// The value of the mark.
    let mark: String

    /// What `/proc/<id>/stat` says (proc(5)).
    struct Entry: Sendable, Hashable {
        let id: Int32
        let state: UInt8
        let parent: Int32
        let group: Int32
        let session: Int32
        /// The foreground group of its terminal.
        let foreground: Int32

        init?(_ id: Int32) {
            guard let text = ProcFile.read("/proc/\(id)/stat", limit: 4096) else { return nil }
            let line = String(decoding: text, as: UTF8.self)
            // The name stands in parentheses and may hold any character.
            guard let close = line.lastIndex(of: ")") else { return nil }
            let fields = line[line.index(after: close)...].split(separator: " ")
            guard fields.count > 5, let state = fields[0].utf8.first, let parent = Int32(fields[1]),
                let group = Int32(fields[2]), let session = Int32(fields[3]), let foreground = Int32(fields[5])
            else { return nil }
            self.id = id
            self.state = state
            self.parent = parent
            self.group = group
            self.session = session
            self.foreground = foreground
        }

        var isDead: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }
        var isStopped: Bool { state == UInt8(ascii: "T") || state == UInt8(ascii: "t") }
    }

    /// The group that holds the session's terminal: that of the running command, or the shell's own.
    var foregroundGroup: Int32? {
        guard let entry = Entry(shell), entry.foreground > 0 else { return nil }
        return entry.foreground
    }

    /// The processes of the session but the shell itself.
    func others() -> [Entry] {
        let all = Self.entries()
        var members: Set<Int32> = [shell]
        var grew = true
        while grew {
            grew = false
            for entry in all where !members.contains(entry.id) && members.contains(entry.parent) {
                members.insert(entry.id)
                grew = true
            }
        }
        let sign = Array("\(Self.markVariable)=\(mark)".utf8)
        return all.filter { entry in
            guard entry.id != shell, entry.id != getpid(), !entry.isDead else { return false }
            return members.contains(entry.id) || entry.session == shell || Self.carries(sign, entry.id)
        }
    }

    /// Whether one process started another, at however many removes.
    func isAncestor(_ id: Int32, of other: Int32) -> Bool {
        var current = Entry(other)
        while let entry = current, entry.parent > 1 {
            if entry.parent == id { return true }
            current = Entry(entry.parent)
        }
        return false
    }

    /// Kills those that match, and what they start meanwhile, and waits for their end, for a few seconds at most.
    func killOthers(where matches: (Entry) -> Bool = { _ in true }) {
        for round in 0..<500 {
            let found = others().filter(matches)
            if found.isEmpty { return }
            for entry in found { kill(entry.id, SIGKILL) }
            // The first process of a namespace is gone only after all others in it.
            usleep(round < 3 ? 500 : 10_000)
        }
    }

    /// Whether a process of the foreground group reads the terminal.
    func readsTerminal(_ terminal: String) -> Bool {
        guard let foreground = foregroundGroup else { return false }
        return Self.entries().contains { entry in
            entry.group == foreground && !entry.isDead && Self.reads(entry.id, terminal)
        }
    }

    #if arch(arm64)
        private static let readCall = 63
        private static let waitCalls: Set<Int> = [72, 73, 22]
    #else
        private static let readCall = 0
        private static let waitCalls: Set<Int> = [7, 23, 232, 270, 271, 281]
    #endif

    /// `/proc/<id>/syscall` holds the number and arguments of the call that a process waits in.
    private static func reads(_ id: Int32, _ terminal: String) -> Bool {
        guard let text = ProcFile.read("/proc/\(id)/syscall", limit: 256) else { return false }
        let fields = String(decoding: text, as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let call = Int(fields[0]) else { return false }
        let descriptor: Int
        if call == readCall {
            guard fields[1].hasPrefix("0x"), let number = Int(fields[1].dropFirst(2), radix: 16) else { return false }
            descriptor = number
        } else if waitCalls.contains(call) {
            descriptor = 0
        } else {
            return false
        }
        let target = ProcFile.link("/proc/\(id)/fd/\(descriptor)")
        return target == terminal || target == "/dev/tty"
    }

    private static func entries() -> [Entry] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var entries: [Entry] = []
        while let item = readdir(folder) {
            let name = withUnsafeBytes(of: item.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let id = Int32(name), let entry = Entry(id) { entries.append(entry) }
        }
        return entries
    }

    private static func carries(_ sign: [UInt8], _ id: Int32) -> Bool {
        guard let environment = ProcFile.read("/proc/\(id)/environ", limit: 1 << 20) else { return false }
        return environment.split(separator: 0).contains { $0.elementsEqual(sign) }
    }
}
