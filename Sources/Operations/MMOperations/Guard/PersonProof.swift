import Glibc
package import MMCore
package import MMSystem

/// Determines whether a process can have a person in front of it. A process that a session of `mm` has started can't: a
/// model in the session would confirm its own requests.
///
/// Any of three marks identifies such a process. The limit that `SessionMark` lowers is inherited by all processes of a
/// session and can't be raised again. The variable `MM_SESSION` is in the initial environment of the process or of an
/// ancestor. And the process descends from `mm`, `mm-mcp` (which adopt the orphans of their sessions) or `mm-sandbox`,
/// or from an sshd that serves an `ssh` of theirs (`SSHPeer`), which no terminal of a person does. Programs that other
/// services start on request (`at`, `systemd-run`, an open `tmux`) have none of these marks: only confining the session
/// protects against these.
package enum PersonProof {
    /// Throws for a process that can't have a person in front of it.
    package typealias Requirement = @Sendable (Int32) throws(MMError) -> Void

    private static let mark = "MM_SESSION"

    /// Whether this process belongs to a session.
    /// - Parameter environment: the environment of this process.
    /// - Throws: `unavailable` if this process lacks the means to look.
    package static func isInSession(_ environment: [String: String]) throws(MMError) -> Bool {
        if environment[mark] != nil { return true }
        return try isInSession(process: getpid())
    }

    /// Whether a process belongs to a session: it or one of its ancestors has a mark.
    /// - Throws: `unavailable` if this process lacks the means to look, which says nothing of a session.
    package static func isInSession(
        process: Int32, reading read: ProcFile.Reader = ProcFile.look
    ) throws(MMError) -> Bool {
        if try SessionMark.isMarked(process, reading: read) { return true }
        if try hasVariable(process, read) { return true }
        var process = process
        // No terminal of a person has a longer chain of processes.
        for _ in 0..<64 {
            guard let parent = try ProcessEntry.look(process, reading: read)?.parent else { return true }
            guard parent > 1 else { return false }
            if try hasVariable(parent, read) { return true }
            if isOwnProgram(parent) { return true }
            if try SSHPeer.servesOwnClient(parent) { return true }
            process = parent
        }
        return true
    }

    /// Throws if this process belongs to a session, so that a person's answer can't be taken from it.
    /// - Parameter environment: the environment of this process.
    /// - Throws: `forbidden` inside a session.
    static func require(_ environment: [String: String]) throws(MMError) {
        if try isInSession(environment) { throw refusal }
    }

    /// Throws if another process belongs to a session, so that a person's answer can't be taken from it.
    /// - Parameter process: the process at the other end of a socket.
    /// - Throws: `forbidden` inside a session.
    package static func require(process: Int32) throws(MMError) {
        if try isInSession(process: process) { throw refusal }
    }

    /// Throws unless another process may report a person's answer: it has a terminal that no session opened, or it is a
    /// front end of this product, which asks the person itself.
    /// - Parameter process: the process at the other end of a socket.
    /// - Throws: `forbidden`.
    package static func requirePerson(before process: Int32) throws(MMError) {
        try require(process: process)
        if !isFrontEnd(process) { try requireTerminal(of: process) }
    }

    /// Throws for a process without a terminal, or with one that a session opened: what it is given allows acting for a
    /// person later.
    /// - Throws: `forbidden`.
    package static func requireTerminal(of process: Int32) throws(MMError) {
        try require(process: process)
        guard let leader = try terminalLeader(of: process), try !isInSession(process: leader) else {
            throw MMError(
                .forbidden, "This program has no terminal, so it can't confirm for a person.",
                hint: "Run mm in your own terminal, or use an MCP client that shows forms.")
        }
    }

    /// Whether a process runs a program of this installation.
    package static func isFrontEnd(_ process: Int32) -> Bool {
        guard let path = ProcFile.linkTarget("/proc/\(process)/exe"), let slash = OwnProgram.path.lastIndex(of: "/")
        else {
            return false
        }
        return ["mm", "mm-mcp"].contains { path == OwnProgram.path[...slash] + $0 }
    }

    /// Returns the leader of the session whose controlling terminal a process has; `nil` where it has none.
    private static func terminalLeader(of process: Int32) throws(MMError) -> Int32? {
        guard let entry = try ProcessEntry.look(process), entry.hasTerminal else { return nil }
        return entry.session
    }

    private static var refusal: MMError {
        MMError(
            .forbidden, "This runs in a session or a pool of mm, which can't confirm for a person.",
            hint: "Confirm in your own terminal on the pool's machine, without --pool and MM_SESSION_POOL_URL.")
    }

    private static func hasVariable(_ process: Int32, _ read: ProcFile.Reader) throws(MMError) -> Bool {
        let variable = Array("\(mark)=".utf8)
        guard let bytes = try read("/proc/\(process)/environ", 4 << 20) else { return false }
        return bytes.starts(with: variable) || ByteSearch.find([0] + variable, in: bytes) != nil
    }

    static func isOwnProgram(_ process: Int32) -> Bool {
        let name = ProcFile.linkTarget("/proc/\(process)/exe")?.split(separator: "/").last ?? ""
        return ["mm", "mm-mcp", "mm-sandbox"].contains { name == $0 || name == "\($0) (deleted)" }
    }
}

/// Determines whether an sshd of this machine serves a connection that this product has opened. Processes behind it
/// belong to a session of this product, whatever their environment is.
///
/// A connection within one machine is twice in the kernel's table, once from each end (proc_net_tcp(5)).
enum SSHPeer {
    private struct Connection: Hashable {
        var local: String
        var remote: String
    }

    /// Whether a process is an sshd at the other end of a connection of `mm`, `mm-mcp` or their descendants. Where the
    /// system doesn't show which of several sshds serves the connection, all of them count.
    /// - Throws: `unavailable` if this process lacks the means to look.
    static func servesOwnClient(_ process: Int32) throws(MMError) -> Bool {
        guard let entry = try ProcessEntry.look(process), isSSHD(entry.name) else { return false }
        let table = try connections()
        var all: [ProcessEntry] = []
        for id in try ProcFile.lookForNumbers(in: "/proc") {
            if let entry = try ProcessEntry.look(id) { all.append(entry) }
        }
        let parents = Dictionary(all.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var holders: [String: [ProcessEntry]] = [:]
        for entry in all {
            for socket in try sockets(of: entry.id) ?? [] { holders[socket, default: []].append(entry) }
        }
        let own = try sockets(of: process)
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

    /// Whether a process belongs to this product, or descends from one that does.
    private static func isOurs(_ entry: ProcessEntry, _ parents: [Int32: ProcessEntry]) -> Bool {
        var current: ProcessEntry? = entry
        for _ in 0..<64 {
            guard let entry = current else { return false }
            if ["mm", "mm-mcp"].contains(entry.name) || PersonProof.isOwnProgram(entry.id) { return true }
            current = parents[entry.parent]
        }
        return false
    }

    /// Returns the sockets that a process holds; `nil` where they can't be read.
    private static func sockets(of process: Int32) throws(MMError) -> Set<String>? {
        let folder = "/proc/\(process)/fd"
        let names = try ProcFile.lookForNumbers(in: folder)
        guard !names.isEmpty else { return nil }
        var found: Set<String> = []
        for name in names {
            guard let target = ProcFile.linkTarget("\(folder)/\(name)"), target.hasPrefix("socket:[") else { continue }
            found.insert(String(target.dropFirst(8).dropLast()))
        }
        return found
    }

    /// Returns the established connections by their sockets.
    private static func connections() throws(MMError) -> [String: Connection] {
        var found: [String: Connection] = [:]
        for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
            guard let bytes = try ProcFile.look(file, 8 << 20) else { continue }
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ")
                guard fields.count > 9, fields[3] == "01" else { continue }
                found[String(fields[9])] = Connection(local: plain(fields[1]), remote: plain(fields[2]))
            }
        }
        return found
    }

    /// Returns an address and port; an IPv4-mapped IPv6 address as IPv4.
    private static func plain(_ text: Substring) -> String {
        let mapped = "0000000000000000FFFF0000"
        return String(text.hasPrefix(mapped) ? text.dropFirst(mapped.count) : text)
    }
}
