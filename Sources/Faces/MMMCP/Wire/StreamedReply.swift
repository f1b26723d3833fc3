import MMCore

/// An answer with long texts, in the order in which its bytes are sent.
struct StreamedReply: Sendable {
    private enum Part: Sendable {
        case bytes([UInt8])
        case text(TextStream)
    }

    private var parts: [Part] = []
    /// The error code of the answer; `nil` for a result.
    private(set) var errorCode: Int?

    /// Splits a message at the placeholders of its texts.
    init(_ reply: Reply, texts: [TextStream]) {
        errorCode = reply.errorCode
        var rest = reply.bytes[...]
        for text in texts {
            let marker = Array(text.marker.utf8)
            guard let place = Self.find(marker, in: rest) else { continue }
            parts.append(.bytes(Array(rest[..<place])))
            parts.append(.text(text))
            rest = rest[(place + marker.count)...]
        }
        parts.append(.bytes(Array(rest)))
    }

    private static func find(_ wanted: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard let first = wanted.first else { return nil }
        var from = bytes.startIndex
        while let start = bytes[from...].firstIndex(of: first) {
            if bytes[start...].starts(with: wanted) { return start }
            from = start + 1
        }
        return nil
    }

    /// Passes the message to `send`, piece by piece.
    /// - Throws: what `send` throws; a text that fails is ended within the message itself.
    func send<Failure: Error>(_ send: ([UInt8]) async throws(Failure) -> Void) async throws(Failure) {
        for part in parts {
            switch part {
            case .bytes(let bytes): try await send(bytes)
            case .text(let text):
                var isOver = false
                while !isOver {
                    let piece: String
                    do {
                        guard let next = try await text.next() else { break }
                        piece = next
                    } catch {
                        piece = "\n[The rest of this text could not be read.]"
                        isOver = true
                    }
                    var escaped: [UInt8] = []
                    escaped.reserveCapacity(piece.utf8.count + 16)
                    JSONWriter.append(piece, to: &escaped)
                    // The quotes are dropped because the string is already open.
                    try await send(Array(escaped.dropFirst().dropLast()))
                }
            }
        }
    }

    /// Returns the complete message.
    func gathered() async -> Reply {
        var bytes: [UInt8] = []
        await send { bytes += $0 }
        return Reply(bytes: bytes, errorCode: errorCode)
    }
}
