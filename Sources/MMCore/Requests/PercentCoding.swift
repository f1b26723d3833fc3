/// Percent-encoding over bytes (RFC 3986, section 2.1).
package enum PercentCoding {
    /// Returns whether a byte may stand unescaped in a path segment: `pchar` of RFC 3986, section 3.3.
    package static func isSegmentByte(_ byte: UInt8) -> Bool {
        isUnreserved(byte) || "!$&'()*+,;=:@".utf8.contains(byte)
    }

    /// Returns whether a byte may stand unescaped in the name or value of a query item. `+` may not: callers mean a
    /// plus, but services read it as a space.
    package static func isQueryByte(_ byte: UInt8) -> Bool {
        isUnreserved(byte) || "!$'()*,;:@/?=".utf8.contains(byte)
    }

    /// Returns the text with every byte that `isPlain` doesn't admit written as `%XX`.
    package static func encode(_ text: String, isPlain: (UInt8) -> Bool) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            if isPlain(byte) {
                bytes.append(byte)
            } else {
                bytes.append(UInt8(ascii: "%"))
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Decodes each escape once; a `%` that doesn't start an escape is kept.
    /// - Returns: `nil` when the result isn't UTF-8.
    package static func decode(_ bytes: some Sequence<UInt8>) -> String? {
        var result: [UInt8] = []
        var pending: [UInt8] = []
        for byte in bytes {
            switch pending.count {
            case 0:
                if byte == UInt8(ascii: "%") { pending = [byte] } else { result.append(byte) }
            case 1 where Hex.value(of: byte) != nil:
                pending.append(byte)
            case 2 where Hex.value(of: byte) != nil:
                result.append((Hex.value(of: pending[1]) ?? 0) << 4 | (Hex.value(of: byte) ?? 0))
                pending = []
            default:
                result += pending
                pending = []
                if byte == UInt8(ascii: "%") { pending = [byte] } else { result.append(byte) }
            }
        }
        result += pending
        return String(validating: result, as: UTF8.self)
    }

    /// Returns whether decoding again would change the text: it contains `%XX` or the `%uXXXX` of old servers.
    package static func hasEscape(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        for position in bytes.indices where bytes[position] == UInt8(ascii: "%") {
            var digits = bytes[(position + 1)...]
            if digits.first == UInt8(ascii: "u") || digits.first == UInt8(ascii: "U") { digits = digits.dropFirst() }
            if digits.prefix(2).count == 2, digits.prefix(2).allSatisfy({ Hex.value(of: $0) != nil }) { return true }
        }
        return false
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
