import MMCore

/// The answer to a client that speaks HTTP/2 within a tunnel although it was not offered: `HTTP_1_1_REQUIRED` (RFC 9113,
/// section 7), in its own frames, since it reads nothing else. Clients that can then repeat the request over HTTP/1.1.
struct HTTP2Refusal: Sendable {
    private enum Frame: UInt8 {
        case headers = 1
        case reset = 3
        case settings = 4
        case goAway = 7
    }

    /// What its client is told, and what is written down.
    static let fault = WireFault(
        505, .otherProtocol,
        "Only HTTP/1.1 is passed on, and the client speaks HTTP/2. Set it to HTTP/1.1; some do so by themselves now.")

    private static let required: UInt32 = 0xD
    /// What ends a client's preface, after the empty line that a head ends with.
    private static let restOfPreface = Array("SM\r\n\r\n".utf8)
    private static let most = 64 << 10

    let channel: WireChannel
    let input: WireInput

    /// Refuses the client's first request, and everything after it.
    /// - Parameter patience: how long that request may take.
    func send(patience: Duration) async throws(WireFault) {
        try await channel.write(Self.frame(.settings, on: 0, []))
        // A request that nobody has begun can't be refused.
        let stream = try await firstRequest(patience: patience) ?? 0
        var frames = stream == 0 ? [] : Self.frame(.reset, on: stream, Self.bytes(Self.required))
        frames += Self.frame(
            .goAway, on: 0, Self.bytes(stream) + Self.bytes(Self.required) + Array(Self.fault.message.utf8))
        try await channel.write(frames)
    }

    private func firstRequest(patience: Duration) async throws(WireFault) -> UInt32? {
        var bytes: [UInt8] = []
        var start = Self.restOfPreface.count
        while bytes.count < Self.most, let more = try await input.piece(upTo: Self.most, patience: patience) {
            bytes += more
            guard Self.restOfPreface.starts(with: bytes.prefix(Self.restOfPreface.count)) else { return nil }
            while bytes.count >= start + 9 {
                let head = bytes[start..<(start + 9)].map { UInt32($0) }
                if head[3] == UInt32(Frame.headers.rawValue) {
                    return (head[5] << 24 | head[6] << 16 | head[7] << 8 | head[8]) & 0x7FFF_FFFF
                }
                start += 9 + Int(head[0] << 16 | head[1] << 8 | head[2])
            }
        }
        return nil
    }

    private static func frame(_ kind: Frame, on stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
        let length = UInt32(payload.count)
        return bytes(length).dropFirst() + [kind.rawValue, 0] + bytes(stream) + payload
    }

    private static func bytes(_ number: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }
}
