/// Parses server-sent events from chunks of any size (HTML Living Standard, section 9.2.6 “Interpreting an event
/// stream”).
package struct SSEParser: Sendable {
    /// The reason why a stream can't be parsed any further.
    package enum Fault: Error, Sendable, Hashable {
        /// A line or an event's data exceeds the limit, in bytes.
        case tooLong(limit: Int)
    }

    /// The last event id that the stream gave.
    package private(set) var lastEventID: String?

    private let limit: Int
    private var line: [UInt8] = []
    private var data: [UInt8] = []
    private var hasData = false
    private var event: [UInt8] = []
    private var eventRetry: Int?
    private var id: String?
    private var sawCarriageReturn = false
    private var markBytes = 0

    /// Creates a parser at the start of a stream.
    /// - Parameter limit: the maximum size of a line, and of an event's data, in bytes.
    package init(limit: Int = 16 << 20) {
        self.limit = limit
    }

    /// Consumes the next chunk and returns the events that it completed. An event that is unfinished at the end of the
    /// stream is dropped, as the standard requires.
    /// - Throws: `Fault.tooLong`.
    package mutating func consume(_ piece: [UInt8]) throws(Fault) -> [SSEEvent] {
        var events: [SSEEvent] = []
        for byte in piece {
            if sawCarriageReturn {
                sawCarriageReturn = false
                if byte == 0x0A { continue }
            }
            switch byte {
            case 0x0A, 0x0D:
                sawCarriageReturn = byte == 0x0D
                if let event = try endLine() { events.append(event) }
            default:
                if markBytes < 3 {
                    // A byte order mark may start the stream; it isn't part of the first field's name.
                    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
                    if byte == mark[markBytes], line.count == markBytes {
                        markBytes += 1
                        line.append(byte)
                        if markBytes == 3 { line.removeAll(keepingCapacity: true) }
                        continue
                    }
                    markBytes = 3
                }
                guard line.count < limit else { throw .tooLong(limit: limit) }
                line.append(byte)
            }
        }
        return events
    }

    private mutating func endLine() throws(Fault) -> SSEEvent? {
        markBytes = 3
        defer { line.removeAll(keepingCapacity: line.count <= 64 << 10) }
        guard !line.isEmpty else { return dispatch() }
        let colon = line.firstIndex(of: UInt8(ascii: ":"))
        if colon == 0 { return nil }
        let name = line[..<(colon ?? line.endIndex)]
        var value = line[(colon.map { $0 + 1 } ?? line.endIndex)...]
        if value.first == 0x20 { value.removeFirst() }
        if name.elementsEqual("data".utf8) {
            guard data.count + value.count < limit else { throw .tooLong(limit: limit) }
            if hasData { data.append(0x0A) }
            data += value
            hasData = true
        } else if name.elementsEqual("event".utf8) {
            event = Array(value)
        } else if name.elementsEqual("id".utf8) {
            if !value.contains(0) { id = String(decoding: value, as: UTF8.self) }
        } else if name.elementsEqual("retry".utf8), !value.isEmpty,
            value.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let time = Int(String(decoding: value, as: UTF8.self))
        {
            eventRetry = time
        }
        return nil
    }

    private mutating func dispatch() -> SSEEvent? {
        defer {
            data.removeAll(keepingCapacity: data.count <= 64 << 10)
            event.removeAll()
            hasData = false
            eventRetry = nil
        }
        if let id { lastEventID = id }
        guard hasData else { return nil }
        return SSEEvent(
            data: String(decoding: data, as: UTF8.self),
            event: event.isEmpty ? nil : String(decoding: event, as: UTF8.self), id: lastEventID, retry: eventRetry)
    }
}

/// A server-sent event (HTML Living Standard, section 9.2 “Server-sent events”).
package struct SSEEvent: Sendable, Hashable {
    /// The stream's last event id; nil if none was ever given.
    package var id: String?
    /// The event's type; nil means `message`.
    package var event: String?
    /// The data; multiple lines are joined with newlines.
    package var data: String
    /// The reconnection time in milliseconds, if the event came with one.
    package var retry: Int?

    package init(data: String, event: String? = nil, id: String? = nil, retry: Int? = nil) {
        self.data = data
        self.event = event
        self.id = id
        self.retry = retry
    }

    /// The event's wire format. Line breaks inside `event` and `id`, and a NUL in `id`, can't be sent: a field that
    /// contains one is left out.
    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        func field(_ name: String, _ value: some Sequence<UInt8>) {
            bytes += Array(name.utf8)
            bytes += [UInt8(ascii: ":"), UInt8(ascii: " ")]
            bytes += value
            bytes.append(0x0A)
        }
        if let event, Self.isOneLine(event) { field("event", event.utf8) }
        if let id, Self.isOneLine(id), !id.utf8.contains(0) { field("id", id.utf8) }
        if let retry, retry >= 0 { field("retry", String(retry).utf8) }
        for line in Self.lines(of: data) { field("data", line) }
        bytes.append(0x0A)
        return bytes
    }

    private static func isOneLine(_ text: String) -> Bool {
        !text.utf8.contains { $0 == 0x0A || $0 == 0x0D }
    }

    private static func lines(of text: String) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        let bytes = Array(text.utf8)
        var start = 0
        var index = 0
        while index < bytes.count {
            if bytes[index] == 0x0A || bytes[index] == 0x0D {
                lines.append(bytes[start..<index])
                if bytes[index] == 0x0D, index + 1 < bytes.count, bytes[index + 1] == 0x0A { index += 1 }
                start = index + 1
            }
            index += 1
        }
        lines.append(bytes[start...])
        return lines
    }
}
