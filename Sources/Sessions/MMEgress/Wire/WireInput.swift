import MMCore

/// The input of one client connection, read piece by piece: heads, bodies, lines. For one reader at a time.
final class WireInput: Sendable {
    private let channel: WireChannel
    private let rest = Mutex<[UInt8]>([])

    init(_ channel: WireChannel) { self.channel = channel }

    /// Takes the received bytes that haven't been read yet.
    func takeEarly() -> [UInt8] {
        rest.withLock { rest in
            defer { rest = [] }
            return rest
        }
    }

    /// Reads the next head; `nil` if the client sends no further request.
    /// - Parameters:
    ///   - idle: the timeout for its first byte.
    ///   - patience: the timeout for the rest.
    func head(idle: Duration, patience: Duration) async throws(WireFault) -> RequestHead? {
        var bytes = takeEarly()
        if bytes.isEmpty {
            let first: [UInt8]?
            do throws(WireFault) {
                first = try await channel.read(until: .now + idle)
            } catch {
                // No client waits for an answer on an idle connection.
                if error.kind == .tooSlow || error.kind == .clientGone { return nil }
                throw error
            }
            guard let first else { return nil }
            bytes = first
        }
        let deadline = ContinuousClock.now + patience
        var searched = 0
        while true {
            if let end = Self.emptyLine(in: bytes, from: searched) {
                rest.withLock { [left = Array(bytes[(end + 4)...])] in $0 = left }
                return try RequestHead(bytes[..<end])
            }
            guard bytes.count <= RequestHead.maxBytes else {
                throw WireFault(431, .tooLarge, "The head is larger than \(RequestHead.maxBytes >> 10) KiB.")
            }
            // With bare line feeds, the empty line that ends the head might never come.
            if Self.hasBareLineFeed(bytes, from: searched) {
                throw WireFault(400, .malformed, "The request head contains a line that doesn't end with CR LF.")
            }
            searched = max(0, bytes.count - 3)
            guard let more = try await channel.read(until: deadline) else {
                throw WireFault(400, .torn, "The head ended before its empty line.")
            }
            bytes += more
        }
    }

    /// Reads up to a number of bytes, as soon as there are some; `nil` at the client's end.
    func piece(upTo limit: Int, patience: Duration) async throws(WireFault) -> [UInt8]? {
        var bytes = takeEarly()
        if bytes.isEmpty {
            guard let more = try await channel.read(until: .now + patience) else { return nil }
            bytes = more
        }
        if bytes.count > limit {
            rest.withLock { [left = Array(bytes[limit...])] in $0 = left }
            bytes.removeLast(bytes.count - limit)
        }
        return bytes
    }

    /// Reads a line without its CR LF.
    func line(upTo limit: Int, patience: Duration) async throws(WireFault) -> [UInt8] {
        let deadline = ContinuousClock.now + patience
        var bytes = takeEarly()
        while true {
            if let end = bytes.firstIndex(of: 0x0A) {
                guard end > 0, bytes[end - 1] == 0x0D, end <= limit + 1 else { break }
                rest.withLock { [left = Array(bytes[(end + 1)...])] in $0 = left }
                return Array(bytes[..<(end - 1)])
            }
            guard bytes.count <= limit + 1 else { break }
            guard let more = try await channel.read(until: deadline) else {
                throw WireFault(400, .torn, "The body ended within a chunk's first line.")
            }
            bytes += more
        }
        throw WireFault(400, .malformed, "A line of a chunked body is too long, or does not end with CR LF.")
    }

    private static func emptyLine(in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return bytes.withUnsafeBufferPointer { bytes in
            var index = start
            while index + 3 < bytes.count {
                if bytes[index] == 0x0D, bytes[index + 1] == 0x0A, bytes[index + 2] == 0x0D, bytes[index + 3] == 0x0A {
                    return index
                }
                index += 1
            }
            return nil
        }
    }

    private static func hasBareLineFeed(_ bytes: [UInt8], from start: Int) -> Bool {
        bytes.indices.dropFirst(start).contains { bytes[$0] == 0x0A && ($0 == 0 || bytes[$0 - 1] != 0x0D) }
    }
}
