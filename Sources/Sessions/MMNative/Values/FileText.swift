/// The text of a file, as .NET and PowerShell's commands read it.
enum FileText {
    /// The byte order mark of UTF-8.
    static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// Reads bytes as UTF-8, or as UTF-16 if they begin with a byte order mark of that.
    static func read(_ bytes: [UInt8]) -> String {
        let isLittle = bytes.starts(with: [0xFF, 0xFE])
        guard isLittle || bytes.starts(with: [0xFE, 0xFF]) else {
            return String(decoding: bytes[(bytes.starts(with: mark) ? mark.count : 0)...], as: UTF8.self)
        }
        let units = stride(from: 2, to: bytes.count - 1, by: 2).map { place in
            let pair = UInt16(bytes[place]) | UInt16(bytes[place + 1]) << 8
            return isLittle ? pair : pair.byteSwapped
        }
        return String(decoding: units, as: UTF16.self)
    }

    /// Returns the lines of a text without their ends. After the last end there is no line.
    static func lines(of text: String) -> [String] {
        var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
            .map(String.init)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }
}
