/// An index of the line starts in a text.
struct OutputLines: Sendable {
    /// The longest line, in bytes, for which paging by lines makes sense.
    private static let maxLineLength = 8000

    /// The start of every `StoredOutput.stride`-th line.
    private(set) var index: [Int] = []
    /// The number of lines so far.
    private(set) var count = 0
    private var position = 0
    private var lineStart = 0
    private var hasOnlyShortLines = true

    /// Whether to page the text by lines: there are several, and none is too long.
    var canPageByLines: Bool { hasOnlyShortLines && count > 1 && position - lineStart <= Self.maxLineLength }

    /// Continues with the next piece of the text.
    mutating func append(_ text: some Sequence<UInt8>) {
        for byte in text {
            if position == lineStart {
                if count % StoredOutput.stride == 0 { index.append(position) }
                count += 1
            }
            position += 1
            guard byte == 0x0A else { continue }
            if position - 1 - lineStart > Self.maxLineLength { hasOnlyShortLines = false }
            lineStart = position
        }
    }

    /// Returns the start of each line; `nil` when there are fewer than two lines or one is too long.
    static func starts(of text: [UInt8]) -> [Int]? {
        var starts: [Int] = text.isEmpty ? [] : [0]
        var last = 0
        for (index, byte) in text.enumerated() where byte == 0x0A {
            if index - last > maxLineLength { return nil }
            last = index + 1
            if last < text.count { starts.append(last) }
        }
        return text.count - last > maxLineLength || starts.count < 2 ? nil : starts
    }
}
