/// Where the lines of a text begin.
enum OutputLines {
    /// Lines longer than this are no unit to page by.
    private static let longest = 8000

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
