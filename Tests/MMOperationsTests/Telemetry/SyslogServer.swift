import Glibc
import MMCore
import MMSystem

/// A syslog server in this process, for one kind of socket.
final class SyslogServer: Sendable {
    enum Kind: Sendable {
        case unix(String)
        case udp
        case tcp
    }

    /// What came, and the sockets that a thread reads from while the server may be gone. They are shut down and closed
    /// under one lock: a number that is free could already be another server's.
    private final class Inbox: Sendable {
        private struct State {
            var messages: [String] = []
            var isStopped = false
            var connection: Int32?
            var socket: Int32?
        }

        private let state: Mutex<State>

        init(_ socket: Int32) { state = Mutex(State(socket: socket)) }

        var messages: [String] { state.withLock { $0.messages } }

        /// - Returns: whether more is taken.
        func take(_ message: [UInt8]) -> Bool {
            state.withLock { state in
                if !state.isStopped { state.messages.append(String(decoding: message, as: UTF8.self)) }
                return !state.isStopped
            }
        }

        /// Notes the connection that is read from now on.
        /// - Returns: whether more is taken.
        func begin(_ connection: Int32) -> Bool {
            state.withLock { state in
                state.connection = connection
                return !state.isStopped
            }
        }

        func endConnection() { state.withLock { Self.end(&$0.connection) } }

        func end() { state.withLock { Self.end(&$0.socket) } }

        /// Whoever writes to a server that is gone learns it at once.
        func stop() {
            state.withLock { state in
                state.isStopped = true
                for number in [state.connection, state.socket].compactMap(\.self) { shutdown(number, Int32(SHUT_RDWR)) }
            }
        }

        private static func end(_ number: inout Int32?) {
            if let number { close(number) }
            number = nil
        }
    }

    private let inbox: Inbox
    let port: UInt16

    /// - Parameter isClosing: whether it accepts connections and ends each at once.
    init(_ kind: Kind, port wanted: UInt16 = 0, isClosing: Bool = false) throws {
        let (number, port) =
            switch kind {
            case .unix(let path): (try Self.local(path), UInt16(0))
            case .udp: try Self.loopback(SOCK_DGRAM, wanted)
            case .tcp: try Self.loopback(SOCK_STREAM, wanted)
            }
        self.port = port
        let inbox = Inbox(number)
        self.inbox = inbox
        let isStream = if case .tcp = kind { true } else { false }
        try DedicatedThread.start("test-syslog") {
            isStream ? Self.accept(number, inbox, isClosing) : Self.receive(number, inbox)
            inbox.end()
        }
    }

    deinit { stop() }

    /// Closes everything, as a server that ends.
    func stop() { inbox.stop() }

    /// What came, one text a message.
    var messages: [String] { inbox.messages }

    private static func local(_ path: String) throws -> Int32 {
        let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0 else {
            close(number)
            throw MMError(.unavailable, "no socket at \(path)")
        }
        return number
    }

    private static func loopback(_ type: __socket_type, _ wanted: UInt16) throws -> (Int32, UInt16) {
        let number = socket(AF_INET, Int32(type.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = wanted.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
                bind(number, place, size) == 0 && getsockname(number, place, &size) == 0
            }
        }
        guard bound, type != SOCK_STREAM || listen(number, 8) == 0 else {
            close(number)
            throw MMError(.unavailable, "no socket")
        }
        return (number, UInt16(bigEndian: address.sin_port))
    }

    private static func receive(_ number: Int32, _ inbox: Inbox) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(number, &buffer, buffer.count, 0)
            if count <= 0 || !inbox.take(Array(buffer[..<count])) { return }
        }
    }

    /// Reads messages with octet counting, one connection after the other.
    private static func accept(_ number: Int32, _ inbox: Inbox, _ isClosing: Bool) {
        while true {
            let connection = Glibc.accept(number, nil, nil)
            guard connection >= 0 else { return }
            defer { inbox.endConnection() }
            guard inbox.begin(connection) else { return }
            if isClosing { continue }
            var held: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = recv(connection, &buffer, buffer.count, 0)
                if count <= 0 { break }
                held += buffer[..<count]
                while let space = held.firstIndex(of: 0x20),
                    let length = Int(String(decoding: held[..<space], as: UTF8.self)), held.count > space + length
                {
                    if !inbox.take(Array(held[(space + 1)...(space + length)])) { return }
                    held.removeFirst(space + 1 + length)
                }
            }
        }
    }
}
