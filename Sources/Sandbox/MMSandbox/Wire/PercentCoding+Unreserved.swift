internal import MMCore

extension PercentCoding {
    /// Returns whether a byte needs no escape anywhere (RFC 3986, section 2.3).
    static func isUnreservedByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
        default: false
        }
    }

    /// Returns a text in which every other byte is escaped.
    static func unreserved(_ text: String) -> String { encode(text, isPlain: isUnreservedByte) }
}
