import MMCore

/// Takes a host's bytes as they come and gives whole frames.
///
/// It keeps no more than one unfinished line. A line over the limit is passed over to its end and reported, if its
/// front says which command it belonged to; the frames behind it are unharmed.
package struct WireDecoder: Sendable {
    /// Longest line that becomes a frame, in bytes.
    package let lineLimit: Int
    private let limits: JSONLimits
    private var buffer: [UInt8] = []
    /// Start of the first line that wasn't given yet.
    private var start = 0
    /// Up to here there is no line end.
    private var scanned = 0
    /// The line that is being passed over: its front and how long it was so far.
    private var passing: (front: [UInt8], bytes: Int)?

    /// A decoder.
    /// - Parameter lineLimit: longest line that becomes a frame, in bytes.
    package init(lineLimit: Int = 64 << 20) {
        self.lineLimit = lineLimit
        limits = JSONLimits(bytes: lineLimit, depth: 256)
    }

    /// Bytes that are kept for a line whose end has not come.
    package var pendingBytes: Int { buffer.count - start }

    /// Whether the host stopped in the middle of a line.
    package var isInsideLine: Bool { pendingBytes > 0 || passing != nil }

    /// Takes bytes.
    package mutating func append(_ bytes: some Collection<UInt8>) {
        if start > 0, start == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= 1 << 16)
            start = 0
            scanned = 0
        } else if start > 1 << 20 {
            buffer.removeSubrange(..<start)
            scanned -= start
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole frame, or `nil` when more bytes are needed.
    /// - Throws: `WireFault` for a line that is no frame; the decoder must not be used any more.
    package mutating func next() throws(HostWireFault) -> HostFrame? {
        while let line = nextLine() {
            if var passed = passing {
                passing = nil
                passed.bytes += line.count
                if let frame = Self.report(passed) { return frame }
                throw HostWireFault("a line of \(passed.bytes) bytes that isn't a record")
            }
            if line.isEmpty { continue }
            if line.count > lineLimit {
                if let frame = Self.report((Array(line.prefix(64)), line.count)) { return frame }
                throw HostWireFault("a line of \(line.count) bytes that isn't a record")
            }
            return try HostFrame.decode(line, limits: limits)
        }
        if passing != nil || buffer.count - start > lineLimit {
            let front = passing?.front ?? Array(buffer[start...].prefix(64))
            passing = (front, (passing?.bytes ?? 0) + buffer.count - start)
            buffer = []
            start = 0
            scanned = 0
        }
        if start == buffer.count { releaseBuffer() }
        return nil
    }

    private static func report(_ passed: (front: [UInt8], bytes: Int)) -> HostFrame? {
        FrameHead(passed.front[...]).map { .oversized(id: $0.id, bytes: passed.bytes) }
    }

    /// A line without its end. A carriage return before the line end is part of JSON's white space.
    private mutating func nextLine() -> ArraySlice<UInt8>? {
        guard let end = buffer[scanned...].firstIndex(of: UInt8(ascii: "\n")) else {
            scanned = buffer.count
            return nil
        }
        let line = buffer[start..<end]
        start = end + 1
        scanned = start
        return line
    }

    /// Idle sessions keep no memory for lines that are gone.
    private mutating func releaseBuffer() {
        guard !buffer.isEmpty else { return }
        buffer.removeAll(keepingCapacity: false)
        start = 0
        scanned = 0
    }
}
