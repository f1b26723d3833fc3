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

    /// What came, which the thread that reads goes on to fill while the server may be gone.
    private final class Inbox: Sendable {
        private let state = Mutex((messages: [String](), connection: Int32(-1), isStopped: false))

        /// The connection that is read at the moment.
        func reads(_ connection: Int32) { state.withLock { $0.connection = connection } }

        var messages: [String] { state.withLock { $0.messages } }

        /// - Returns: whether more is taken.
        func take(_ message: [UInt8]) -> Bool {
            state.withLock { state in
                if !state.isStopped { state.messages.append(String(decoding: message, as: UTF8.self)) }
                return !state.isStopped
            }
        }

        /// - Returns: whether it was open.
        func stop() -> Bool {
            state.withLock { state in
                // Whoever writes to a server that is gone learns it at once.
                if state.connection >= 0 { shutdown(state.connection, Int32(SHUT_RDWR)) }
                defer { state.isStopped = true }
                return !state.isStopped
            }
        }
    }

    private let number: Int32
    private let inbox = Inbox()
    let port: UInt16

    init(_ kind: Kind, port wanted: UInt16 = 0) throws {
        switch kind {
        case .unix(let path):
            let made = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            number = made
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let bound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(made, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            guard bound == 0 else { throw MMError(.unavailable, "no socket at \(path)") }
            port = 0
        case .udp, .tcp:
            var isTCP = false
            if case .tcp = kind { isTCP = true }
            number = socket(AF_INET, Int32(isTCP ? SOCK_STREAM.rawValue : SOCK_DGRAM.rawValue), 0)
            var yes: Int32 = 1
            setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = wanted.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let number = number
            let bound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
                    bind(number, place, size) == 0 && getsockname(number, place, &size) == 0
                }
            }
            guard bound, !isTCP || listen(number, 8) == 0 else { throw MMError(.unavailable, "no socket") }
            port = UInt16(bigEndian: address.sin_port)
        }
        let isStream = if case .tcp = kind { true } else { false }
        try DedicatedThread.start("test-syslog") { [number, inbox] in
            isStream ? Self.accept(number, inbox) : Self.receive(number, inbox)
        }
    }

    deinit { stop() }

    /// Closes everything, as a server that ends.
    func stop() {
        if inbox.stop() {
            shutdown(number, Int32(SHUT_RDWR))
            close(number)
        }
    }

    /// What came, one text a message.
    var messages: [String] { inbox.messages }

    private static func receive(_ number: Int32, _ inbox: Inbox) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(number, &buffer, buffer.count, 0)
            if count <= 0 || !inbox.take(Array(buffer[..<count])) { return }
        }
    }

    /// Reads messages with octet counting, one connection after the other.
    private static func accept(_ number: Int32, _ inbox: Inbox) {
        while true {
            let connection = Glibc.accept(number, nil, nil)
            guard connection >= 0 else { return }
            inbox.reads(connection)
            defer {
                inbox.reads(-1)
                close(connection)
            }
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
