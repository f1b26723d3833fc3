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
