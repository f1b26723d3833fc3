/// Unpredictable bytes from the kernel (getrandom(2)), which Swift's system generator uses on Linux.
package enum RandomBytes {
    /// Returns `count` random bytes.
    package static func make(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 7)
        while bytes.count < count {
            withUnsafeBytes(of: generator.next() as UInt64) { bytes.append(contentsOf: $0) }
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// Returns `count` random bytes as base64url text.
    package static func text(bytes count: Int) -> String {
        Base64.text(make(count), alphabet: .url)
    }

    /// Returns a random (version 4) UUID in lower case (RFC 9562, section 5.4).
    package static func uuid() -> String {
        var bytes = make(16)
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = Hex.text(bytes)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append("-") }
            text.append(digit)
        }
        return text
    }
}
