import Glibc
package import MMCore
import MMSystem

/// Whether a person may be behind a process: never behind one that a session of `mm` has started, where a model would
/// confirm for itself.
///
/// Three marks tell such a process, and any of them counts. The limit that `SessionMark` lowers is handed down to whatever a
/// session starts and can't be taken off; the variable `MM_SESSION` stands in the environment that the processes above were
/// started with; and no terminal of a person's descends from `mm`, `mm-mcp` (which adopt what their sessions orphan) or
/// `mm-sandbox`, nor from an sshd that serves an `ssh` of theirs (`SSHPeer`).
/// Programs that others start on request (`at`, `systemd-run`, an open `tmux`) bear none: against these a
/// session has to be confined.
package enum PersonProof {
    /// Refuses a process that can't have a person before it.
    package typealias Requirement = @Sendable (Int32) throws(MMError) -> Void

    private static let mark = "MM_SESSION"

    /// Whether this process belongs to a session.
    /// - Parameter environment: of this process.
    package static func isInSession(_ environment: [String: String]) -> Bool {
        environment[mark] != nil || isInSession(process: getpid())
    }

    /// Whether a process belongs to a session: it or one above it bears a mark.
    package static func isInSession(process: Int32) -> Bool {
        if SessionMark.isMarked(process) || hasVariable(process) { return true }
        var process = process
        // A chain longer than this is none that a person's terminal has.
        for _ in 0..<64 {
            guard let status = ProcFile.read("/proc/\(process)/stat", limit: 4096), let parent = Self.parent(in: status)
            else { return true }
            guard parent > 1 else { return false }
            if hasVariable(parent) || isOwnProgram(parent) || SSHPeer.servesOwnClient(parent) { return true }
            process = parent
        }
        return true
    }

    /// Refuses to take a person's word inside a session.
    /// - Parameter environment: of this process.
    /// - Throws: `forbidden` inside a session.
    static func require(_ environment: [String: String]) throws(MMError) {
        if isInSession(environment) { throw refusal }
    }

    /// Refuses to take a person's word from another process that belongs to a session.
    /// - Parameter process: the one at the far end of a socket.
    /// - Throws: `forbidden` inside a session.
    package static func require(process: Int32) throws(MMError) {
        if isInSession(process: process) { throw refusal }
    }

    /// Refuses to take what another process says of a person before it, unless it can have one: it has a terminal that no
    /// session opened, or it is a front-end of this product, which asks for itself.
    /// - Parameter process: the one at the far end of a socket.
    /// - Throws: `forbidden`.
    package static func requirePerson(before process: Int32) throws(MMError) {
        try require(process: process)
        if !isFrontEnd(process) { try requireTerminal(of: process) }
    }

    /// Refuses a process without a terminal, or with one that a session opened: whoever has what is given out there acts for a
    /// person later on.
    /// - Throws: `forbidden`.
    package static func requireTerminal(of process: Int32) throws(MMError) {
        try require(process: process)
        guard let leader = terminalLeader(of: process), !isInSession(process: leader) else {
            throw MMError(
                .forbidden, "This program has no terminal, so it can't speak for a person.",
                hint: "Run mm in a terminal of your own, or use a client of mm-mcp that shows forms.")
        }
    }

    /// Whether a process runs a program of this very installation.
    package static func isFrontEnd(_ process: Int32) -> Bool {
        guard let path = ProcFile.linkTarget("/proc/\(process)/exe"), let slash = OwnProgram.path.lastIndex(of: "/")
        else {
            return false
        }
        return ["mm", "mm-mcp"].contains { path == OwnProgram.path[...slash] + $0 }
    }

    /// The leader of the session whose controlling terminal a process has; nil where it has none.
    private static func terminalLeader(of process: Int32) -> Int32? {
        guard let status = ProcFile.read("/proc/\(process)/stat", limit: 4096), let fields = fields(of: status),
            fields.count > 4, fields[4] != "0"
        else { return nil }
        return Int32(fields[3])
    }

    private static var refusal: MMError {
        MMError(
            .forbidden, "This is a session of mm: what runs here can't speak for a person.",
            hint: "Confirm in a terminal of your own.")
    }

    private static func hasVariable(_ process: Int32) -> Bool {
        let prefix = Array("\(mark)=".utf8)
        let bytes = ProcFile.read("/proc/\(process)/environ", limit: 4 << 20)
        return bytes?.split(separator: 0).contains { $0.starts(with: prefix) } ?? false
    }

    static func isOwnProgram(_ process: Int32) -> Bool {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/\(process)/exe", &buffer, buffer.count)
        let path = buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }
        let name = path.split(separator: UInt8(ascii: "/")).last ?? []
        return ["mm", "mm-mcp", "mm-sandbox"].contains { program in
            name.elementsEqual(program.utf8) || name.elementsEqual("\(program) (deleted)".utf8)
        }
    }

    private static func parent(in status: [UInt8]) -> pid_t? {
        guard let fields = fields(of: status), fields.count > 1 else { return nil }
        return pid_t(fields[1])
    }

    /// The fields of `/proc/PID/stat` from the third on (proc(5)): state, parent, group, session, terminal. The second may
    /// hold blanks and parentheses.
    private static func fields(of status: [UInt8]) -> [String]? {
        guard let end = status.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        return status[(end + 1)...].split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// Whether an sshd of this machine serves a connection that this product has opened: whoever works behind it is one of its
/// sessions, whatever its environment says.
///
/// A connection within one machine stands in the kernel's table twice, once from each end (proc_net_tcp(5)).
enum SSHPeer {
    private struct Connection: Hashable {
        var local: String
        var remote: String
    }

    /// Whether a process is an sshd at the far end of a connection of `mm`, `mm-mcp` or what they started. Where the system
    /// doesn't tell which of several sshds serves it, each of them counts.
    static func servesOwnClient(_ process: Int32) -> Bool {
        guard let entry = ProcessEntry(process), isSSHD(entry.name) else { return false }
        let table = connections()
        let all = ProcessEntry.all()
        let parents = Dictionary(all.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var holders: [String: [ProcessEntry]] = [:]
        for entry in all {
            for socket in sockets(of: entry.id) ?? [] { holders[socket, default: []].append(entry) }
        }
        let own = sockets(of: process)
        let byEnds = Dictionary(table.map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first })
        for (socket, connection) in table {
            guard let far = byEnds[Connection(local: connection.remote, remote: connection.local)],
                holders[socket]?.contains(where: { isOurs($0, parents) }) == true
            else { continue }
            if let own, !own.isEmpty {
                if own.contains(far) { return true }
            } else if holders[far]?.allSatisfy({ isSSHD($0.name) }) ?? true {
                return true
            }
        }
        return false
    }

    private static func isSSHD(_ name: String) -> Bool { name.hasPrefix("sshd") || name == "dropbear" }

    /// Whether a process is one of ours, or descends from one.
    private static func isOurs(_ entry: ProcessEntry, _ parents: [Int32: ProcessEntry]) -> Bool {
        var current: ProcessEntry? = entry
        for _ in 0..<64 {
            guard let entry = current else { return false }
            if ["mm", "mm-mcp"].contains(entry.name) || PersonProof.isOwnProgram(entry.id) { return true }
            current = parents[entry.parent]
        }
        return false
    }

    /// The sockets that a process holds; `nil` where that can't be seen.
    private static func sockets(of process: Int32) -> Set<String>? {
        let folder = "/proc/\(process)/fd"
        let names = ProcFile.numericNames(in: folder)
        guard !names.isEmpty else { return nil }
        var found: Set<String> = []
        for name in names {
            guard let target = ProcFile.linkTarget("\(folder)/\(name)"), target.hasPrefix("socket:[") else { continue }
            found.insert(String(target.dropFirst(8).dropLast()))
        }
        return found
    }

    /// The established connections by their sockets.
    private static func connections() -> [String: Connection] {
        var found: [String: Connection] = [:]
        for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
            guard let bytes = ProcFile.read(file, limit: 8 << 20) else { continue }
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ")
                guard fields.count > 9, fields[3] == "01" else { continue }
                found[String(fields[9])] = Connection(local: plain(fields[1]), remote: plain(fields[2]))
            }
        }
        return found
    }

    /// An address and port; IPv4 within IPv6 as IPv4.
    private static func plain(_ text: Substring) -> String {
        let mapped = "0000000000000000FFFF0000"
        return String(text.hasPrefix(mapped) ? text.dropFirst(mapped.count) : text)
    }
}
