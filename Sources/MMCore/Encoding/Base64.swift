/// Base64 encoding and decoding (RFC 4648, sections 4 and 5).
package enum Base64 {
    /// The characters for the values 62 and 63, and whether the end is padded.
    package enum Alphabet: Sendable {
        /// `+` and `/`, padded with `=` (section 4).
        case standard
        /// `-` and `_`, without padding (section 5), as tokens use it.
        case url
    }

    /// Encodes bytes as base64 text.
    package static func text(_ bytes: some Collection<UInt8>, alphabet: Alphabet = .standard) -> String {
        let letters = alphabet == .standard ? standardLetters : urlLetters
        // Through a buffer: a generic loop asks the collection for each single byte, which takes ten times as long.
        return bytes.withContiguousStorageIfAvailable { text(of: $0, letters, alphabet) }
            ?? Array(bytes).withUnsafeBufferPointer { text(of: $0, letters, alphabet) }
    }

    private static let standardLetters = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlLetters: [UInt8] = standardLetters.dropLast(2) + "-_".utf8

    private static func text(of bytes: UnsafeBufferPointer<UInt8>, _ letters: [UInt8], _ alphabet: Alphabet) -> String {
        String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { room in
            var count = 0
            func put(_ group: UInt32, _ places: Int) {
                for place in 0..<places {
                    room[count] = letters[Int(group >> UInt32(18 - 6 * place) & 63)]
                    count += 1
                }
            }
            var place = 0
            while place + 3 <= bytes.count {
                put(UInt32(bytes[place]) << 16 | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2]), 4)
                place += 3
            }
            let left = bytes.count - place
            guard left > 0 else { return count }
            put(UInt32(bytes[place]) << 16 | (left > 1 ? UInt32(bytes[place + 1]) << 8 : 0), left + 1)
            guard alphabet == .standard else { return count }
            for _ in left..<3 {
                room[count] = UInt8(ascii: "=")
                count += 1
            }
            return count
        }
    }

    /// Decodes base64 text; returns `nil` when it isn't valid.
    ///
    /// Padding may be missing (MSAL writes both forms) but not wrong, and unused trailing bits must be zero.
    package static func bytes(_ text: String, alphabet: Alphabet = .standard) -> [UInt8]? {
        var letters = Array(text.utf8)
        if letters.last == UInt8(ascii: "=") {
            guard letters.count % 4 == 0 else { return nil }
            letters.removeLast(letters.dropLast().last == UInt8(ascii: "=") ? 2 : 1)
        }
        guard letters.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(letters.count * 3 / 4)
        var held: UInt32 = 0
        var bits = 0
        for letter in letters {
            guard let value = value(of: letter, alphabet) else { return nil }
            held = held << 6 | UInt32(value)
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.append(UInt8(truncatingIfNeeded: held >> UInt32(bits)))
            held &= (1 << UInt32(bits)) - 1
        }
        return held == 0 ? bytes : nil
    }

    private static func value(of letter: UInt8, _ alphabet: Alphabet) -> UInt8? {
        switch letter {
        case 0x41...0x5A: letter - 0x41
        case 0x61...0x7A: letter - 0x61 + 26
        case 0x30...0x39: letter - 0x30 + 52
        case UInt8(ascii: "+") where alphabet == .standard, UInt8(ascii: "-") where alphabet == .url: 62
        case UInt8(ascii: "/") where alphabet == .standard, UInt8(ascii: "_") where alphabet == .url: 63
        default: nil
        }
    }
}
