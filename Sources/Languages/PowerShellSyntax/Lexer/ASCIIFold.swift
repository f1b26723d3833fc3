/// Compares names as the engine compares keywords and operators: ordinally, ignoring the case of ASCII letters. Letters
/// outside ASCII never fold into ASCII (the Kelvin sign is not a `k`).
package enum ASCIIFold {
    /// Returns whether two texts are equal, ignoring the case of ASCII letters.
    static func equal(_ a: some StringProtocol, _ b: some StringProtocol) -> Bool {
        var left = a.utf8.makeIterator()
        var right = b.utf8.makeIterator()
        while true {
            switch (left.next(), right.next()) {
            case (nil, nil): return true
            case (let x?, let y?) where lower(x) == lower(y): continue
            default: return false
            }
        }
    }

    /// Returns whether `text` starts with `prefix`, ignoring the case of ASCII letters.
    static func hasPrefix(_ text: some StringProtocol, _ prefix: some StringProtocol) -> Bool {
        var left = text.utf8.makeIterator()
        for y in prefix.utf8 {
            guard let x = left.next(), lower(x) == lower(y) else { return false }
        }
        return true
    }

    /// Returns the text with its ASCII letters in lower case.
    package static func lowercased(_ text: some StringProtocol) -> String {
        var text = String(text)
        let folded: String? = text.withUTF8 { bytes in
            guard bytes.contains(where: { $0 &- 0x41 < 26 }) else { return nil }
            return String(unsafeUninitializedCapacity: bytes.count) { room in
                for index in bytes.indices { room.initializeElement(at: index, to: lower(bytes[index])) }
                return bytes.count
            }
        }
        return folded ?? text
    }

    @inline(__always)
    static func lower(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    @inline(__always)
    static func lower(_ unit: UInt16) -> UInt16 { unit &- 0x41 < 26 ? unit | 0x20 : unit }
}
