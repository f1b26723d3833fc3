/// Bytes that nobody can guess: from the kernel (getrandom(2)), which is what Swift's system generator asks on Linux.
package enum RandomBytes {
    /// This many random bytes.
    package static func make(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 7)
        // The kernel is asked for eight at a time.
        while bytes.count < count {
            withUnsafeBytes(of: generator.next() as UInt64) { bytes.append(contentsOf: $0) }
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// A random text of letters, digits, `-` and `_` that carries this many bytes.
    package static func text(bytes count: Int) -> String {
        Base64.text(make(count), alphabet: .url)
    }

    /// A random UUID in lower case (RFC 9562, section 5.4).
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
