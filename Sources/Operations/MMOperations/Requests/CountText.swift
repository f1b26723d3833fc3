import MMCore

/// The answer of a service to `/$count`, a text: only a number, before which some services write a byte order mark.
enum CountText {
    /// Returns the number; `nil` for another text.
    static func read(_ bytes: [UInt8]) -> Int64? {
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        return Int64(String(decoding: text, as: UTF8.self).trimmed)
    }
}
