/// Frames of an HTTP/2 client, and those of a server that tests read.
struct HTTP2Frame: Hashable {
    static let (data, headers, reset, settings, ping, goAway, window, continuation):
        (
            UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8
        ) = (0, 1, 3, 4, 6, 7, 8, 9)

    var kind: UInt8
    var flags: UInt8 = 0
    var stream: UInt32 = 0
    var payload: [UInt8] = []

    /// Whether it ends its stream.
    var ends: Bool { kind <= Self.headers && flags & 1 == 1 }

    var bytes: [UInt8] {
        [
            UInt8(payload.count >> 16), UInt8(payload.count >> 8 & 255), UInt8(payload.count & 255), kind, flags,
        ] + Self.number(stream) + payload
    }

    static func number(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }

    /// The connection preface of a client.
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + HTTP2Frame(kind: settings).bytes
    /// GOAWAY: no more requests follow.
    static let goodbye = HTTP2Frame(kind: goAway, payload: [UInt8](repeating: 0, count: 8))

    /// The head of a request with literal fields.
    static func head(
        _ stream: UInt32, _ method: String = "GET", _ path: String = "/v1.0/me",
        fields: [(String, String)] = [], ends: Bool = true, authority: String = "graph.microsoft.com"
    ) -> HTTP2Frame {
        let all = [(":method", method), (":scheme", "https"), (":authority", authority), (":path", path)] + fields
        return HTTP2Frame(kind: headers, flags: ends ? 5 : 4, stream: stream, payload: list(all))
    }

    /// Literal fields.
    static func list(_ fields: [(String, String)]) -> [UInt8] {
        fields.flatMap { name, value in [0] + text(name) + text(value) }
    }

    /// A string of HPACK: its length, in seven bits and continuation bytes, and its bytes.
    static func text(_ text: String) -> [UInt8] {
        var rest = text.utf8.count
        guard rest >= 127 else { return [UInt8(rest)] + Array(text.utf8) }
        var length: [UInt8] = [127]
        rest -= 127
        while rest >= 128 {
            length.append(UInt8(rest & 127) | 128)
            rest >>= 7
        }
        return length + [UInt8(rest)] + Array(text.utf8)
    }

    static func data(_ stream: UInt32, _ text: String, ends: Bool) -> HTTP2Frame {
        HTTP2Frame(kind: data, flags: ends ? 1 : 0, stream: stream, payload: Array(text.utf8))
    }

    /// RST_STREAM by the client.
    static func reset(_ stream: UInt32) -> HTTP2Frame {
        HTTP2Frame(kind: reset, stream: stream, payload: number(8))
    }

    /// WINDOW_UPDATE of a stream or, with 0, of the connection.
    static func room(_ stream: UInt32, _ count: UInt32) -> HTTP2Frame {
        HTTP2Frame(kind: window, stream: stream, payload: number(count))
    }

    /// The complete frames.
    static func read(_ bytes: [UInt8]) -> [HTTP2Frame] {
        var frames: [HTTP2Frame] = []
        var at = 0
        while at + 9 <= bytes.count {
            let end = at + 9 + (Int(bytes[at]) << 16 | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2]))
            guard end <= bytes.count else { break }
            frames.append(
                HTTP2Frame(
                    kind: bytes[at + 3], flags: bytes[at + 4],
                    stream: bytes[(at + 5)..<(at + 9)].reduce(0) { $0 << 8 | UInt32($1) },
                    payload: Array(bytes[(at + 9)..<end])))
            at = end
        }
        return frames
    }
}
