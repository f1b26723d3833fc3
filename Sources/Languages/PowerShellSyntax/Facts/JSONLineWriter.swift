/// Writes JSON as ASCII bytes.
struct JSONLineWriter {
    private(set) var bytes: [UInt8] = []
    /// Whether a comma must precede the next member or element.
    private var needsComma = false

    private static let hex = Array("0123456789abcdef".utf8)

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    mutating func openObject() { open(UInt8(ascii: "{")) }
    mutating func closeObject() { close(UInt8(ascii: "}")) }
    mutating func openArray() { open(UInt8(ascii: "[")) }
    mutating func closeArray() { close(UInt8(ascii: "]")) }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    /// Writes a member's name; its value must follow.
    mutating func key(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    mutating func number(_ value: Int) {
        separate()
        if value >= 0, value < 10 {
            bytes.append(UInt8(value) + 0x30)
        } else {
            bytes.append(contentsOf: String(value).utf8)
        }
    }

    mutating func literal(_ text: StaticString) {
        separate()
        raw(text)
    }

    /// Writes a string, or `null`.
    mutating func string(_ text: String?) {
        guard let text else { return literal("null") }
        separate()
        bytes.append(UInt8(ascii: "\""))
        for unit in text.utf16 {
            switch unit {
            case 0x22, 0x5C:
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(UInt8(unit))
            case 0x20..<0x7F: bytes.append(UInt8(unit))
            case 0x0A: raw("\\n")
            case 0x0D: raw("\\r")
            case 0x09: raw("\\t")
            default:
                raw("\\u")
                for shift in [12, 8, 4, 0] { bytes.append(JSONLineWriter.hex[Int(unit >> shift & 0xF)]) }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
