import COpenSSL
import MMCore

/// The server's side of one TLS connection, in memory: encrypted bytes are passed in and taken out, and no call blocks.
///
/// For one caller at a time.
final class TLSConnection {
    /// The result of reading.
    enum Reading {
        case bytes([UInt8])
        /// The client must send more first.
        case wait
        /// The client has closed the connection.
        case end
        case failed(String)
    }

    private static let roomSize = 32 << 10
    private let raw: UnsafeMutableRawPointer

    init(_ raw: UnsafeMutableRawPointer) { self.raw = raw }

    deinit { mm_tls_free(raw) }

    /// Receives encrypted bytes from the client.
    func receive(_ bytes: [UInt8]) {
        // The memory buffer accepts all bytes, unless the process is out of memory.
        _ = mm_tls_receive(raw, bytes, Int32(bytes.count))
    }

    /// Takes the encrypted bytes to send to the client.
    func takeOutgoing() -> [UInt8] {
        var outgoing: [UInt8] = []
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.roomSize) { room in
            while true {
                let count = Int(mm_tls_send(raw, room.baseAddress, Int32(room.count)))
                guard count > 0 else { return }
                outgoing.append(contentsOf: room.prefix(count))
            }
        }
        return outgoing
    }

    /// Continues the handshake.
    /// - Returns: whether it is complete; `false` if the client must send more first.
    func handshake() -> Result<Bool, WireFault> {
        switch mm_tls_handshake(raw) {
        case 1: .success(true)
        case Int32(MM_TLS_WAIT): .success(false)
        default: .failure(handshakeFault)
        }
    }

    /// Reads decrypted bytes from the client.
    func read() -> Reading {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.roomSize) { room in
            let count = mm_tls_read(raw, room.baseAddress, Int32(room.count))
            switch count {
            case 1...: return .bytes(Array(room.prefix(Int(count))))
            case 0: return .wait
            case Int32(MM_TLS_END): return .end
            default: return .failed(reason)
            }
        }
    }

    /// Encrypts bytes for the client.
    func write(_ bytes: some Collection<UInt8>) -> Bool {
        bytes.withContiguousStorageIfAvailable { buffer in
            buffer.isEmpty || mm_tls_write(raw, buffer.baseAddress, Int32(buffer.count)) == Int32(buffer.count)
        } ?? false
    }

    /// Prepares the message that closes the TLS connection.
    func shutdown() { mm_tls_shutdown(raw) }

    private var handshakeFault: WireFault {
        var other = [CChar](repeating: 0, count: 256)
        if mm_tls_other_name(raw, &other, Int32(other.count)) != 0 {
            let name = VisibleText.exact(Self.text(other))
            return WireFault(
                400, .nameMismatch, "The TLS handshake asks for a different server (\(name)) than CONNECT.")
        }
        if mm_tls_other_protocol(raw) != 0 {
            return WireFault(
                400, .otherProtocol,
                "Inside TLS only HTTP/1.1 and HTTP/2 are supported, which the client doesn't offer.")
        }
        return WireFault(400, .tls, "The TLS handshake failed: \(reason).")
    }

    private var reason: String {
        var room = [CChar](repeating: 0, count: 256)
        mm_tls_reason(raw, &room, Int32(room.count))
        return Self.text(room)
    }

    private static func text(_ room: [CChar]) -> String {
        String(decoding: room.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
