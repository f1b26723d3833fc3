import MMCore
import MMSystem

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
