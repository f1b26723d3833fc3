import Glibc
import MMCore
import MMPowerShell
import MMSystem

/// The stand-in's end of the session protocol: blocking, and used from one thread only.
final class StandInWire {
    private let socket: Int32
    private var incoming: [UInt8] = []
    /// The number of received bytes known to contain no line end.
    private var scanned = 0
    private var outgoing: [UInt8] = []

    /// Connects to the driver at a port of this machine.
    /// - Throws: the error of the system.
    init(port: UInt16) throws(MMError) {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw SystemError.error("Creating a socket") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let isConnected = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else {
            let number = errno
            close(socket)
            throw SystemError.error("Connecting to port \(port)", number)
        }
        var on: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        outgoing.reserveCapacity(128 << 10)
    }

    /// Creates one end of a pair of sockets.
    /// - Parameter socket: the end, which is closed with this value.
    init(owning socket: Int32) { self.socket = socket }

    deinit { close(socket) }

    /// Appends bytes to the output buffer.
    func put(_ bytes: some Sequence<UInt8>) {
        outgoing.append(contentsOf: bytes)
        if outgoing.count >= 64 << 10 { flush() }
    }

    /// Appends a frame.
    func put(_ frame: JSONObject) {
        put(JSONWriter.bytes(.object(frame)))
        put(CollectionOfOne(UInt8(ascii: "\n")))
    }

    /// Appends a record, in the form in which the sink of the bootstrap script writes it.
    func put(_ id: UInt64, _ record: PowerShellRecord) {
        put(Self.head(id, record.stream))
        put(JSONWriter.bytes(record.value))
        put("}\n".utf8)
    }

    /// Returns the beginning of a record's line.
    static func head(_ id: UInt64, _ stream: PowerShellRecord.Stream) -> [UInt8] {
        Array("{\"t\":\"\(stream.rawValue)\",\"id\":\(id),\"v\":".utf8)
    }

    /// Sends the buffered output; exits the process when the connection is closed, as the real script does.
    func flush() {
        var done = 0
        outgoing.withUnsafeBytes { bytes in
            while done < bytes.count {
                let count = send(
                    socket, bytes.baseAddress?.advanced(by: done), bytes.count - done, Int32(MSG_NOSIGNAL))
                if count < 0, errno == EINTR { continue }
                if count <= 0 { _exit(0) }
                done += count
            }
        }
        outgoing.removeAll(keepingCapacity: true)
    }

    /// Returns the next request.
    /// - Parameter milliseconds: the time to wait for it; `nil` for ever.
    func request(within milliseconds: Int32?) -> Arrival {
        flush()
        while true {
            if let line = takeLine() {
                // Skips lines that aren't JSON objects. The script's loop would end there, but the driver never sends
                // any.
                guard let request = (try? JSONParser.parse(line))?.object else { continue }
                return .request(request)
            }
            if let milliseconds {
                var wait = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
                let ready = poll(&wait, 1, milliseconds)
                if ready < 0, errno == EINTR { continue }
                if ready == 0 { return .nothing }
            }
            let count = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64 << 10) { room in
                let count = recv(socket, room.baseAddress, room.count, 0)
                if count > 0 { incoming.append(contentsOf: room[..<count]) }
                return count
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return .end }
        }
    }

    /// The result of waiting for a request.
    enum Arrival {
        case request(JSONObject)
        case nothing
        case end
    }

    private func takeLine() -> [UInt8]? {
        guard let end = incoming[scanned...].firstIndex(of: UInt8(ascii: "\n")) else {
            scanned = incoming.count
            return nil
        }
        let line = Array(incoming[..<end])
        incoming.removeSubrange(...end)
        scanned = 0
        return line
    }
}
