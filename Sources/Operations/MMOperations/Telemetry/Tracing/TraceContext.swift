import MMCore

/// The place of a span within its trace, as it travels between programs (W3C Trace Context, level 1).
package struct TraceContext: Sendable, Hashable {
    /// The trace, 32 hexadecimal digits.
    package let trace: String
    /// The span that what follows belongs to, 16 hexadecimal digits.
    package let span: String
    /// Whether the spans of this trace are recorded.
    package let isSampled: Bool
    /// What other tracing systems pass along, unread.
    package let state: String?

    init(trace: String, span: String, isSampled: Bool, state: String?) {
        (self.trace, self.span, self.isSampled, self.state) = (trace, span, isSampled, state)
    }

    /// Reads the headers `traceparent` and `tracestate`.
    /// - Returns: `nil` where they are not what the specification says; a new trace begins then.
    package init?(parent: String?, state: String? = nil) {
        guard let parent else { return nil }
        let parts = parent.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 4, parts[0].utf8.count == 2, parts[1].utf8.count == 32, parts[2].utf8.count == 16,
            parts[3].utf8.count == 2, parts.prefix(4).allSatisfy(Self.isHex), parts[0] != "ff",
            // Later versions may have more; this one has four parts.
            parts[0] != "00" || parts.count == 4, parts[1].utf8.contains(where: { $0 != 0x30 }),
            parts[2].utf8.contains(where: { $0 != 0x30 }), let flags = UInt8(parts[3], radix: 16)
        else { return nil }
        self.init(
            trace: parts[1], span: parts[2], isSampled: flags & 1 == 1, state: state.flatMap(Self.validState))
    }

    /// The value of the header `traceparent`.
    package var parent: String { "00-\(trace)-\(span)-\(isSampled ? "01" : "00")" }

    private static func isHex(_ text: String) -> Bool {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    private static func validState(_ text: String) -> String? {
        guard !text.isEmpty, text.utf8.count <= 512, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            return nil
        }
        return text
    }
}
