import CMMSystem
import Glibc

/// Finds the user at the other end of a TCP connection within this machine.
package enum LoopbackPeer {
    /// Returns the user of the peer's socket, from sock_diag(7) in microseconds, or where that is unavailable from the
    /// kernel's tables (proc(5), “/proc/net/tcp”) in milliseconds.
    ///
    /// Only an established socket that a process still holds counts, because the kernel reports closed ones as root's.
    /// - Parameters:
    ///   - address: the peer's IP address.
    ///   - port: the peer's port.
    ///   - localAddress: the local address that it connected to.
    ///   - localPort: the local port that it connected to.
    /// - Returns: the user id; nil when the peer isn't on this machine or is gone.
    package static func user(address: String, port: UInt16, localAddress: String, localPort: UInt16) -> UInt32? {
        guard let far = IPAddress(address), let near = IPAddress(localAddress), far.isLoopback, near.isLoopback else {
            return nil
        }
        return entry(far, port, near, localPort)?.user
    }

    /// Returns whether one of these processes holds the other end of a connection accepted on a loopback address.
    /// - Parameter inTheirNetwork: whether the connection was made in the processes' own network, whose tables are
    ///   separate.
    package static func isPeer(
        of descriptor: Int32, heldBy processes: [Int32], inTheirNetwork: Bool = false
    ) -> Bool {
        guard let far = end(of: descriptor, isPeer: true), let near = end(of: descriptor, isPeer: false),
            far.address.isLoopback, near.address.isLoopback
        else { return false }
        guard inTheirNetwork else {
            guard let socket = entry(far.address, far.port, near.address, near.port) else { return false }
            return processes.contains { holds($0, socket) }
        }
        // Reading a network's table takes milliseconds even if it is short, and processes may share a network, so read
        // each once.
        var found: [String: TableEntry?] = [:]
        return processes.contains { process in
            guard let network = ProcFile.linkTarget("/proc/\(process)/ns/net") else { return false }
            let socket =
                found[network]
                ?? socketFromProcNet(far.address, far.port, near.address, near.port, in: "/proc/\(process)/net")
            found[network] = .some(socket)
            return socket.map { holds(process, $0) } ?? false
        }
    }

    private static func holds(_ process: Int32, _ socket: TableEntry) -> Bool {
        let link = "socket:[\(socket.inode)]"
        return ProcFile.numericNames(in: "/proc/\(process)/fd").contains {
            ProcFile.linkTarget("/proc/\(process)/fd/\($0)") == link
        }
    }

    private static func end(of descriptor: Int32, isPeer: Bool) -> (address: IPAddress, port: UInt16)? {
        var text = [CChar](repeating: 0, count: 64)
        var port: UInt16 = 0
        guard mm_socket_address(descriptor, isPeer ? 1 : 0, &text, text.count, &port) >= 0 else { return nil }
        return IPAddress(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
            .map { ($0, port) }
    }

    private static func entry(_ far: IPAddress, _ port: UInt16, _ near: IPAddress, _ localPort: UInt16) -> TableEntry? {
        // A client may reach an IPv4 address through an IPv6 socket.
        switch owner(far, port, near, localPort, asV6: !far.isV4) {
        case .some(.some(let entry)): entry
        case .some(.none): far.isV4 ? owner(far, port, near, localPort, asV6: true) ?? nil : nil
        case .none: socketFromProcNet(far, port, near, localPort)
        }
    }

    /// Returns the owner from sock_diag(7): `.some(nil)` when there is none, nil when the kernel can't be asked.
    private static func owner(_ far: IPAddress, _ port: UInt16, _ near: IPAddress, _ localPort: UInt16, asV6: Bool)
        -> TableEntry??
    {
        var user: UInt32 = 0
        var inode: UInt32 = 0
        let own = asV6 ? far.v6Bytes : far.bytes
        let remote = asV6 ? near.v6Bytes : near.bytes
        guard own.count == remote.count else { return .some(nil) }
        return switch mm_socket_owner(asV6 ? 1 : 0, own, port, remote, localPort, &user, &inode) {
        case 1: .some(TableEntry(user: user, inode: String(inode)))
        case 0: .some(nil)
        default: nil
        }
    }

    /// Returns the processes that hold the peer's socket, as far as this user may see them. Searches all descriptors,
    /// which takes milliseconds.
    /// - Parameters:
    ///   - address: the peer's IP address.
    ///   - port: the peer's port.
    ///   - localAddress: the local address that it connected to.
    ///   - localPort: the local port that it connected to.
    package static func processes(address: String, port: UInt16, localAddress: String, localPort: UInt16) -> [Int32] {
        guard let far = IPAddress(address), let near = IPAddress(localAddress),
            let socket = socketFromProcNet(far, port, near, localPort)
        else { return [] }
        return ProcFile.numericNames(in: "/proc").filter { holds($0, socket) }
    }

    /// A socket's entry in the kernel's tables.
    struct TableEntry: Equatable {
        let user: UInt32
        let inode: String
    }

    static func userFromProcNet(_ far: IPAddress, _ port: UInt16, _ near: IPAddress, _ localPort: UInt16) -> UInt32? {
        socketFromProcNet(far, port, near, localPort)?.user
    }

    private static func socketFromProcNet(
        _ far: IPAddress, _ port: UInt16, _ near: IPAddress, _ localPort: UInt16, in folder: String = "/proc/net"
    ) -> TableEntry? {
        if far.isV4 {
            return socket(inTable: folder + "/tcp", far.v4Hex, port, near.v4Hex, localPort)
                ?? socket(inTable: folder + "/tcp6", far.v6Hex, port, near.v6Hex, localPort)
        }
        return socket(inTable: folder + "/tcp6", far.v6Hex, port, near.v6Hex, localPort)
    }

    private static func socket(
        inTable path: String, _ address: String, _ port: UInt16, _ localAddress: String, _ localPort: UInt16
    ) -> TableEntry? {
        guard let table = ProcFile.read(path, limit: .max) else { return nil }
        let own = "\(address):\(hex(port))"
        let remote = "\(localAddress):\(hex(localPort))"
        return socket(inRows: table, own: own, remote: remote)
    }

    /// Returns the established socket with these ends, given in the table's format.
    static func socket(inRows table: [UInt8], own: String, remote: String) -> TableEntry? {
        let pair = Array((own + " " + remote + " 01 ").utf8)
        for row in table.split(separator: 0x0A) {
            // The row's number ends at the first colon. Splitting every row would be slow on a busy machine.
            guard let colon = row.firstIndex(of: UInt8(ascii: ":")), row[(colon + 1)...].dropFirst().starts(with: pair)
            else { continue }
            let columns = row.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
            // Columns: sl, local, remote, state, queues, timer, retransmits, uid, timeout, inode
            guard columns.count > 9, columns[9] != "0" else {
                continue
            }
            return UInt32(columns[7]).map { TableEntry(user: $0, inode: columns[9]) }
        }
        return nil
    }

    private static func hex(_ port: UInt16) -> String {
        let text = String(port, radix: 16, uppercase: true)
        return String(repeating: "0", count: 4 - text.count) + text
    }
}

/// An IP address, with the formats that the kernel's tables use.
package struct IPAddress: Sendable, Hashable {
    /// 4 or 16 bytes in network order.
    package let bytes: [UInt8]

    /// Parses the usual text form; nil when it isn't an address.
    package init?(_ text: String) {
        var room = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &room) == 1 {
            bytes = Array(room.prefix(4))
        } else if inet_pton(AF_INET6, text, &room) == 1 {
            let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
            bytes = room.starts(with: mapped) ? Array(room.suffix(4)) : room
        } else {
            return nil
        }
    }

    /// Whether it is an IPv4 address, including one written as IPv6.
    package var isV4: Bool { bytes.count == 4 }

    /// Whether it is a loopback address: 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        isV4 ? bytes[0] == 127 : bytes == [UInt8](repeating: 0, count: 15) + [1]
    }

    fileprivate var v4Hex: String { Self.words(bytes) }

    fileprivate var v6Hex: String { Self.words(v6Bytes) }

    fileprivate var v6Bytes: [UInt8] { isV4 ? [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] + bytes : bytes }

    /// Returns the bytes as the kernel prints them: each 32-bit word in this machine's byte order.
    private static func words(_ bytes: [UInt8]) -> String {
        stride(from: 0, to: bytes.count, by: 4).map { start in
            let word = bytes[start..<(start + 4)].enumerated().reduce(UInt32(0)) { word, byte in
                word | UInt32(byte.element) << (8 * UInt32(byte.offset))
            }
            let text = String(UInt32(littleEndian: word), radix: 16, uppercase: true)
            return String(repeating: "0", count: 8 - text.count) + text
        }.joined()
    }
}
