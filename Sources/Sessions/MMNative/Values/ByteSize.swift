/// Exchange's sizes, such as `1.1 GB (1,181,116,006 bytes)`: text here, but in Exchange a type of its own that sorts by
/// bytes (Microsoft.Exchange.Data.ByteQuantifiedSize).
enum ByteSize {
    /// Returns the number of bytes in a size; `nil` for any other text.
    static func bytes(of text: String) -> Int64? {
        guard text.hasSuffix(" bytes)"), let open = text.utf8.lastIndex(of: UInt8(ascii: "(")) else { return nil }
        let unit = text[..<open]
        guard [" B ", " KB ", " MB ", " GB ", " TB ", " PB "].contains(where: { unit.hasSuffix($0) }) else {
            return nil
        }
        let digits = text[text.index(after: open)...].dropLast(" bytes)".utf8.count)
        guard let first = digits.utf8.first, (0x30...0x39).contains(first),
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ",") })
        else { return nil }
        return Int64(digits.filter { $0 != "," })
    }
}
