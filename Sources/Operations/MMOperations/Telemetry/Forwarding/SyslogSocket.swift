import Glibc
import MMCore
import MMSystem

/// A socket to a syslog server. Its calls block, each until a deadline.
final class SyslogSocket: Sendable {
    private let number: Int32
    private let isStream: Bool
    /// Whether messages that come too fast are lost. The machine's own log daemon lets its senders wait.
    private let isLossy: Bool

    /// The maximum size of a datagram that works everywhere (RFC 5426, section 3.2, asks for less).
    private static let longestDatagram = 32 << 10

    /// The time that a new connection must last before it gets lines. Servers that want another client certificate, and
    /// balancers that have no server, accept a connection and end it at once; lines sent until then would be lost,
    /// because the other machine's kernel acknowledges them.
    static let proof = Duration.milliseconds(250)
    /// The reason why a new connection gets no lines.
    static let refusal =
        "the server ended the new connection: if it asks for a client certificate, "
        + "\(AuditDestination.certificateVariable) and \(AuditDestination.keyVariable) must name one that it accepts"

    /// Connects.
    /// - Throws: `unavailable` with the reason.
    init(to destination: AuditDestination, until deadline: Deadline) throws(MMError) {
        switch destination {
        case .localSyslog(let path):
            (isStream, isLossy) = (false, false)
            number = try Self.local(path)
        case .syslogOverUDP(let host, let port):
            (isStream, isLossy) = (false, true)
            number = try Self.remote(host, port, SOCK_DGRAM, deadline)
        case .syslogOverTCP(let host, let port):
            (isStream, isLossy) = (true, false)
            number = try Self.remote(host, port, SOCK_STREAM, deadline)
        case .syslogOverTLS, .file, .collector, .cluster:
            throw MMError(.internalError, "\(destination.name) is not a syslog server.")
        }
    }

    deinit { close(number) }

    /// Whether the other side has closed the connection.
    var isClosed: Bool {
        guard isStream else { return false }
        var byte: UInt8 = 0
        let count = recv(number, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        return count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
    }

    /// Waits until the other side has kept a new connection for a moment.
    func prove() throws(MMError) {
        guard isStream else { return }
        var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        _ = poll(&entry, 1, Int32(Self.proof / .milliseconds(1)))
        if isClosed { throw MMError(.unavailable, "the server ended the new connection") }
    }

    /// Sends messages. A server's buffer holds about a hundred datagrams, so they go in small groups over UDP.
    func send(_ messages: [[UInt8]], until deadline: Deadline) throws(MMError) {
        for (index, message) in messages.enumerated() {
            if isLossy, index > 0, index.isMultiple(of: 16) {
                var pause = timespec(tv_sec: 0, tv_nsec: 5_000_000)
                nanosleep(&pause, nil)
            }
            try send(message, until: deadline)
        }
    }

    private func send(_ message: [UInt8], until deadline: Deadline) throws(MMError) {
        guard isStream else { return try sendDatagram(message, until: deadline) }
        // With octet counting (RFC 6587, section 3.4.1) a message may contain any byte.
        try sendAll(Array("\(message.count) ".utf8) + message, until: deadline)
    }

    /// Waits until the other side has acknowledged all bytes, so that lost ones are sent again.
    func settle(until deadline: Deadline) throws(MMError) {
        guard isStream else { return }
        while true {
            var left: Int32 = 0
            guard ioctl(number, UInt(TIOCOUTQ), &left) == 0 else { return }
            if isClosed { throw MMError(.unavailable, "the server closed the connection") }
            if left == 0 { return }
            guard !deadline.hasPassed else { throw MMError(.unavailable, "the server accepts no more data") }
            var pause = timespec(tv_sec: 0, tv_nsec: 2_000_000)
            nanosleep(&pause, nil)
        }
    }

    private func sendDatagram(_ message: [UInt8], until deadline: Deadline) throws(MMError) {
        let message = Array(message.prefix(Self.longestDatagram))
        while Glibc.send(number, message, message.count, Self.flags) < 0 {
            switch errno {
            case EINTR: continue
            case EAGAIN, EWOULDBLOCK, ENOBUFS: try waitForRoom(until: deadline)
            default: throw Self.failed("send")
            }
        }
    }

    private func sendAll(_ bytes: [UInt8], until deadline: Deadline) throws(MMError) {
        var done = 0
        while done < bytes.count {
            let sent = bytes[done...].withUnsafeBytes { Glibc.send(number, $0.baseAddress, $0.count, Self.flags) }
            if sent >= 0 {
                done += sent
            } else if errno == EAGAIN || errno == EWOULDBLOCK {
                try waitForRoom(until: deadline)
            } else if errno != EINTR {
                throw Self.failed("send")
            }
        }
    }

    private func waitForRoom(until deadline: Deadline) throws(MMError) { try Self.wait(number, until: deadline) }

    private static let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)

    private static func local(_ path: String) throws(MMError) -> Int32 {
        let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw failed("open a socket") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let error = failed("reach \(path)")
            close(number)
            throw error
        }
        return number
    }

    private static func remote(
        _ host: String, _ port: UInt16, _ type: __socket_type, _ deadline: Deadline
    ) throws(MMError) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(type.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            throw MMError(.unavailable, "\(host) has no address: \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(list) }
        var last = MMError(.unavailable, "\(host) has no address")
        var next = list
        while let entry = next {
            next = entry.pointee.ai_next
            let number = socket(
                entry.pointee.ai_family,
                Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            guard number >= 0 else { continue }
            do throws(MMError) {
                if connect(number, entry.pointee.ai_addr, entry.pointee.ai_addrlen) != 0 {
                    guard errno == EINPROGRESS else { throw failed("reach \(host):\(port)") }
                    try wait(number, until: deadline)
                    var problem: Int32 = 0
                    var size = socklen_t(MemoryLayout<Int32>.size)
                    getsockopt(number, SOL_SOCKET, SO_ERROR, &problem, &size)
                    errno = problem
                    if problem != 0 { throw failed("reach \(host):\(port)") }
                }
                if isOwnPeer(number) {
                    errno = ECONNREFUSED
                    throw failed("reach \(host):\(port)")
                }
                return number
            } catch {
                last = error
                close(number)
            }
        }
        throw last
    }

    /// Whether a connection leads to itself. If no process listens on a local port, the system may choose that same
    /// port for the caller's side, and the two connect to each other (RFC 9293, section 3.5, simultaneous open): lines
    /// would seem to have arrived.
    static func isOwnPeer(_ number: Int32) -> Bool {
        func address(_ read: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32) -> [UInt8] {
            var storage = sockaddr_storage()
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            return withUnsafeMutablePointer(to: &storage) { pointer in
                let result = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { read($0, &size) }
                return result == 0 ? Array(UnsafeRawBufferPointer(start: pointer, count: Int(size))) : []
            }
        }
        let near = address { getsockname(number, $0, $1) }
        return !near.isEmpty && near == address { getpeername(number, $0, $1) }
    }

    /// Waits until the socket is writable.
    private static func wait(_ number: Int32, until deadline: Deadline) throws(MMError) {
        while true {
            var entry = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
            let left = max(0, min(deadline.remaining / .milliseconds(1), 60_000))
            let count = poll(&entry, 1, Int32(left))
            if count > 0 { return }
            if count < 0, errno == EINTR { continue }
            throw MMError(.unavailable, "the server accepts no more data")
        }
    }

    private static func failed(_ action: String) -> MMError {
        MMError(.unavailable, "could not \(action): \(SystemError.text(errno))")
    }
}

/// Sends lines to a syslog server or the machine's own log daemon.
final class SyslogSink: AuditSink {
    private let destination: AuditDestination
    private let socket = Mutex<SyslogSocket?>(nil)
    private static let patience = Duration.seconds(10)

    init(_ destination: AuditDestination) { self.destination = destination }

    func send(_ lines: [ArraySlice<UInt8>]) async throws(AuditSinkFault) {
        let isLocal = if case .localSyslog = destination { true } else { false }
        let messages = lines.map { SyslogMessage.bytes(of: $0, isLocal: isLocal) }
        do throws(MMError) {
            try await BlockingWork.run { [self] () throws(MMError) in
                try socket.withLock { socket throws(MMError) in
                    let until = Deadline.after(Self.patience)
                    // The other side may have closed the connection since the last batch.
                    if socket?.isClosed == true { socket = nil }
                    do throws(MMError) {
                        let open: SyslogSocket
                        if let held = socket {
                            open = held
                        } else {
                            open = try SyslogSocket(to: destination, until: until)
                            try open.prove()
                        }
                        socket = open
                        try open.send(messages, until: until)
                        try open.settle(until: until)
                    } catch {
                        socket = nil
                        throw error
                    }
                }
            }
        } catch {
            throw AuditSinkFault(error.message)
        }
    }
}

/// Formats an audit line as a message for a syslog server (RFC 5424) or for the machine's own log daemon.
struct SyslogMessage {
    /// This machine's host name in the characters that a message allows.
    static let host = ThisProcess.hostName.map { printable($0, 255) } ?? "-"

    /// Returns the message, without framing.
    /// - Parameters:
    ///   - line: the line, which the message contains whole.
    ///   - isLocal: whether the message is for the machine's own log daemon. systemd-journald, rsyslog and syslog-ng
    ///     read a program's name and its text there, as syslog(3) writes them, and would take RFC 5424's fields for
    ///     text.
    static func bytes(of line: ArraySlice<UInt8>, isLocal: Bool = false) -> [UInt8] {
        let entry: JSONValue? = try? JSONParser.parse(Array(line))
        // Facility 13 is “log audit”.
        let priority = 13 * 8 + severity(of: entry?["outcome"]?.string)
        // The daemon adds the time at which it got the message; that of the call is in the line.
        if isLocal { return Array("<\(priority)>mm: ".utf8) + line }
        let time = entry?["time"]?.string ?? "-"
        let operation = printable(entry?["operation"]?.string ?? "", 32)
        return Array("<\(priority)>1 \(printable(time, 32)) \(host) mm - \(operation) - ".utf8) + line
    }

    /// Returns the severity: 6 is informational, 5 a notice, 4 a warning.
    private static func severity(of outcome: String?) -> Int {
        switch outcome {
        case "done", "begun", nil: 6
        case MMErrorCode.denied.word, MMErrorCode.forbidden.word: 4
        default: 5
        }
    }

    /// Returns a header field: printable ASCII without spaces.
    private static func printable(_ text: String, _ longest: Int) -> String {
        let kept = text.unicodeScalars.filter { (0x21...0x7E).contains($0.value) }.prefix(longest)
        return kept.isEmpty ? "-" : String(String.UnicodeScalarView(kept))
    }
}
