/// Where the lines of a text begin.
struct OutputLines: Sendable {
    /// Lines longer than this are no unit to page by.
    private static let longest = 8000

    /// Where every so many lines one begins.
    private(set) var index: [Int] = []
    /// How many lines there are so far.
    private(set) var count = 0
    private var position = 0
    private var lineStart = 0
    private var isEven = true

    /// Whether the text is to be paged by lines: it has several, none of which is too long.
    var areUnits: Bool { isEven && count > 1 && position - lineStart <= Self.longest }

    /// Goes on over the next piece of a text.
    mutating func take(_ text: some Sequence<UInt8>) {
        for byte in text {
            if position == lineStart {
                if count % StoredOutput.stride == 0 { index.append(position) }
                count += 1
            }
            position += 1
            guard byte == 0x0A else { continue }
            if position - 1 - lineStart > Self.longest { isEven = false }
            lineStart = position
        }
    }

    /// Where each line begins; `nil` when there is but one, or one is too long.
    static func starts(of text: [UInt8]) -> [Int]? {
        var starts: [Int] = text.isEmpty ? [] : [0]
        var last = 0
        for (index, byte) in text.enumerated() where byte == 0x0A {
            if index - last > longest { return nil }
            last = index + 1
            if last < text.count { starts.append(last) }
        }
        return text.count - last > longest || starts.count < 2 ? nil : starts
    }
}
