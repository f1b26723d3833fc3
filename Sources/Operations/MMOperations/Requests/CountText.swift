/// The answer of a service to `/$count`, a text: only a number, before which some services write a byte order mark.
enum CountText {
    /// Returns the number; `nil` for another text.
    static func read(_ bytes: [UInt8]) -> Int64? {
        Int64(String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace && $0 != "\u{FEFF}" })
    }
}
